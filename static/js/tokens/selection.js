// Which accounts are selected, over all pages, and the bar that says so.

import { get } from "../api.js";
import { all, busy, find } from "../dom.js";
import { tellError } from "../toast.js";
import { t } from "../t.js";
import { queryOf } from "./view.js";

export class Selection {
  /** view: gives the present one. */
  constructor(table, view) {
    this.ids = new Set();
    this.table = table;
    this.view = view;
    this.total = 0;
    this.taken = null; // the filters that all were taken of
    table.addEventListener("change", ({ target }) => {
      const row = target.closest("tbody tr");
      if (row && target.type === "checkbox") this.set([Number(row.dataset.id)], target.checked);
    });
    find("#select-page").addEventListener("change", ({ target }) => this.set(this.shown(), target.checked));
    find("#clear-selection").addEventListener("click", () => this.clear());
    const everything = find("#select-matching");
    everything.addEventListener("click", () => busy(everything, () => this.takeAll().catch(tellError)));
  }

  shown = () => all("tbody tr", this.table).map((row) => Number(row.dataset.id));

  set(ids, on) {
    ids.forEach((id) => (on ? this.ids.add(id) : this.ids.delete(id)));
    if (!on) this.taken = null;
    this.draw();
  }

  filters = () => queryOf(this.view(), { filtersOnly: true });

  clear() {
    this.ids.clear();
    this.taken = null;
    this.draw();
  }

  /** Every account that the filters let through, on all pages. */
  async takeAll() {
    const { data } = await get(`/api/tokens/ids?${this.filters()}`);
    this.ids = new Set(data);
    this.taken = this.filters();
    this.draw();
  }

  /** total: of all accounts that the filters let through. */
  draw(total = this.total) {
    this.total = total;
    const shown = this.shown();
    for (const row of all("tbody tr", this.table)) {
      const on = this.ids.has(Number(row.dataset.id));
      row.classList.toggle("selected", on);
      find("input", row).checked = on;
    }
    const some = shown.filter((id) => this.ids.has(id)).length;
    const head = find("#select-page");
    head.checked = some > 0 && some === shown.length;
    head.indeterminate = some > 0 && some < shown.length;
    find("#bulk").hidden = !this.ids.size;
    find("#bulk-count").textContent = t("bulk.count", { count: this.ids.size });
    const more = find("#select-matching");
    more.hidden = total <= shown.length || some < shown.length || this.taken === this.filters();
    more.textContent = t("bulk.all", { count: total });
  }
}
