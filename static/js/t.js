// The texts of the page's language, the same files that the server draws the pages with.

const root = document.documentElement;
export const language = root.lang;
const texts = await load().catch((error) => {
  document.getElementById("texts-failed").hidden = false;
  throw error;
});
const plural = new Intl.PluralRules(language);

async function load() {
  const response = await fetch(root.dataset.texts, { credentials: "same-origin" });
  return response.json();
}

/** The text of a key with its blanks filled. With a `count`, the form for one if there is one. */
export function t(key, blanks = {}) {
  const one = `${key}.one`;
  const chosen = "count" in blanks && plural.select(blanks.count) === "one" && one in texts ? one : key;
  const text = texts[chosen];
  if (text === undefined) throw new Error(`no text ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = blanks[name];
    return typeof value === "number" ? value.toLocaleString(language) : String(value ?? "");
  });
}

/** Whether there is a text: for codes that the server may add. */
export const knows = (key) => key in texts;
