// Asking again and again, only while somebody looks.

/** Calls work now and then `pauseMs()` after each end of it. Returns a function that asks at once. */
export function poll(work, pauseMs) {
  let timer,
    running = false,
    again = false;
  const round = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await work();
    } finally {
      running = false;
      timer = setTimeout(round, again ? 0 : pauseMs());
      again = false;
    }
  };
  document.addEventListener("visibilitychange", round);
  round();
  return round;
}
