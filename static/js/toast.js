// Telling what happened, in one place that screen readers speak.

import { all, find, make } from "./dom.js";
import { t } from "./t.js";

const SHOWN_MS = 6000;
const MOST = 4;

/** bad: it stays until it is closed. */
export function tell(text, { bad = false } = {}) {
  const place = find("#toasts");
  const close = make("button", { class: "quiet small icon-only", type: "button", textContent: "×" });
  close.setAttribute("aria-label", t("close"));
  const toast = make("div", { class: bad ? "toast bad" : "toast" }, make("p", { textContent: text }), close);
  const gone = () => {
    toast.remove();
    if (!place.childElementCount && place.matches(":popover-open")) place.hidePopover();
  };
  close.addEventListener("click", gone);
  if (place.matches(":popover-open")) place.hidePopover(); // shown anew, it lies above a dialog that has come meanwhile
  place.append(toast);
  place.showPopover();
  all(".toast", place)
    .slice(0, -MOST)
    .forEach((old) => old.remove());
  if (!bad) setTimeout(gone, SHOWN_MS);
}

export function tellError(error) {
  if (error.name === "AbortError") return;
  if (!error.code) console.error(error);
  tell(error.code ? error.message : t("error.unexpected"), { bad: true });
}
