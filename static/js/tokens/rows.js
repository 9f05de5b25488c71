// A row of the table for each account, filled with texts.

import { all, clone, find, make } from "../dom.js";
import { ago, count, countdown, masked, moment } from "../format.js";
import { inWords } from "../reasons.js";
import { t } from "../t.js";
import { markRow } from "./working.js";

export const left = (number) => (number < 0 ? t("tokens.unknown") : count(number));

/** Until when an account is out of choice, in words; "" when it is in. */
export function standingOf({ status, cooldown_remaining: rest, cooldown_requests: requests }) {
  if (rest > 0) return t("tokens.cools", { time: countdown(rest) });
  if (requests) return t("tokens.sits_out", { count: requests });
  return status === "cooling" ? t("tokens.back_next") : "";
}

/** selected: whether it is. Cooldowns count down from the time of the answer, whatever the clocks say. */
export function rowOf(account, selected, arrivedAt) {
  const row = clone("token-row");
  row.dataset.id = account.id;
  row.classList.toggle("selected", selected);
  row.classList.toggle("off", account.disabled);
  markRow(row);
  const box = find("input", row);
  box.checked = selected;
  const name = masked(account.token);
  box.setAttribute("aria-label", t("tokens.select", { name }));
  find(".id", row).textContent = `#${account.id}`;
  find(".secret", row).textContent = name;
  const type = find(".type", row);
  type.textContent = t(`type.short.${account.token_type}`);
  type.classList.toggle("super", account.token_type === "ssoSuper");
  const status = find(".cell-status .badge", row);
  status.classList.add(account.status);
  status.textContent = t(`status.${account.status}`);
  find(".off", row).hidden = !account.disabled;
  const until = find(".until", row);
  if (account.cooldown_remaining > 0) until.dataset.until = arrivedAt + account.cooldown_remaining;
  until.textContent = standingOf(account);
  find(".left", row).textContent = left(account.remaining_queries);
  if (account.token_type === "ssoSuper")
    find(".heavy", row).textContent = t("tokens.heavy", { left: left(account.heavy_remaining_queries) });
  find(".requests", row).textContent = count(account.request_count);
  if (account.in_flight)
    find(".in-flight", row).textContent = t("tokens.in_flight", { count: account.in_flight });
  fillFailure(find(".cell-failure", row), account);
  fillTags(find(".cell-tags", row), account);
  const used = find(".last-used", row);
  used.textContent = ago(account.last_used);
  if (account.last_used) used.title = moment(account.last_used);
  return row;
}

function fillFailure(cell, account) {
  const { failed_count: failed, last_failure_reason: reason, last_failure_time: at } = account;
  // None since it last worked: a "0" beside the last reason would say that there is none.
  find(".failed", cell).textContent = failed || !reason ? count(failed) : "";
  cell.classList.toggle("has", Boolean(failed || reason));
  if (!reason) return;
  const words = inWords(reason),
    when = find(".when", cell),
    line = find(".reason", cell);
  if (at) [when.textContent, when.title] = [ago(at), moment(at)];
  line.textContent = line.title = words;
}

function fillTags(cell, account) {
  find(".tags", cell).replaceChildren(
    ...account.tags.map((tag) => {
      const chip = make("button", {
        type: "button",
        class: "tag",
        textContent: tag,
        title: tag,
        data: { act: "tag", tag },
      });
      chip.setAttribute("aria-label", t("tokens.filter_tag", { tag }));
      return chip;
    }),
  );
  find(".remark", cell).textContent = account.note;
  find(".remark", cell).title = account.note;
  cell.classList.toggle("has", Boolean(account.tags.length || account.note));
}

/** Lets the cooldowns on the page count down. Returns whether one has just ended. */
export function tick(table) {
  let ended = false;
  for (const until of all(".until[data-until]", table)) {
    const rest = Number(until.dataset.until) - Date.now();
    until.textContent = rest > 0 ? t("tokens.cools", { time: countdown(rest) }) : "";
    if (rest <= 0) {
      delete until.dataset.until;
      ended = true;
    }
  }
  return ended;
}
