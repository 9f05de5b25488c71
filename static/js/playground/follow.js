// Keeping the end of what grows in sight, unless somebody reads further up.

const NEAR_PX = 60;

/** Follows from now on. Returns a function that goes to the end. */
export function followEnd(place) {
  let pinned = true,
    last = 0;
  const toEnd = () => {
    pinned = true;
    place.scrollTop = place.scrollHeight;
  };
  const follow = () => pinned && toEnd();
  place.addEventListener("scroll", () => {
    const { scrollTop: now } = place;
    if (place.scrollHeight - now - place.clientHeight < NEAR_PX) pinned = true;
    else if (now < last) pinned = false; // only people go up: what grows goes down
    last = now;
  });
  new MutationObserver(follow).observe(place, { childList: true, subtree: true });
  for (const loaded of ["load", "loadedmetadata"]) place.addEventListener(loaded, follow, true);
  return toEnd;
}
