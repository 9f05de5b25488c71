// Named keys of clients.

import { get, post } from "./api.js";
import { choice, confirmed, prepared, showFrom } from "./dialog.js";
import { all, busy, find, make, redraw } from "./dom.js";
import { ago, count, moment } from "./format.js";
import { poll } from "./poll.js";
import { labelled } from "./stacked.js";
import { outOfDate, upToDate } from "./stale.js";
import { tell, tellError } from "./toast.js";
import { t } from "./t.js";

const EVERY_MS = 15000;
const dialog = prepared(find("#key-dialog")),
  form = find("form", dialog),
  problem = find(".problem", form);
let edited = null,
  before = {};

async function load() {
  try {
    const { data, total } = await get("/api/keys", { background: true });
    find("#count").textContent = t("keys.count", { count: total });
    find("#empty").hidden = total > 0;
    redraw(find("#keys"), labelled(data.map(rowOf), find("#key-table")));
    upToDate();
  } catch (error) {
    outOfDate(error);
  }
}

function statusOf(key) {
  if (!key.enabled) return ["disabled", t("status.disabled")];
  return key.expired ? ["expired", t("keys.expired")] : ["active", t("keys.open")];
}

function limitsOf({ per_minute: minute, per_day: day }) {
  const words = [
    minute && t("keys.n_per_minute", { count: minute }),
    day && t("keys.n_per_day", { count: day }),
  ];
  return words.filter(Boolean).join(", ") || "–";
}

function rowOf(key) {
  const [kind, words] = statusOf(key);
  const button = (name, act, danger = false) => {
    const made = make("button", {
      type: "button",
      class: danger ? "small danger" : "small",
      textContent: t(name),
    });
    made.setAttribute("aria-label", `${t(name)}: ${key.name}`);
    made.addEventListener("click", () => act(key));
    return made;
  };
  const toggle = key.enabled
    ? button("row.disable", (one) => setStatus(one, false))
    : button("row.enable", (one) => setStatus(one, true));
  return make(
    "tr",
    {},
    make("td", {}, make("strong", { textContent: key.name })),
    make("td", {}, make("code", { textContent: key.hint })),
    make("td", {}, make("span", { class: `badge ${kind}`, textContent: words })),
    make("td", { class: "small", textContent: key.models.join(", ") || t("keys.all_models") }),
    make("td", { class: "small", textContent: limitsOf(key) }),
    make("td", { class: "right number", textContent: count(key.request_count) }),
    make("td", {
      class: "small muted nowrap",
      textContent: ago(key.last_used),
      title: key.last_used ? moment(key.last_used) : "",
    }),
    make("td", {
      class: "small muted nowrap",
      textContent: key.expires_time ? moment(key.expires_time) : t("keys.never"),
    }),
    make(
      "td",
      { class: "controls" },
      make(
        "span",
        { class: "actions nowrap" },
        button("keys.edit", open),
        toggle,
        button("bulk.delete", remove, true),
      ),
    ),
  );
}

async function setStatus(key, enabled) {
  try {
    await post("/api/keys/status", { ids: [key.id], enabled });
    tell(t(enabled ? "keys.enabled" : "keys.disabled", { name: key.name }));
  } catch (error) {
    tellError(error);
  }
  now();
}

async function remove(key) {
  if (
    !(await confirmed({
      title: t("keys.delete_title"),
      text: t("keys.delete_text", { name: key.name }),
      yes: t("bulk.delete"),
      danger: true,
    }))
  )
    return;
  try {
    await post("/api/keys/delete", { ids: [key.id] });
    tell(t("keys.deleted", { name: key.name }));
  } catch (error) {
    tellError(error);
  }
  now();
}

/** For the browser's own field: local time without a zone. */
const localTime = (ms) => new Date(ms - new Date(ms).getTimezoneOffset() * 60000).toISOString().slice(0, 16);

/** Models that are no longer in the catalogue are choices, too: left out, the key would be for all. */
function drawModels(chosen) {
  all("[data-gone]", form).forEach((label) => label.remove());
  const known = all("[name=model]", form).map((box) => box.value);
  for (const name of chosen.filter((one) => !known.includes(one))) {
    const box = make("input", { type: "checkbox", name: "model", value: name });
    find(".models", form).append(make("label", { data: { gone: "" } }, box, ` ${name}`));
  }
  all("[name=model]", form).forEach((box) => (box.checked = chosen.includes(box.value)));
}

function open(key) {
  edited = key;
  form.reset();
  problem.textContent = "";
  find("#key-title").textContent = key ? t("keys.edit_title", { name: key.name }) : t("keys.add");
  drawModels(key?.models ?? []);
  if (key) {
    find("#key-name").value = key.name;
    find("#key-expires").value = key.expires_time ? localTime(key.expires_time) : "";
    find("#key-minute").value = key.per_minute;
    find("#key-day").value = key.per_day;
  }
  before = entered();
  showFrom(dialog);
}

/** What stands in the dialog, as the API takes it. */
function entered() {
  const expires = find("#key-expires").value;
  return {
    name: find("#key-name").value,
    expires_time: expires ? new Date(expires).getTime() : null,
    per_minute: Number(find("#key-minute").value || 0),
    per_day: Number(find("#key-day").value || 0),
    models: all("[name=model]:checked", form).map((box) => box.value),
  };
}

/** Only what was changed, so that nobody else's change is undone. */
function changesOf(body) {
  const differs = ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]);
  return Object.fromEntries(Object.entries(body).filter(differs));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = entered();
  busy(find("button[type=submit]", form), async () => {
    try {
      if (edited) {
        await post("/api/keys", { id: edited.id, ...changesOf(body) });
        dialog.close();
        tell(t("keys.saved", { name: body.name }));
      } else {
        const { data } = await post("/api/keys/add", body);
        dialog.close();
        show(data.key);
      }
      now();
    } catch (error) {
      problem.textContent = error.message;
    }
  });
});

async function show(key) {
  find("#made-key").textContent = key;
  await choice(find("#made-dialog"));
  find("#made-key").textContent = "";
}

find("#add").addEventListener("click", () => open(null));
// Escape would throw away what is shown only once.
prepared(find("#made-dialog"), () => false);
const now = poll(load, () => EVERY_MS);
