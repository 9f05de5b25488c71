// The settings' form: what is changed, whether it may be, and storing it.

import { ApiError, post } from "./api.js";
import { askBeforeReload } from "./choices.js";
import { confirmed } from "./dialog.js";
import { wirePassword } from "./settings/password.js";
import { all, busy, find } from "./dom.js";
import { tell, tellError } from "./toast.js";
import { knows, t } from "./t.js";

const form = find("#settings"),
  fields = all(".setting", form);
const entry = (field) => find("input, select", find(".entry", field));

/** The focus, clear of the bar that covers the page's foot. */
function toField(field) {
  field.scrollIntoView({ block: "nearest" });
  entry(field).focus({ preventScroll: true });
}
const parsed = (text) => (text === undefined ? "" : JSON.parse(text));

/** Digits alone for a whole number: a comma may mean thousands or tenths. */
function numberOf(text, whole) {
  const form = whole ? /^-?\d+$/ : /^-?\d+([.,]\d+)?$/;
  return form.test(text) ? Number(text.replace(",", ".")) : NaN;
}

function valueOf(field) {
  const input = entry(field);
  if (field.dataset.kind === "switch") return input.checked;
  return field.dataset.kind === "number"
    ? numberOf(input.value.trim(), "whole" in field.dataset)
    : input.value;
}

function put(field, value) {
  const input = entry(field);
  if (field.dataset.kind === "switch") input.checked = value;
  else input.value = value;
}

/** Of a secret, that something was typed or it is to be forgotten. */
const isChanged = (field) =>
  field.dataset.kind === "secret"
    ? entry(field).value !== "" || "forget" in field.dataset
    : !Object.is(valueOf(field), parsed(field.dataset.value));

/** What is wrong with it, as far as the page can tell. */
function problemOf(field) {
  if (field.dataset.kind !== "number") return "";
  const value = valueOf(field),
    { min, max } = field.dataset;
  if (Number.isNaN(value) || ("whole" in field.dataset && !Number.isInteger(value)))
    return t("whole" in field.dataset ? "invalid.whole" : "invalid.number");
  return value < Number(min) || value > Number(max)
    ? t("invalid.range", { low: Number(min), high: Number(max) })
    : "";
}

function mark(field, problem) {
  find(".field-error", field).textContent = problem;
  const input = entry(field);
  input.setAttribute("aria-invalid", String(Boolean(problem)));
  if (problem) input.setAttribute("aria-describedby", `error-${field.dataset.name}`);
  else input.removeAttribute("aria-describedby");
}

function shown(value) {
  if (typeof value === "boolean") return t(value ? "settings.on" : "settings.off");
  return value === "" ? t("settings.empty") : String(value);
}

function reflect(field) {
  field.classList.toggle("changed", isChanged(field));
  const standard = find(".default", field),
    reset = find("[data-reset]", field);
  if (standard) standard.textContent = t("settings.default", { value: shown(parsed(field.dataset.default)) });
  if (reset && "default" in field.dataset)
    reset.hidden = Object.is(valueOf(field), parsed(field.dataset.default));
  const changed = fields.filter(isChanged).length;
  find("#save-bar").hidden = !changed;
  find("#changed-count").textContent = t("settings.changed", { count: changed });
}

for (const field of fields) {
  field.addEventListener("input", () => {
    mark(field, problemOf(field));
    reflect(field);
  });
  find("[data-reset]", field)?.addEventListener("click", () => {
    put(field, parsed(field.dataset.default));
    mark(field, "");
    reflect(field);
    toField(field);
  });
  find("[data-clear]", field)?.addEventListener("click", ({ currentTarget }) => {
    field.dataset.forget = "";
    entry(field).value = "";
    entry(field).placeholder = t("settings.secret_forget");
    currentTarget.hidden = true;
    reflect(field);
  });
  reflect(field);
}

find("#discard").addEventListener("click", () => location.reload());

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const changed = fields.filter(isChanged);
  changed.forEach((field) => mark(field, problemOf(field)));
  const wrong = changed.find((field) => problemOf(field));
  if (wrong) return toField(wrong);
  return busy(find("button[type=submit]", form), () => save(changed));
});

async function save(changed) {
  const body = { global_config: {}, grok_config: {} };
  for (const field of changed) body[`${field.dataset.scope}_config`][field.dataset.name] = valueOf(field);
  try {
    await post("/api/settings", body);
    sessionStorage.setItem("saved", String(changed.length));
    leaving = true;
    location.reload(); // to what is stored, which may be a tidier form of what was typed
    await new Promise(() => {});
  } catch (error) {
    if (!(error instanceof ApiError) || !Object.keys(error.fields).length) return tellError(error);
    const named = fields.filter((field) => field.dataset.name in error.fields);
    for (const field of named) {
      const key = `invalid.${field.dataset.name}`;
      mark(field, knows(key) ? t(key) : error.fields[field.dataset.name]);
    }
    if (named.length) toField(named[0]);
    tell(t("settings.refused", { count: named.length }), { bad: true });
  }
  return undefined;
}

let leaving = false;
addEventListener(
  "beforeunload",
  (event) =>
    !leaving && fields.some(isChanged) && document.activeElement?.id !== "discard" && event.preventDefault(),
);
askBeforeReload(async () => {
  if (!fields.some(isChanged)) return true;
  leaving = await confirmed({
    title: t("settings.discard_title"),
    text: t("settings.discard_text"),
    yes: t("settings.discard"),
    danger: true,
  });
  return leaving;
});
const saved = Number(sessionStorage.getItem("saved"));
sessionStorage.removeItem("saved");
if (saved) tell(t("settings.saved", { count: saved }));
if (location.hash) find(location.hash)?.focus?.();
wirePassword();
