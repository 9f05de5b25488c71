// The accounts: the table, its filters, and what is done with them.

import { get } from "./api.js";
import { copy } from "./console.js";
import { all, busy, debounced, find, make } from "./dom.js";
import { drawPager, lastPage, wirePager } from "./pager.js";
import { poll } from "./poll.js";
import { startRefresh } from "./refresh.js";
import { tellError } from "./toast.js";
import { t } from "./t.js";
import { act, exportAccounts } from "./tokens/actions.js";
import { wireAdding } from "./tokens/add.js";
import { wireDetails } from "./tokens/details.js";
import { wireEditing } from "./tokens/edit.js";
import { wireMenu } from "./tokens/menu.js";
import { Place } from "./tokens/place.js";
import { rowOf, tick } from "./tokens/rows.js";
import { Selection } from "./tokens/selection.js";
import { isFiltered, queryOf, readView, writeView } from "./tokens/view.js";

const EVERY_MS = 10000;
const TYPING_MS = 60;
const table = find("#tokens"),
  body = find("tbody", table),
  filters = find("#filters");
let view = readView(),
  accounts = new Map(),
  total = 0,
  asking = new AbortController();
const place = new Place(body, filters.q);
const selection = new Selection(
  table,
  () => view,
  () => place.go(),
);
const editing = wireEditing();
const showDetails = wireDetails();
const openAdding = wireAdding(() => show({ page: "1" }));

async function load() {
  asking.abort();
  asking = new AbortController();
  try {
    const answer = await get(`/api/tokens?${queryOf(view)}`, { signal: asking.signal, background: true });
    const last = lastPage(answer.total, Number(view.page_size));
    if (Number(view.page) > last) return show({ page: String(last) }, { replace: true });
    total = answer.total;
    draw(answer.data);
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    find("#count").textContent = error.message;
    if (!accounts.size) tellError(error);
  }
  table.removeAttribute("aria-busy");
  return undefined;
}

function draw(found) {
  const arrivedAt = Date.now(),
    held = place.holds();
  accounts = new Map(found.map((account) => [account.id, account]));
  body.replaceChildren(...found.map((account) => rowOf(account, selection.ids.has(account.id), arrivedAt)));
  tick(table);
  if (held) place.go();
  selection.draw(total);
  find("#count").textContent = t(isFiltered(view) ? "tokens.count_filtered" : "tokens.count", {
    count: total,
  });
  find("#empty").hidden = total > 0;
  find("#empty-text").textContent = t(isFiltered(view) ? "tokens.none_found" : "tokens.none");
  find("#empty-add").hidden = isFiltered(view);
  find("#pager").hidden = total === 0;
  drawPager({ page: Number(view.page), size: Number(view.page_size), total });
}

/** Show another view. replace: without a step to go back. */
function show(changes, { replace = false } = {}) {
  view = { ...view, ...changes };
  writeView(view, { replace });
  return follow();
}

/** Show what the view says; until it is here, what is there is out of date. */
function follow() {
  reflect();
  table.setAttribute("aria-busy", "true");
  return load();
}

async function turn(step) {
  await show({ page: String(Number(view.page) + step) });
  if (table.getBoundingClientRect().top < 0) table.scrollIntoView({ block: "start" });
}

function reflect() {
  for (const name of ["q", "status", "token_type", "tag"]) {
    if (name === "tag" && view.tag && ![...filters.tag.options].some((one) => one.value === view.tag))
      filters.tag.append(make("option", { value: view.tag, textContent: view.tag }));
    if (filters[name].value !== view[name]) filters[name].value = view[name];
  }
  find("#clear-filters").hidden = !isFiltered(view);
  find("#page-size").value = view.page_size;
  find("#sort").value = view.sort;
  for (const head of all("th[data-sort]", table)) {
    const chosen = view.sort.replace("-", "") === head.dataset.sort;
    if (chosen) head.setAttribute("aria-sort", view.sort.startsWith("-") ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

async function loadTags() {
  try {
    const { data } = await get("/api/tokens/tags/all");
    filters.tag.replaceChildren(
      filters.tag.options[0],
      ...data.map((tag) => make("option", { value: tag, textContent: tag })),
    );
    editing.know(data);
    reflect();
  } catch (error) {
    tellError(error);
  }
}

const typed = debounced(() => show({ q: filters.q.value.trim(), page: "1" }, { replace: true }), TYPING_MS);
filters.q.addEventListener("input", typed);
filters.addEventListener("submit", (event) => event.preventDefault());
filters.addEventListener(
  "change",
  ({ target }) => target.name !== "q" && show({ [target.name]: target.value, page: "1" }),
);
filters.addEventListener("reset", () => {
  filters.q.focus(); // the button that was pressed goes away
  show({ q: "", status: "", token_type: "", tag: "", page: "1" });
});
wirePager(turn);
find("#sort").addEventListener("change", ({ target }) => show({ sort: target.value, page: "1" }));
find("#page-size").addEventListener("change", ({ target }) => show({ page_size: target.value, page: "1" }));
for (const head of all("th[data-sort]", table)) {
  find("button", head).addEventListener("click", () =>
    show({
      sort: view.sort === `-${head.dataset.sort}` ? head.dataset.sort : `-${head.dataset.sort}`,
      page: "1",
    }),
  );
}

const openMenu = wireMenu(body, (name, account) => {
  if (name === "edit") return editing.one(account);
  if (name === "details") return showDetails(accounts.get(account.id) ?? account);
  return act(name, [account.id]).then((done) => name === "delete" && selection.set(done, false));
});
body.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-act]");
  if (!button) return;
  const account = accounts.get(Number(button.closest("tr").dataset.id));
  if (button.dataset.act === "copy") copy(account.token);
  else if (button.dataset.act === "tag") show({ tag: button.dataset.tag, page: "1" });
  else openMenu(button, account);
});

for (const button of all("[data-bulk]")) {
  button.addEventListener("click", () => {
    const name = button.dataset.bulk,
      { hidden } = selection,
      ids = [...selection.ids];
    if (name === "tags" || name === "note") return editing.many(name, ids, hidden);
    if (name === "export") return exportAccounts(view, selection.ids, ids.length);
    return busy(button, async () => {
      const done = await act(name, ids, hidden);
      if (name === "delete") selection.set(done, false);
    });
  });
}
find("#add").addEventListener("click", openAdding);
find("#empty-add").addEventListener("click", openAdding);
find("#export").addEventListener("click", () => exportAccounts(view, new Set(), total));
find("#refresh-all").addEventListener("click", ({ currentTarget }) => startRefresh(currentTarget));
addEventListener("popstate", () => {
  view = readView();
  follow();
});

reflect();
const reload = poll(load, () => EVERY_MS);
loadTags();
addEventListener("accounts-changed", () => {
  reload();
  loadTags();
});
setInterval(() => tick(table) && reload(), 1000);
if (new URLSearchParams(location.search).has("add")) {
  writeView(view, { replace: true });
  openAdding();
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.target.closest("input, textarea, select, dialog")) return;
  event.preventDefault();
  filters.q.focus();
});
