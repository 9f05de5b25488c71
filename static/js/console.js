// What all pages of the console have: the menu, leaving, copying, the bar of a running refresh.

import { post, toLogin } from "./api.js";
import { all, busy, find } from "./dom.js";
import { watchRefresh } from "./refresh.js";
import { tell, tellError } from "./toast.js";
import { t } from "./t.js";

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // no permission, or no TLS: the old way
    const area = Object.assign(document.createElement("textarea"), { value: text });
    (find("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) return tell(t("copy_failed"), { bad: true });
  }
  return tell(t("copied"));
}

watchRefresh();

const menu = find("#menu-button");
menu.addEventListener("click", () => {
  const open = find("#sidebar").classList.toggle("open");
  menu.setAttribute("aria-expanded", String(open));
});
find("#sidebar").addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || menu.getAttribute("aria-expanded") !== "true") return;
  menu.click();
  menu.focus();
});

const leave = find("#log-out");
leave.addEventListener("click", () =>
  busy(leave, async () => {
    try {
      await post("/api/logout");
      sessionStorage.clear(); // what was begun is not for who comes next
      toLogin();
    } catch (error) {
      tellError(error);
    }
  }),
);

for (const button of all("[data-copy]")) {
  button.addEventListener("click", () => copy(find(button.dataset.copy).textContent));
}
