// The admin API, as the console's pages ask it: JSON, the CSRF token, errors in words.

import { knows, t } from "./t.js";

export class ApiError extends Error {
  /** code: of the admin API, or `network`. fields: what is wrong, by name. data: the answer's. */
  constructor(code, message, { status = 0, fields = {}, data = null } = {}) {
    super(knows(`error.${code}`) ? t(`error.${code}`) : message);
    Object.assign(this, { code, status, fields, data, told: message });
  }
}

export const csrf = () => document.documentElement.dataset.csrf;

/** Where one is, to come back to after a login. */
export function toLogin() {
  const here = location.pathname + location.search;
  location.assign(`/login?next=${encodeURIComponent(here)}`);
}

async function ask(method, path, body, signal) {
  const headers = { "X-CSRF-Token": csrf() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      credentials: "same-origin",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("network", t("error.network"));
  }
  const document_ = await response.json().catch(() => null);
  if (response.status === 401 && path !== "/api/login") {
    toLogin();
    return new Promise(() => {}); // the page is being left
  }
  if (!response.ok || document_ === null || document_.success !== true) {
    const given = document_ ?? {};
    const code = given.code ?? (response.status >= 500 ? "away" : "unexpected");
    throw new ApiError(code, given.error ?? t("error.unexpected"), {
      status: response.status,
      fields: given.fields,
      data: given.data ?? given,
    });
  }
  return document_;
}

/** The whole answer; what it is about is in `data`. Throws ApiError, AbortError. */
export const get = (path, { signal } = {}) => ask("GET", path, undefined, signal);
export const post = (path, body = {}, { signal } = {}) => ask("POST", path, body, signal);
