// All that is known of one account, where nothing is cut off.

import { prepared } from "../dialog.js";
import { find, make } from "../dom.js";
import { ago, count, masked, moment } from "../format.js";
import { inWords } from "../reasons.js";
import { t } from "../t.js";
import { left, standingOf } from "./rows.js";

const small = (textContent) => make("div", { class: "small muted", textContent });

/** Returns a function that shows an account as the API has it. */
export function wireDetails() {
  const dialog = prepared(find("#details-dialog"));
  return (account) => {
    find("#details-title").textContent = t("details.title", { id: String(account.id) });
    find("#details-facts").replaceChildren(
      ...factsOf(account).flatMap(([name, ...shown]) => [
        make("dt", { textContent: name }),
        make("dd", {}, ...shown),
      ]),
    );
    dialog.showModal();
  };
}

function factsOf(account) {
  const isSuper = account.token_type === "ssoSuper";
  return [
    [t("col.token"), make("code", { textContent: masked(account.token) })],
    [t("tokens.type"), t(`type.${account.token_type}`)],
    [t("sort.added"), moment(account.created_time)],
    [t("col.status"), ...statusOf(account)],
    [t("col.left"), left(account.remaining_queries)],
    ...(isSuper ? [[t("details.heavy"), left(account.heavy_remaining_queries)]] : []),
    [t("col.requests"), count(account.request_count)],
    [t("details.in_flight"), count(account.in_flight)],
    [t("col.last_used"), timeOf(account.last_used)],
    [t("details.failures"), count(account.failed_count)],
    [t("details.last_failure"), ...failureOf(account)],
    [t("edit.tags"), tagsOf(account)],
    [t("edit.note"), make("span", { class: "as-written", textContent: account.note || "–" })],
  ];
}

const timeOf = (ms) => (ms ? `${moment(ms)} (${ago(ms)})` : t("time.never"));

function statusOf(account) {
  const badges = [make("span", { class: `badge ${account.status}`, textContent: t(`status.${account.status}`) })];
  if (account.disabled)
    badges.push(" ", make("span", { class: "badge disabled", textContent: t("status.disabled") }));
  const standing = standingOf(account);
  return standing ? [...badges, small(standing)] : badges;
}

/** The reason in words, and as it was said where that says more. */
function failureOf({ last_failure_reason: reason, last_failure_time: at }) {
  if (!reason) return ["–"];
  const words = inWords(reason);
  return [
    words,
    ...(words !== reason && reason.includes(" ") ? [small(reason)] : []),
    ...(at ? [small(timeOf(at))] : []),
  ];
}

function tagsOf({ tags }) {
  const chips = tags.map((tag) => make("span", { class: "tag", textContent: tag, title: tag }));
  return chips.length ? make("span", { class: "tags" }, ...chips) : "–";
}
