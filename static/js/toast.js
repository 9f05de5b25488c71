// Telling what happened, in one place that screen readers speak.

import { all, find, make } from "./dom.js";
import { t } from "./t.js";

const SHOWN_MS = 6000;
const MOST = 4;

/** bad: it stays until it is closed. warn: it is no success. */
export function tell(text, { bad = false, warn = false } = {}) {
  const place = find("#toasts");
  const close = make("button", { class: "quiet small icon-only", type: "button", textContent: "×" });
  close.setAttribute("aria-label", t("close"));
  const look = bad ? "toast bad" : warn ? "toast warn" : "toast";
  const toast = make("div", { class: look }, make("p", { textContent: text }), close);
  const gone = () => {
    toast.remove();
    if (!place.childElementCount && place.matches(":popover-open")) place.hidePopover();
  };
  close.addEventListener("click", gone);
  place.append(toast);
  putOnTop(place);
  all(".toast", place)
    .slice(0, -MOST)
    .forEach((old) => old.remove());
  if (!bad) setTimeout(gone, SHOWN_MS);
}

/** Above an open dialog, and in it: what is outside of one can be neither reached nor heard. */
function putOnTop(place) {
  const dialog = all("dialog[open]").at(-1);
  if (place.matches(":popover-open")) place.hidePopover();
  (dialog ?? document.body).append(place);
  place.showPopover();
  const back = () => place.childElementCount && putOnTop(place);
  dialog?.addEventListener("close", back, { once: true });
}

export function tellError(error) {
  if (error.name === "AbortError") return;
  if (!error.code) console.error(error);
  tell(error.code ? error.message : t("error.unexpected"), { bad: true });
}
