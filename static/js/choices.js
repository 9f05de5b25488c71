// Language and colours: remembered in cookies, so that the server draws the next page right from the start.

import { all } from "./dom.js";

const YEAR_S = 365 * 86400;

const remember = (name, value) => {
  document.cookie = `${name}=${value}; path=/; max-age=${value ? YEAR_S : 0}; samesite=lax`;
};

for (const select of all("[data-choose-language]")) {
  select.addEventListener("change", () => {
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
