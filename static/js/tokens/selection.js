// Which accounts are selected, over all pages, and the bar that says so.

import { get } from "../api.js";
import { all, busy, find } from "../dom.js";
import { tellError } from "../toast.js";
import { t } from "../t.js";
import { isFiltered, queryOf } from "./view.js";

export class Selection {
  /** view: gives the present one. onEmpty: called when the bar goes with the focus in it. */
  constructor(table, view, onEmpty) {
    this.ids = new Set();
    this.table = table;
    this.view = view;
    this.onEmpty = onEmpty;
    this.bar = find("#bulk");
    this.heads = all("[data-select-page]");
    this.total = 0;
    this.taken = null; // the filters that all were taken of
    table.addEventListener("change", ({ target }) => {
      const row = target.closest("tbody tr");
      if (row && target.type === "checkbox") this.set([Number(row.dataset.id)], target.checked);
    });
    for (const head of this.heads)
      head.addEventListener("change", ({ target }) => this.set(this.shown(), target.checked));
    this.bar.addEventListener("click", ignoreDisabled, true);
    addEventListener("resize", () => this.keepClear());
    find("#clear-selection").addEventListener("click", () => this.clear());
    const everything = find("#select-matching");
    everything.addEventListener("click", () => busy(everything, () => this.takeAll().catch(tellError)));
  }

  shown = () => all("tbody tr", this.table).map((row) => Number(row.dataset.id));

  /** How many of the selected ones are not on this page. */
  get hidden() {
    return this.ids.size - this.shown().filter((id) => this.ids.has(id)).length;
  }

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
    const focused = document.activeElement;
    const shown = this.shown();
    for (const row of all("tbody tr", this.table)) {
      const on = this.ids.has(Number(row.dataset.id));
      row.classList.toggle("selected", on);
      find("input", row).checked = on;
    }
    const some = shown.filter((id) => this.ids.has(id)).length;
    for (const head of this.heads) {
      head.checked = some > 0 && some === shown.length;
      head.indeterminate = some > 0 && some < shown.length;
    }
    const { hidden } = this;
    find("#bulk-count").textContent = t("bulk.count", { count: this.ids.size });
    find("#bulk-hidden").textContent = hidden ? t("bulk.hidden", { count: hidden }) : "";
    const more = find("#select-matching");
    more.hidden = total <= shown.length || some < shown.length || this.taken === this.filters();
    more.textContent = t(isFiltered(this.view()) ? "bulk.all" : "bulk.everything", { count: total });
    this.bar.hidden = !this.ids.size;
    this.keepClear();
    if (this.bar.hidden && this.bar.contains(focused)) this.onEmpty();
    else if (more.hidden && focused === more) find("#clear-selection").focus();
  }

  /** How much of the window's foot the bar takes, so that messages and what has the focus stay clear of it. */
  keepClear() {
    document.documentElement.style.setProperty("--bulk-height", `${this.bar.offsetHeight}px`);
  }
}

/** Buttons that keep the focus while they can do nothing. */
function ignoreDisabled(event) {
  if (event.target.closest("[aria-disabled=true]")) event.stopImmediatePropagation();
}
