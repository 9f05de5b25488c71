// Asking first, and small forms in front of the page. The browser keeps the focus in, and gives it back.

import { all, find } from "./dom.js";

/** Whether it is to be done. danger: it destroys something. */
export function confirmed({ title, text, yes, danger = false }) {
  const dialog = find("#confirm");
  find("#confirm-title").textContent = title;
  find("#confirm-text").textContent = text;
  const button = find("#confirm-yes");
  button.textContent = yes;
  button.className = danger ? "danger filled" : "primary";
  return choice(dialog).then((value) => value === "yes");
}

/** What a dialog whose buttons have values was closed with; "" when it was left. */
export function choice(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }),
  );
}

/** A dialog with a form of its own: closed by its buttons, Escape, or the caller. */
export function prepared(dialog) {
  all("[data-close]", dialog).forEach((button) => button.addEventListener("click", () => dialog.close()));
  return dialog;
}
