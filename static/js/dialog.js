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

/** Show a dialog. The focus comes back to the control that it came from, also when its row was drawn anew meanwhile. */
export function showFrom(dialog) {
  const label = document.activeElement?.getAttribute("aria-label");
  const back = () => {
    const { activeElement: at, body } = document;
    if (!label || (at !== body && !dialog.contains(at))) return;
    (find(`[aria-label="${CSS.escape(label)}"]`) ?? find("main .scroll"))?.focus();
  };
  dialog.addEventListener("close", back, { once: true });
  dialog.showModal();
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
  // A browser lets `cancel` be prevented once only, but the key each time; where a message was closed the focus is on
  // the page. A file chooser that is left says it, too.
  const isOurs = ({ target }) => dialog.contains(target) || (target === document.body && !find("#confirm").open);
  const escapes = (event) => event.key === "Escape" && !event.isComposing && dialog.open && isOurs(event);
  document.addEventListener("keydown", (event) => escapes(event) && instead(event));
  dialog.addEventListener("cancel", (event) => event.target === dialog && instead(event));
  return dialog;
}
