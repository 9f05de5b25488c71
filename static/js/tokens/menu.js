// What is done with one account: a menu beside its row.

import { all, find } from "../dom.js";

/** body: of the table. onChoose: given the name of an action and the account. Returns a function that opens it. */
export function wireMenu(body, onChoose) {
  const menu = find("#row-menu");
  let chosenFor = null;

  menu.addEventListener("click", ({ target }) => {
    const name = target.dataset.row;
    if (!name) return;
    menu.hidePopover();
    find(`tr[data-id="${chosenFor.id}"] [data-act="menu"]`, body)?.focus();
    onChoose(name, chosenFor);
  });
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = all("button:not([hidden])", menu);
    const next = buttons.indexOf(document.activeElement) + step;
    buttons[(next + buttons.length) % buttons.length].focus();
  });

  return (button, account) => {
    chosenFor = account;
    find('[data-row="enable"]', menu).hidden = !account.disabled;
    find('[data-row="disable"]', menu).hidden = account.disabled;
    menu.showPopover();
    const { bottom, top, right } = button.getBoundingClientRect();
    const { offsetHeight: height, offsetWidth: width } = menu;
    const below = bottom + height < innerHeight ? bottom + 4 : Math.max(4, top - height - 4);
    Object.assign(menu.style, { top: `${below}px`, left: `${Math.max(4, right - width)}px` });
    find("button:not([hidden])", menu).focus();
  };
}
