// The pages of a table.

import { find } from "./dom.js";
import { t } from "./t.js";

export function drawPager({ page, size, total }) {
  find("#pager-text").textContent = total
    ? t("pager.range", { from: (page - 1) * size + 1, to: Math.min(total, page * size), total })
    : "";
  // not `disabled`: whoever has turned to the last page by keyboard would lose the place
  find("#previous").setAttribute("aria-disabled", String(page <= 1));
  find("#next").setAttribute("aria-disabled", String(page * size >= total));
}

export const lastPage = (total, size) => Math.max(1, Math.ceil(total / size));

/** turn: given the step, 1 or -1. */
export function wirePager(turn) {
  for (const [name, step] of [
    ["previous", -1],
    ["next", 1],
  ]) {
    const button = find(`#${name}`);
    button.addEventListener("click", () => button.getAttribute("aria-disabled") === "true" || turn(step));
  }
}

/** The number of a page in the address. */
export function pageOf(address = location.search) {
  const given = Number(new URLSearchParams(address).get("page"));
  return Number.isInteger(given) && given > 0 && given < 1e6 ? given : 1;
}
