// Saying that what a page shows is old, while the gateway cannot be asked.

import { find } from "./dom.js";
import { recently } from "./format.js";
import { t } from "./t.js";

let freshAt = null;

/** What is shown is of now. */
export function upToDate() {
  freshAt = Date.now();
  find("#stale").hidden = true;
}

/** It could not be asked for anew. */
export function outOfDate(error) {
  if (error.name === "AbortError") return;
  if (!error.code) console.error(error);
  const why = error.code ? error.message : t("error.unexpected"),
    text = freshAt === null ? why : t("stale", { time: recently(freshAt), why }),
    place = find("#stale");
  if (place.textContent !== text) place.textContent = text; // said once
  place.hidden = false;
}
