// What should be mended, and where.

import { all, clone, find } from "../dom.js";
import { inWords } from "../reasons.js";
import { t } from "../t.js";

const FIXES = {
  default_password: "/manage/settings#password-card",
  no_accounts: "/manage/tokens?add",
  no_fit_accounts: "/manage/tokens?sort=-failed_count",
  blocked: "/manage/settings#group-upstream",
  no_api_key: "/manage/settings#set-api_key",
  no_base_url: "/manage/settings#set-base_url",
};
export function showAdvice(advice) {
  const rows = advice.map(({ code, level, detail }) => {
    const row = clone("advice-row");
    row.className = level;
    find("use", row).setAttribute("href", `/static/icons.svg#${level}`);
    const urgency = t(`level.${level}`);
    find("strong", row).textContent = `${urgency}${urgency.endsWith("：") ? "" : " "}${t(`advice.${code}`, detail)}`;
    find("p", row).textContent = t(`advice.${code}.fix`, { ...detail, text: inWords(detail.text ?? "") });
    const link = find("a", row);
    if (FIXES[code])
      Object.assign(link, { href: FIXES[code], hidden: false, textContent: t(`advice.${code}.go`) });
    return row;
  });
  const before = all("#advice > li")
    .map((row) => row.textContent)
    .join();
  if (before !== rows.map((row) => row.textContent).join()) find("#advice").replaceChildren(...rows);
}
