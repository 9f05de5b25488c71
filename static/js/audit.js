// What operators did.

import { get } from "./api.js";
import { find, make } from "./dom.js";
import { count, moment } from "./format.js";
import { tellError } from "./toast.js";
import { knows, t } from "./t.js";

const SIZE = 50;
let page = Math.max(1, Number(new URLSearchParams(location.search).get("page")) || 1);

const shown = (value) =>
  Array.isArray(value) ? value.join(", ") : typeof value === "number" ? count(value) : String(value);
const details = (detail) =>
  Object.entries(detail)
    .map(([name, value]) => `${knows(`detail.${name}`) ? t(`detail.${name}`) : name}: ${shown(value)}`)
    .join(" · ");

async function load() {
  try {
    const { data, total } = await get(`/api/audit?page=${page}&page_size=${SIZE}`);
    find("#audit-rows").replaceChildren(
      ...data.map((one) =>
        make(
          "tr",
          {},
          make("td", { class: "nowrap number", textContent: moment(one.time) }),
          make("td", { textContent: one.username || "–" }),
          make("td", { textContent: knows(`action.${one.action}`) ? t(`action.${one.action}`) : one.action }),
          make("td", { class: "small muted", textContent: details(one.detail) }),
          make("td", { class: "nowrap" }, make("code", { textContent: one.address })),
        ),
      ),
    );
    find("#audit-empty").hidden = total > 0;
    find("#pager-text").textContent = total
      ? t("pager.range", { from: (page - 1) * SIZE + 1, to: Math.min(total, page * SIZE), total })
      : "";
    find("#previous").disabled = page <= 1;
    find("#next").disabled = page * SIZE >= total;
  } catch (error) {
    tellError(error);
  }
}

function turn(step) {
  page += step;
  history.pushState(null, "", `?page=${page}`);
  load();
}
find("#previous").addEventListener("click", () => turn(-1));
find("#next").addEventListener("click", () => turn(1));
addEventListener("popstate", () => {
  page = Math.max(1, Number(new URLSearchParams(location.search).get("page")) || 1);
  load();
});
load();
