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

/** background: nobody asked for it, so that it does not keep the session from ending. */
async function send(method, path, body, { signal, background = false } = {}) {
  const headers = { "X-CSRF-Token": csrf() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (background) headers["X-Background"] = "1";
  const sent = body === undefined ? undefined : JSON.stringify(body);
  try {
    return await fetch(path, { method, headers, body: sent, signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("network", t("error.network"));
  }
}

function refused(response, path, given) {
  if (response.status === 401 && path !== "/api/login") toLogin();
  const code = given.code ?? (response.status >= 500 ? "away" : "unexpected");
  const { fields, data = given } = given;
  return new ApiError(code, given.error ?? t("error.unexpected"), { status: response.status, fields, data });
}

async function ask(method, path, body, options) {
  const response = await send(method, path, body, options);
  const answer = await response.json().catch(() => null);
  if (!response.ok || answer?.success !== true) throw refused(response, path, answer ?? {});
  return answer;
}

/** The whole answer; what it is about is in `data`. Throws ApiError, AbortError. */
export const get = (path, options) => ask("GET", path, undefined, options);
export const post = (path, body = {}, options = {}) => ask("POST", path, body, options);

/** A file. Throws ApiError. */
export async function download(method, path, body) {
  const response = await send(method, path, body);
  if (!response.ok) throw refused(response, path, (await response.json().catch(() => null)) ?? {});
  return response.blob();
}
