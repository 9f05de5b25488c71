// Numbers, sizes, times and secrets as people read them.

import { language, t } from "./t.js";

const whole = new Intl.NumberFormat(language);
const short = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const dateTime = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const second = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });

export const count = (value) => whole.format(value);
/** Per minute: there may be fewer than one. */
export const rate = (value) => fine.format(value);
export const moment = (ms) => dateTime.format(ms);
/** Of today without the date. */
export const recently = (ms) =>
  new Date(ms).toDateString() === new Date().toDateString() ? second.format(ms) : dateTime.format(ms);
export const timeOfDay = (ms) => clock.format(ms);

export function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${short.format(value)}\u00a0${units[unit]}`;
}

/** Milliseconds as a wait that somebody feels. */
export const latency = (ms) =>
  ms === null
    ? "–"
    : ms < 1000
      ? t("time.ms", { count: Math.round(ms) })
      : t("time.s", { count: short.format(ms / 1000) });

const STEPS = [
  [60, "second", 1],
  [3600, "minute", 60],
  [86400, "hour", 3600],
  [Infinity, "day", 86400],
];

/** "3 minutes ago". */
export function ago(ms, now = Date.now()) {
  if (ms === null) return t("time.never");
  const seconds = (ms - now) / 1000;
  const [, unit, size] = STEPS.find(([limit]) => Math.abs(seconds) < limit);
  return relative.format(Math.round(seconds / size), unit);
}

/** What is left of a wait, as it counts down: 1:02:03. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, n) => (n ? String(part).padStart(2, "0") : String(part))).join(":");
}

export const masked = (secret) =>
  secret.length < 16 ? `${secret.slice(0, 3)}…` : `${secret.slice(0, 6)}…${secret.slice(-4)}`;
