// Adding accounts: pasted or from a file, with a look at what would come of it.

import { post } from "../api.js";
import { prepared } from "../dialog.js";
import { busy, debounced, find } from "../dom.js";
import { tell } from "../toast.js";
import { t } from "../t.js";

const PAUSE_MS = 250;

/** onAdded: called after accounts were added. */
export function wireAdding(onAdded) {
  const dialog = prepared(find("#add-dialog"));
  const form = find("form", dialog),
    text = find("#add-text"),
    preview = find("#add-preview");
  const problem = find(".problem", form),
    submit = find("button[type=submit]", form);
  let asking = new AbortController();

  const body = () => ({ tokens: [text.value], token_type: form.token_type.value });

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
      const { data } = await post("/api/tokens/add", { ...body(), preview: true }, { signal: asking.signal });
      const lines = data.invalid_lines.length
        ? ` ${t("add.invalid_lines", { lines: data.invalid_lines.join(", ") })}`
        : "";
      preview.textContent = t("add.preview", data) + lines;
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
    const [file] = target.files;
    if (!file) return;
    text.value = textOf(await file.text());
    look();
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(submit, async () => {
      try {
        const { data } = await post("/api/tokens/add", body());
        dialog.close();
        tell(t("add.done", data));
        onAdded();
      } catch (error) {
        problem.textContent = error.message;
      }
    });
  });

  return () => {
    form.reset();
    problem.textContent = "";
    look();
    dialog.showModal();
    text.focus();
  };
}

/** The secrets of a file: of our own export, a list of texts, or as it is. */
function textOf(content) {
  try {
    const list = JSON.parse(content);
    if (Array.isArray(list))
      return list.map((one) => (typeof one === "string" ? one : (one?.token ?? ""))).join("\n");
  } catch {
    /* no JSON: lines */
  }
  return content;
}
