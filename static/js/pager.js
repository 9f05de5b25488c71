// The pages of a table.

import { find } from "./dom.js";
import { t } from "./t.js";

export function drawPager({ page, size, total }) {
  find("#pager-text").textContent = total
    ? t("pager.range", { from: (page - 1) * size + 1, to: Math.min(total, page * size), total })
    : "";
  disable(find("#previous"), find("#next"), page <= 1);
  disable(find("#next"), find("#previous"), page * size >= total);
}

/** The focus goes to the other button rather than away. */
function disable(button, other, off) {
  const held = off && document.activeElement === button;
  button.disabled = off;
  if (!held) return;
  other.disabled = false; // its turn may be next
  other.focus({ preventScroll: true });
}

export const lastPage = (total, size) => Math.max(1, Math.ceil(total / size));

/** turn: given the step, 1 or -1. */
export function wirePager(turn) {
  find("#previous").addEventListener("click", () => turn(-1));
  find("#next").addEventListener("click", () => turn(1));
}

/** The number of a page in the address. */
export function pageOf(address = location.search) {
  const given = Number(new URLSearchParams(address).get("page"));
  return Number.isInteger(given) && given > 0 && given < 1e6 ? given : 1;
}
