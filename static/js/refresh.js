// The refresh of all quotas, wherever it was started: one bar on every page and in every tab.

import { get, post } from "./api.js";
import { busy, find } from "./dom.js";
import { poll } from "./poll.js";
import { tell, tellError } from "./toast.js";
import { t } from "./t.js";

const RUNNING_MS = 700;
/** Short enough that the refresh of a few accounts shows, too. */
const IDLE_MS = 2500;
const channel = new BroadcastChannel("grok2api-refresh");
let last = null;

/** Shows the bar while a refresh runs. */
export function watchRefresh() {
  const ask = poll(
    async () => {
      try {
        show((await get("/api/tokens/refresh-progress", { background: true })).data);
      } catch (error) {
        if (!error.code) throw error; // away for a moment: the next round tells
      }
    },
    () => (last?.running ? RUNNING_MS : IDLE_MS),
  );
  channel.addEventListener("message", ask);
  addEventListener("refresh-started", ask);
}

function show(progress) {
  const was = last;
  last = progress;
  find("#refresh-strip").hidden = !progress.running;
  const { current, total, success, failed } = progress;
  find("#refresh-title").textContent = t("refresh.running", { current, total });
  find("#refresh-counts").textContent = t("refresh.counts", { success, failed });
  const meter = find("#refresh-meter");
  meter.setAttribute("aria-valuenow", current);
  meter.setAttribute("aria-valuemax", total);
  meter.firstElementChild.style.width = `${total ? (100 * current) / total : 0}%`;
  if (was?.running && !progress.running) {
    tell(
      progress.interrupted
        ? t("refresh.interrupted", { current, total })
        : t("refresh.done", { success, failed }),
      { bad: progress.interrupted },
    );
    dispatchEvent(new Event("accounts-changed"));
  }
}

/** Starts one; a second one is refused, in words. */
export function startRefresh(button) {
  return busy(button, async () => {
    try {
      await post("/api/tokens/refresh-all");
      tell(t("refresh.started"));
    } catch (error) {
      if (error.code !== "already_running") return tellError(error);
      const { current, total } = error.data;
      tell(t("refresh.already", { current, total }), { bad: true });
    }
    channel.postMessage("started");
    dispatchEvent(new Event("refresh-started"));
  });
}
