// Adding accounts: pasted or from a file, with a look at what would come of it.

import { post } from "../api.js";
import { confirmed, prepared } from "../dialog.js";
import { all, busy, debounced, find } from "../dom.js";
import { tell } from "../toast.js";
import { t } from "../t.js";

const PAUSE_MS = 250;

/** onAdded: called after accounts were added. */
export function wireAdding(onAdded) {
  const dialog = prepared(find("#add-dialog"), mayClose);
  const form = find("form", dialog),
    text = find("#add-text"),
    preview = find("#add-preview");
  const problem = find(".problem", form),
    submit = find("button[type=submit]", form);
  let asking = new AbortController();
  let file = null;

  async function mayClose() {
    const count = text.value.split("\n").filter((line) => line.trim()).length;
    const words = { title: t("discard.title"), text: t("discard.text", { count }), yes: t("discard.yes") };
    return !count || confirmed({ ...words, danger: true });
  }

  const asInFile = () => file !== null && file.text === text.value;

  /** What is to be added, by kind: as in the file while its text was not touched. */
  function bodies() {
    if (!asInFile()) return [{ tokens: [text.value], token_type: form.token_type.value }];
    return Object.entries(file.kinds).map(([kind, tokens]) => ({ tokens, token_type: kind }));
  }

  /** The sums of what the API says of each kind. */
  async function addAll(more, options) {
    const sum = { added: 0, duplicates: 0, repeated: 0, moved: 0, invalid: 0, wrong: [] };
    for (const body of bodies()) {
      const { data } = await post("/api/tokens/add", { ...body, ...more }, options);
      for (const name of ["added", "duplicates", "repeated", "moved", "invalid"]) sum[name] += data[name] ?? 0;
      for (const [n, line] of (data.invalid_lines ?? []).entries())
        sum.wrong.push([line, data.invalid_reasons[n]]);
    }
    return sum;
  }

  async function look() {
    asking.abort();
    asking = new AbortController();
    problem.textContent = "";
    if (!text.value.trim()) {
      preview.textContent = t("add.empty");
      submit.disabled = true;
      return;
    }
    try {
      const data = await addAll({ preview: true }, { signal: asking.signal });
      all("[name=token_type]", form).forEach((radio) => (radio.disabled = asInFile()));
      preview.textContent = [
        t("add.preview", { ...data, known: data.duplicates - data.repeated }),
        ...linesOf(data),
        ...(asInFile() ? [t("add.kinds_of_file")] : []),
      ].join(" ");
      submit.disabled = data.added + data.moved === 0;
    } catch (error) {
      if (error.name === "AbortError") return;
      problem.textContent = error.message;
    }
  }

  const lookSoon = debounced(look, PAUSE_MS);
  text.addEventListener("input", lookSoon);
  form.addEventListener("change", ({ target }) => target.name === "token_type" && look());
  find("#add-file").addEventListener("change", async ({ target }) => {
    const [chosen] = target.files;
    if (!chosen) return;
    const content = await chosen.text();
    file = exportOf(content);
    text.value = file ? file.text : textOf(content);
    look();
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(submit, async () => {
      try {
        const data = await addAll({});
        dialog.close();
        if (document.activeElement === document.body) find("#add").focus(); // it was opened where no row was
        tell(t("add.done", data));
        onAdded();
      } catch (error) {
        problem.textContent = error.message;
      }
    });
  });

  return () => {
    form.reset();
    file = null;
    all("[name=token_type]", form).forEach((radio) => (radio.disabled = false));
    problem.textContent = "";
    look();
    dialog.showModal();
    text.focus();
  };
}

/** Which lines are invalid and why, as far as they are named. */
function linesOf({ wrong, invalid }) {
  const byReason = Object.groupBy(wrong, ([, why]) => why);
  const said = Object.entries(byReason).map(([why, some]) =>
    t(`add.wrong.${why}`, { lines: some.map(([line]) => line).join(", ") }),
  );
  const more = invalid - wrong.length;
  return wrong.length && more ? [...said, t("add.more_wrong", { count: more })] : said;
}

const isExported = (one) => typeof one?.token === "string" && /^(sso|ssoSuper)$/.test(one.token_type);

/** A JSON export of ours: its secrets by kind, and all of them as text. Null: it is none. */
function exportOf(content) {
  const list = listOf(content);
  if (!list?.length || !list.every(isExported)) return null;
  const kinds = {};
  for (const one of list) (kinds[one.token_type] ??= []).push(one.token);
  return { kinds, text: Object.values(kinds).flat().join("\n") };
}

/** The secrets of a list of texts or of objects with a `token`; anything else as it is, line by line. */
function textOf(content) {
  const list = listOf(content);
  return list ? list.map((one) => (typeof one === "string" ? one : (one?.token ?? ""))).join("\n") : content;
}

function listOf(content) {
  try {
    const list = JSON.parse(content);
    return Array.isArray(list) ? list : null;
  } catch {
    return null;
  }
}
