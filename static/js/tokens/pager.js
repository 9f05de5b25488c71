// The pages of the table.

import { find } from "../dom.js";
import { t } from "../t.js";

export function drawPager(view, total) {
  const size = Number(view.page_size),
    page = Number(view.page);
  find("#pager").hidden = total === 0;
  const range = { from: (page - 1) * size + 1, to: Math.min(total, page * size), total };
  find("#pager-text").textContent = t("pager.range", range);
  find("#previous").disabled = page <= 1;
  find("#next").disabled = page * size >= total;
}

/** view: gives the present one. show: shows it with changes. */
export function wirePager(view, show) {
  const turn = (step) => show({ page: String(Number(view().page) + step) });
  find("#page-size").addEventListener("change", ({ target }) => show({ page_size: target.value, page: "1" }));
  find("#previous").addEventListener("click", () => turn(-1));
  find("#next").addEventListener("click", () => turn(1));
}
