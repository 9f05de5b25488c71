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

/** A dialog with a form of its own: closed by its buttons, Escape, or the caller. mayClose: asked before the first
 * two close it. */
export function prepared(dialog, mayClose = null) {
  const leave = async () => {
    if (!mayClose || (await mayClose())) dialog.close();
  };
  all("[data-close]", dialog).forEach((button) => button.addEventListener("click", leave));
  if (!mayClose) return dialog;
  const instead = (event) => {
    event.preventDefault();
    leave();
  };
  // A browser lets `cancel` be prevented once only, but the key each time. A file chooser that is left says it, too.
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && !event.isComposing && instead(event));
  dialog.addEventListener("cancel", (event) => event.target === dialog && instead(event));
  return dialog;
}
