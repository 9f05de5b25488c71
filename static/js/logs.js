// The last requests, and why one was served as it was.

import { get, post } from "./api.js";
import { confirmed, prepared, showFrom } from "./dialog.js";
import { debounced, find, make, redraw } from "./dom.js";
import { ago, latency, moment, recently } from "./format.js";
import { drawPager, lastPage, pageOf, wirePager } from "./pager.js";
import { poll } from "./poll.js";
import { inWords } from "./reasons.js";
import { labelled } from "./stacked.js";
import { outOfDate, upToDate } from "./stale.js";
import { tell, tellError } from "./toast.js";
import { knows, t } from "./t.js";

const SIZE = 50,
  EVERY_MS = 3000,
  TYPING_MS = 80;
const BADGES = { ok: "active", failed: "expired", refused: "cooling", gone: "unused" };
const REASONS = ["cooling", "exhausted", "busy", "expired", "disabled", "wrong_tier", "tried"];
const filters = find("#filters"),
  dialog = prepared(find("#request-dialog"));
const FILTERS = ["q", "outcome", "model"];
let page = 1,
  asking = new AbortController();

/** What the address says. */
function readView() {
  const given = new URLSearchParams(location.search);
  page = pageOf();
  for (const name of FILTERS) filters[name].value = given.get(name) ?? "";
}

function query() {
  const chosen = FILTERS.filter((name) => filters[name].value.trim());
  return new URLSearchParams(chosen.map((name) => [name, filters[name].value.trim()]));
}

async function load() {
  asking.abort();
  asking = new AbortController();
  const asked = query();
  const filtered = asked.size > 0;
  asked.set("page", page);
  try {
    const options = { signal: asking.signal, background: true };
    const { data, total } = await get(`/api/logs?${asked}&page_size=${SIZE}`, options);
    if (page > lastPage(total, SIZE)) return change(lastPage(total, SIZE), { replace: true });
    find("#count").textContent = t(filtered ? "logs.count_filtered" : "logs.count", { count: total });
    find("#empty").textContent = t(filtered ? "logs.none_found" : "logs.none");
    find("#empty").hidden = total > 0;
    redraw(find("#requests"), labelled(data.map(rowOf), find("#request-table")));
    drawPager({ page, size: SIZE, total });
    upToDate();
  } catch (error) {
    outOfDate(error);
  }
  return undefined;
}

const badge = ({ outcome }) =>
  make("span", { class: `badge ${BADGES[outcome]}`, textContent: t(`outcome.${outcome}`) });
/** Masks of short secrets show nothing of them; the id leads to the account. about: what tells its links apart. */
function accountOf({ account, account_id: id }, about) {
  const link = make("a", { href: `/manage/tokens?q=%23${id}`, textContent: `#${id}` });
  link.setAttribute("aria-label", `#${id} (${about})`);
  return [make("code", { textContent: account }), " ", link];
}
const keyName = (key) => (knows(`key.${key}`) ? t(`key.${key}`) : key);

/** A code that may go on in the next line after each of its words. */
const breakable = (code) => code.split(/(?<=_)/).flatMap((word) => [word, make("wbr")]);

function rowOf(one) {
  const open = make("button", { type: "button", class: "small", textContent: t("logs.open") });
  open.setAttribute("aria-label", `${t("logs.open")}: ${one.request_id}`);
  open.addEventListener("click", () => show(one));
  const last = one.attempts.at(-1);
  const tries = one.attempts.length > 1 ? t("logs.tries", { count: one.attempts.length }) : "";
  const row = make(
    "tr",
    {},
    make("td", { class: "nowrap number small", textContent: recently(one.time), title: moment(one.time) }),
    make("td", {}, badge(one), make("div", { class: "small muted" }, ...breakable(one.code))),
    make("td", { textContent: one.model || "–" }),
    make(
      "td",
      {},
      ...(last ? accountOf(last, one.request_id) : ["–"]),
      make("div", { class: "small muted", textContent: tries }),
    ),
    make("td", { textContent: keyName(one.key) }),
    make("td", { class: "right number nowrap", textContent: latency(one.first_content) }),
    make("td", { class: "right number nowrap", textContent: latency(one.duration) }),
    make("td", { class: "controls" }, open),
  );
  // Where the button is out of sight, too; but whoever marks text wants to copy it.
  row.addEventListener("click", ({ target }) => {
    if (!target.closest("a, button") && getSelection().isCollapsed) show(one);
  });
  return row;
}

function show(one) {
  find("#request-summary").replaceChildren(badge(one), ` ${summaryOf(one)}`);
  const facts = {
    time: moment(one.time),
    request_id: one.request_id,
    path: one.path,
    model: one.model || "–",
    key: keyName(one.key),
    stream: t(one.stream ? "yes" : "no"),
    status: one.status,
    first: latency(one.first_content),
    total: latency(one.duration),
  };
  find("#request-facts").replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => [
      make("dt", { textContent: t(`logs.${name}`) }),
      make("dd", { textContent: value }),
    ]),
  );
  find("#attempts-title").hidden = !one.attempts.length;
  find("#attempts").replaceChildren(
    ...one.attempts.map((attempt, n) =>
      make(
        "li",
        {},
        ...accountOf(attempt, n + 1),
        ` · ${t(`attempt.${attempt.outcome}`)} · ${latency(attempt.duration)}`,
        make("div", { class: "small muted", textContent: attempt.error ? inWords(attempt.error) : "" }),
      ),
    ),
  );
  showShortage(one.shortage);
  showFrom(dialog);
}

/** What the error was, in a sentence. */
function summaryOf(one) {
  if (one.outcome === "ok") return t("logs.was_ok");
  if (one.outcome === "gone") return t("logs.was_gone");
  if (one.error) return inWords(one.error);
  return knows(`error.api.${one.code}`) ? t(`error.api.${one.code}`) : t("logs.was_code", { code: one.code });
}

function showShortage(shortage) {
  find("#shortage").hidden = !shortage;
  if (!shortage) return;
  const reasons = REASONS.filter((name) => shortage[name]).map((name) =>
    t(`shortage.${name}`, { count: shortage[name] }),
  );
  find("#shortage-reasons").replaceChildren(
    ...(reasons.length ? reasons : [t("shortage.none")]).map((text) => make("li", { textContent: text })),
  );
  find("#shortage-returns").textContent = shortage.returns_at
    ? t("shortage.returns", { time: moment(shortage.returns_at), ago: ago(shortage.returns_at) })
    : "";
}

/** replace: without a step to go back. */
function change(to, { replace = false } = {}) {
  page = to;
  const shown = query();
  if (page > 1) shown.set("page", page);
  history[replace ? "replaceState" : "pushState"](null, "", shown.size ? `?${shown}` : location.pathname);
  return load();
}

filters.addEventListener("submit", (event) => event.preventDefault());
filters.q.addEventListener(
  "input",
  debounced(() => change(1, { replace: true }), TYPING_MS),
);
filters.addEventListener("change", ({ target }) => target.name !== "q" && change(1));
wirePager((step) => change(page + step));
find("#clear").addEventListener("click", async () => {
  if (
    !(await confirmed({
      title: t("logs.clear_title"),
      text: t("logs.clear_text"),
      yes: t("logs.clear"),
      danger: true,
    }))
  )
    return;
  try {
    const { data } = await post("/api/logs/clear");
    tell(t("logs.cleared", { count: data.deleted }));
  } catch (error) {
    tellError(error);
  }
  change(1, { replace: true });
});
addEventListener("popstate", () => {
  readView();
  load();
});
readView();
poll(load, () => EVERY_MS);
