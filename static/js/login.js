// The login page.

import { post } from "./api.js";
import { busy, find } from "./dom.js";
import { t } from "./t.js";

const form = find("#login"),
  problem = find("#problem"),
  button = find("button[type=submit]", form);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  problem.textContent = "";
  busy(button, async () => {
    try {
      await post("/api/login", { username: form.username.value, password: form.password.value });
      location.assign(form.dataset.then);
      await new Promise(() => {}); // the button stays busy until the page is left
    } catch (error) {
      const seconds = error.code === "too_many_attempts" ? Number(/\d+/.exec(error.told)?.[0] ?? 0) : 0;
      problem.textContent = seconds ? t("login.wait", { count: seconds }) : error.message;
      form.password.select();
    }
  });
});
