// The pages of a table.

import { find } from "./dom.js";
import { t } from "./t.js";

export function drawPager({ page, size, total }) {
  find("#pager-text").textContent = total
    ? t("pager.range", { from: (page - 1) * size + 1, to: Math.min(total, page * size), total })
    : "";
  find("#previous").disabled = page <= 1;
  find("#next").disabled = page * size >= total;
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
