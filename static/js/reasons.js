// What the gateway says of failures, in the reader's language: it says it in English, to clients and logs as well.

import { knows, t } from "./t.js";

const KNOWN = [
  [/status (?<status>\d{3})\.$/, "status"],
  [/refused the account's credentials/, "credentials"],
  [/rate limit/, "rate_limit"],
  [/usage limit/, "usage_limit"],
  [/capacity limit/, "capacity"],
  [/has blocked the account/, "blocked"],
  [/suspended the account/, "suspended"],
  [/session no longer exists/, "session_deleted"],
  [/e-mail domain/, "email_domain_rejected"],
  [/refused this gateway/, "challenged"],
  [/cannot be reached from here|proxy_url cannot be reached/, "unreachable"],
  [/in time|sent nothing for|^Grok (was|took) /, "timeout"],
  [/broke off/, "broke_off"],
  [/answer was empty/, "empty"],
  [/is broken|cut off/, "broken"],
  [/reported an error/, "error"],
  [/Another node is asking/, "busy"],
  [/neither AOF|keeps nothing|persist/i, "not_persistent"],
  [/evict/i, "evicts"],
];

/** A code or an English sentence of the gateway's, in words; null when it is not known. */
export function wordsOf(reason) {
  if (knows(`reason.${reason}`)) return t(`reason.${reason}`);
  for (const [pattern, key] of KNOWN) {
    const found = pattern.exec(reason);
    if (found) return t(`reason.${key}`, found.groups ?? {});
  }
  return null;
}

/** The same; what is not known stays as it is. */
export const inWords = (reason) => wordsOf(reason) ?? reason;
