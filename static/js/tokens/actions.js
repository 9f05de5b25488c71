// What is done to accounts, one or many, in steps that show how far they are.

import { get, post } from "../api.js";
import { confirmed, choice } from "../dialog.js";
import { find, make } from "../dom.js";
import { inWords } from "../reasons.js";
import { tell, tellError } from "../toast.js";
import { t } from "../t.js";
import { queryOf } from "./view.js";

/** Accounts to a request: so many that each takes a moment only. */
const STEP = { test: 1, refresh: 20, default: 1000 };
const PATHS = {
  uncool: "uncool",
  enable: "enable",
  disable: "disable",
  delete: "delete",
  tags: "tags",
  note: "note",
  refresh: "refresh",
};

/** Runs work over the ids in steps, under the bar when there are many. Ends early when it is told to. */
async function inSteps(ids, size, work) {
  const bar = find("#bulk-progress"),
    meter = find(".meter", bar),
    stop = find("#bulk-stop");
  let stopped = false,
    done = 0;
  const onStop = () => (stopped = true);
  const many = ids.length > size;
  bar.hidden = !many;
  if (many) find("#bulk").hidden = false;
  stop.addEventListener("click", onStop);
  meter.setAttribute("aria-valuemax", ids.length);
  const show = () => {
    meter.firstElementChild.style.width = `${(100 * done) / ids.length}%`;
    meter.setAttribute("aria-valuenow", done);
    find("span.small", bar).textContent = t("bulk.done_of", { done, total: ids.length });
  };
  try {
    for (let at = 0; at < ids.length && !stopped; at += size) {
      show();
      const some = ids.slice(at, at + size);
      await work(some);
      done += some.length;
    }
  } finally {
    stop.removeEventListener("click", onStop);
    bar.hidden = true;
  }
  return done;
}

/** Do something to these accounts and say what came of it. body: what goes along. Returns whether it was done. */
export async function act(name, ids, body = {}) {
  if (
    name === "delete" &&
    !(await confirmed({
      title: t("delete.title"),
      text: t("delete.text", { count: ids.length }),
      yes: t("delete.yes", { count: ids.length }),
      danger: true,
    }))
  )
    return false;
  try {
    if (name === "test") await test(ids);
    else if (name === "refresh") await refresh(ids);
    else await change(name, ids, body);
  } catch (error) {
    tellError(error);
  }
  dispatchEvent(new Event("accounts-changed"));
  return true;
}

async function change(name, ids, body) {
  let changed = 0,
    missing = 0;
  await inSteps(ids, STEP.default, async (some) => {
    const { data } = await post(`/api/tokens/${PATHS[name]}`, { tokens: some, ...body });
    changed += data.changed ?? data.deleted;
    missing += data.not_found;
  });
  const undo = missing ? ` ${t("done.missing", { count: missing })}` : "";
  tell(t(`done.${name}`, { count: changed }) + undo);
}

async function refresh(ids) {
  let good = 0,
    failed = 0;
  await inSteps(ids, STEP.refresh, async (some) => {
    const { data } = await post("/api/tokens/refresh", { tokens: some });
    good += data.refreshed;
    failed += data.failed;
  });
  tell(t("refresh.done", { success: good, failed }), { bad: good === 0 && failed > 0 });
}

async function test(ids) {
  const verdicts = {};
  let last;
  await inSteps(ids, STEP.test, async ([id]) => {
    last = (await post("/api/tokens/test", { token: id })).data;
    const kind = last.valid ? "valid" : last.error_type;
    verdicts[kind] = (verdicts[kind] ?? 0) + 1;
  });
  if (ids.length > 1) {
    const words = Object.entries(verdicts).map(([kind, number]) => t(`test.some.${kind}`, { count: number }));
    return tell(words.join(" · "), { bad: !verdicts.valid });
  }
  if (last.valid)
    return tell(
      last.remaining_queries < 0
        ? t("test.valid_unknown")
        : t("test.valid", { left: last.remaining_queries, limit: last.limit < 0 ? "?" : last.limit }),
    );
  tell(`${t(`test.${last.error_type}`)} ${inWords(last.error)}`, { bad: true });
}

/** Save a file of all accounts that the filters let through, or of the selected ones alone. */
export async function exportAccounts(view, ids, count) {
  find("#export-text").textContent = t(ids.size ? "export.selected" : "export.filtered", { count });
  const form = await choice(find("#export-dialog"));
  if (!form) return;
  const query = queryOf(ids.size ? {} : view, { filtersOnly: true });
  if (!ids.size) {
    location.assign(`/api/tokens/export?format=${form}&${query}`);
    return;
  }
  try {
    const { data } = await get("/api/tokens");
    const chosen = data.filter((account) => ids.has(account.id));
    const text =
      form === "json"
        ? JSON.stringify(chosen, null, 2)
        : chosen.map((account) => `${account.token}\n`).join("");
    const link = make("a", {
      href: URL.createObjectURL(new Blob([text], { type: "text/plain" })),
      download: form === "json" ? "accounts.json" : "accounts.txt",
    });
    link.click();
    URL.revokeObjectURL(link.href);
    tell(t("export.done", { count: chosen.length }));
  } catch (error) {
    tellError(error);
  }
}
