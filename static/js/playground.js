// Trying the gateway as a client would.

import { copy } from "./console.js";
import { all, find, make } from "./dom.js";
import { latency } from "./format.js";
import { Answer } from "./playground/answer.js";
import { Draft } from "./playground/draft.js";
import { followEnd } from "./playground/follow.js";
import { curl, python, shortened } from "./playground/snippets.js";
import { complete } from "./playground/stream.js";
import { t } from "./t.js";

const MODEL = "playground-model";
const form = find("#ask"),
  prompt = find("#prompt"),
  model = find("#model"),
  stream = find("#stream"),
  turns = find("#turns");
const snippet = find("#snippet"),
  hello = find("#hello");
let messages = [],
  pictures = [],
  shownAs = "curl",
  running = null,
  lastBody = null,
  unsaid = [];
const draft = new Draft(prompt),
  toEnd = followEnd(turns);

const remembered = localStorage.getItem(MODEL);
if ([...model.options].some((option) => option.value === remembered)) model.value = remembered;

function userMessage(text) {
  if (!pictures.length) return { role: "user", content: text };
  const parts = pictures.map((url) => ({ type: "image_url", image_url: { url } }));
  return { role: "user", content: text ? [{ type: "text", text }, ...parts] : parts };
}

const bodyFor = (more) => ({ model: model.value, messages: [...messages, ...more], stream: stream.checked });

/** What would be sent now; with nothing to send, what was sent last, of the model that is chosen now. */
function bodyNow() {
  const text = prompt.value.trim();
  if (text || pictures.length || !lastBody) return bodyFor([userMessage(text || t("play.example"))]);
  return { ...lastBody, model: model.value, stream: stream.checked };
}

function snippetOf(body) {
  const write = shownAs === "curl" ? curl : python;
  return write(`${location.origin}/v1`, Boolean(snippet.dataset.keyNeeded), body);
}

/** Pictures are shortened to be seen, and whole in what is copied. */
function drawSnippet() {
  snippet.textContent = snippetOf(shortened(bodyNow()));
}

function drawPictures() {
  find("#attached").replaceChildren(
    ...pictures.map((url, at) => {
      const remove = make("button", { type: "button", class: "small icon-only", textContent: "×" });
      remove.setAttribute("aria-label", t("play.detach"));
      remove.addEventListener("click", () => {
        pictures.splice(at, 1);
        drawPictures();
      });
      return make("li", {}, make("img", { src: url, alt: "" }), remove);
    }),
  );
  drawSnippet();
}

const dataUrl = (file) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });

async function ask() {
  const text = prompt.value.trim();
  if (running || (!text && !pictures.length)) return;
  const message = userMessage(text),
    body = bodyFor([message]);
  lastBody = body;
  hello?.remove();
  unsaid.splice(0).forEach((failed) => failed.remove());
  const shown = pictures.map((url) => make("img", { src: url, alt: "" }));
  const question = make("div", { class: "turn user", textContent: text }, ...shown);
  const sent = pictures;
  turns.append(question);
  const turn = make("div", { class: "turn assistant" });
  turns.append(turn);
  const answer = new Answer(turn),
    began = performance.now();
  toEnd();
  draft.keep();
  prompt.value = "";
  pictures = [];
  drawPictures();
  running = new AbortController();
  busy(true);
  let first = null;
  try {
    for await (const piece of complete(body, running.signal)) {
      first ??= performance.now() - began;
      answer.add(piece);
    }
    messages = [...body.messages, { role: "assistant", content: answer.text }];
    draft.keep(); // it was answered
  } catch (error) {
    const stopped = error.name === "AbortError";
    if (stopped && answer.text) {
      draft.keep();
      messages = [...body.messages, { role: "assistant", content: answer.text }];
    } else if (!prompt.value) {
      // It was not said: to be sent again, in place of this one.
      prompt.value = text;
      pictures = sent;
      unsaid = [question, turn];
      drawPictures();
    }
    turn.append(
      make("p", {
        class: stopped ? "muted small" : "problem",
        role: stopped ? "note" : "alert",
        textContent: stopped ? t("play.stopped") : error.code ? error.message : t("error.network"),
      }),
    );
  } finally {
    running = null;
    answer.end();
    busy(false);
    drawSnippet();
    const seconds = latency(performance.now() - began);
    find("#timing").textContent =
      first === null ? "" : t("play.timing", { first: latency(first), all: seconds });
  }
}

function busy(on) {
  find("#stop").hidden = !on;
  find("#send").hidden = on;
  if (!on) prompt.focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
prompt.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  ask();
});
form.addEventListener("input", drawSnippet);
model.addEventListener("change", () => localStorage.setItem(MODEL, model.value));
find("#picture").addEventListener("change", async ({ target }) => {
  pictures.push(...(await Promise.all([...target.files].map(dataUrl))));
  target.value = "";
  drawPictures();
});
find("#stop").addEventListener("click", () => running?.abort());
find("#copy-snippet").addEventListener("click", () => copy(snippetOf(bodyNow())));
find("#clear").addEventListener("click", () => {
  draft.forget();
  location.reload();
});
for (const idea of all("#ideas button")) {
  idea.addEventListener("click", () => {
    prompt.value = idea.textContent;
    if ([...model.options].some((option) => option.value === idea.dataset.model))
      model.value = idea.dataset.model;
    ask();
  });
}
for (const button of all("[data-snippet]")) {
  button.addEventListener("click", () => {
    shownAs = button.dataset.snippet;
    all("[data-snippet]").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    drawSnippet();
  });
}
drawSnippet();
prompt.focus();
