// Changing the password, for who knows the old one.

import { post, toLogin } from "../api.js";
import { busy, find } from "../dom.js";
import { t } from "../t.js";

export function wirePassword() {
  const form = find("#password"),
    problem = find(".problem", form),
    button = find("button[type=submit]", form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    problem.textContent = form.new.value === form.again.value ? "" : t("password.differ");
    if (problem.textContent) return form.again.focus();
    return busy(button, async () => {
      try {
        await post("/api/password", { old: form.old.value, new: form.new.value });
        toLogin();
        await new Promise(() => {});
      } catch (error) {
        problem.textContent = error.code === "invalid_settings" ? t("password.unfit") : error.message;
      }
    });
  });
}
