// Language and colours: remembered in cookies, so that the server draws the next page right from the start.

import { all } from "./dom.js";

const YEAR_S = 365 * 86400;

const remember = (name, value) => {
  document.cookie = `${name}=${value}; path=/; max-age=${value ? YEAR_S : 0}; samesite=lax`;
};

/** Asked before the page is loaded anew for another language: whether it may be. */
let mayLeave = async () => true;
export const askBeforeReload = (ask) => (mayLeave = ask);

for (const select of all("[data-choose-language]")) {
  select.addEventListener("change", async () => {
    if (!(await mayLeave())) {
      select.value = document.documentElement.lang;
      return;
    }
    remember("lang", select.value);
    location.reload();
  });
}
for (const select of all("[data-choose-theme]")) {
  select.addEventListener("change", () => {
    remember("theme", select.value);
    if (select.value) document.documentElement.dataset.theme = select.value;
    else delete document.documentElement.dataset.theme;
    dispatchEvent(new Event("theme"));
  });
}
