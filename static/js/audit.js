// What operators did.

import { get } from "./api.js";
import { find, make } from "./dom.js";
import { count, moment } from "./format.js";
import { drawPager, lastPage, pageOf, wirePager } from "./pager.js";
import { labelled } from "./stacked.js";
import { tellError } from "./toast.js";
import { knows, t } from "./t.js";

const SIZE = 50;
let page = pageOf(),
  asking = new AbortController();

const shown = (value) =>
  Array.isArray(value) ? value.join(", ") : typeof value === "number" ? count(value) : String(value);
const details = (detail) =>
  Object.entries(detail)
    .map(([name, value]) => `${knows(`detail.${name}`) ? t(`detail.${name}`) : name}: ${shown(value)}`)
    .join(" · ");

const actionOf = ({ action }) => (knows(`action.${action}`) ? t(`action.${action}`) : action);

const rowOf = (one) =>
  make(
    "tr",
    {},
    make("td", { class: "nowrap number", textContent: moment(one.time) }),
    make("td", { textContent: one.username || "–" }),
    make("td", { class: "nowrap", textContent: actionOf(one) }),
    make("td", { class: "small muted", textContent: details(one.detail) }),
    make("td", { class: "nowrap" }, make("code", { textContent: one.address })),
  );

async function load() {
  asking.abort();
  asking = new AbortController();
  try {
    const path = `/api/audit?page=${page}&page_size=${SIZE}`;
    const { data, total } = await get(path, { signal: asking.signal });
    if (page > lastPage(total, SIZE)) return show(lastPage(total, SIZE), { replace: true });
    find("#audit-rows").replaceChildren(...labelled(data.map(rowOf), find("#audit-table")));
    find("#audit-empty").hidden = total > 0;
    drawPager({ page, size: SIZE, total });
  } catch (error) {
    tellError(error);
  }
  return undefined;
}

/** replace: without a step to go back. */
function show(to, { replace = false } = {}) {
  page = to;
  history[replace ? "replaceState" : "pushState"](null, "", `?page=${page}`);
  return load();
}
wirePager((step) => show(page + step));
addEventListener("popstate", () => {
  page = pageOf();
  load();
});
load();
