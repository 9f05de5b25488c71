// What is done to accounts, one or many, in steps that show how far they are.

import { download, post } from "../api.js";
import { confirmed, choice } from "../dialog.js";
import { all, find, make } from "../dom.js";
import { inWords } from "../reasons.js";
import { tell, tellError } from "../toast.js";
import { t } from "../t.js";
import { isFiltered, queryOf } from "./view.js";
import { working } from "./working.js";

/** Accounts to a request: so many that each takes a moment only. */
const STEP = { test: 1, refresh: 20, default: 1000 };

/** Runs work over the ids in steps, under the bar when there are many. Ends early when it is told to, or fails. Those
 * that were done are in `done`, also when it fails. */
async function inSteps(ids, size, work, done) {
  const bar = find("#bulk-progress"),
    meter = find(".meter", bar),
    stop = find("#bulk-stop");
  const buttons = all("#bulk .actions button, #select-matching");
  const pressed = document.activeElement;
  let stopped = false;
  const onStop = () => (stopped = true);
  bar.hidden = ids.length <= size;
  if (!bar.hidden) find("#bulk").hidden = false;
  buttons.forEach((button) => button.setAttribute("aria-disabled", "true"));
  stop.addEventListener("click", onStop);
  meter.setAttribute("aria-valuemax", ids.length);
  const show = () => {
    meter.firstElementChild.style.width = `${(100 * done.length) / ids.length}%`;
    meter.setAttribute("aria-valuenow", done.length);
    find("span.small", bar).textContent = t("bulk.done_of", { done: done.length, total: ids.length });
  };
  try {
    for (let at = 0; at < ids.length && !stopped; at += size) {
      show();
      const some = ids.slice(at, at + size);
      await working(some, () => work(some));
      done.push(...some);
    }
  } finally {
    stop.removeEventListener("click", onStop);
    buttons.forEach((button) => button.removeAttribute("aria-disabled"));
    if (bar.contains(document.activeElement)) pressed?.focus();
    bar.hidden = true;
  }
}

/** Do something to these accounts and say what came of it. hidden: how many of them the operator does not see. Returns
 * the ids of those that it was done to. */
export async function act(name, ids, hidden = 0) {
  const count = ids.length;
  const sure = {
    title: t("delete.title"),
    text: hidden ? `${t("delete.text", { count })} ${hiddenWords(hidden)}` : t("delete.text", { count }),
    yes: t("delete.yes", { count }),
  };
  if (name === "delete" && !(await confirmed({ ...sure, danger: true }))) return [];
  const done = [];
  try {
    if (name === "test") await test(ids, done);
    else if (name === "refresh") await refresh(ids, done);
    else await change(name, ids, {}, done);
  } catch (error) {
    if (count > 1) tell(t("bulk.broken_off", { done: done.length, total: count }), { bad: true });
    tellError(error);
  }
  dispatchEvent(new Event("accounts-changed"));
  return done;
}

export const hiddenWords = (hidden) => t("bulk.hidden_among", { count: hidden });

/** Change these accounts and say so. body: what goes along. Throws ApiError. */
export async function change(name, ids, body, done = []) {
  let changed = 0,
    missing = 0;
  const step = async (some) => {
    const { data } = await post(`/api/tokens/${name}`, { tokens: some, ...body });
    changed += data.changed ?? data.deleted;
    missing += data.not_found;
  };
  await inSteps(ids, STEP.default, step, done);
  const more = missing ? ` ${t("done.missing", { count: missing })}` : "";
  tell(t(`done.${name}`, { count: changed }) + more);
}

async function refresh(ids, done) {
  let good = 0,
    failed = 0;
  const step = async (some) => {
    const { data } = await post("/api/tokens/refresh", { tokens: some });
    good += data.refreshed;
    failed += data.failed;
  };
  await inSteps(ids, STEP.refresh, step, done);
  tell(t("refresh.done", { success: good, failed }), { bad: good === 0 && failed > 0 });
}

async function test(ids, done) {
  const verdicts = {};
  let last;
  const step = async ([id]) => {
    last = (await post("/api/tokens/test", { token: id })).data;
    const kind = last.valid ? (last.remaining_queries === 0 ? "used_up" : "valid") : last.error_type;
    verdicts[kind] = (verdicts[kind] ?? 0) + 1;
  };
  await inSteps(ids, STEP.test, step, done);
  const words = Object.entries(verdicts).map(([kind, number]) => t(`test.some.${kind}`, { count: number }));
  const { valid, used_up: usedUp } = verdicts;
  if (last)
    tell(ids.length > 1 ? words.join(" · ") : verdictOf(last), { bad: !valid && !usedUp, warn: !valid });
}

function verdictOf({ valid, remaining_queries: left, limit, error_type: kind, error }) {
  if (!valid) return `${t(`test.${kind}`)} ${inWords(error)}`;
  if (left < 0) return t("test.valid_unknown");
  return t(left ? "test.valid" : "test.used_up", { left, limit: limit < 0 ? "?" : limit });
}

/** Save a file of all accounts that the filters let through, or of the selected ones alone. */
export async function exportAccounts(view, ids, count) {
  const which = ids.size ? "export.selected" : isFiltered(view) ? "export.filtered" : "export.all";
  find("#export-text").textContent = t(which, { count });
  const format = await choice(find("#export-dialog"));
  if (!format) return;
  const query = queryOf(view, { filtersOnly: true });
  try {
    const file = ids.size
      ? await download("POST", "/api/tokens/export", { tokens: [...ids], format })
      : await download("GET", `/api/tokens/export?format=${format}&${query}`);
    const name = format === "json" ? "accounts.json" : "accounts.txt";
    const link = make("a", { href: URL.createObjectURL(file), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
    tell(t("export.done"));
  } catch (error) {
    tellError(error);
  }
}
