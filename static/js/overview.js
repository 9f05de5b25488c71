// How the pool and its traffic are, at a glance.

import { get } from "./api.js";
import { find, make } from "./dom.js";
import { bytes, count, moment } from "./format.js";
import { poll } from "./poll.js";
import { outOfDate, upToDate } from "./stale.js";
import { showAdvice } from "./overview/advice.js";
import { showTraffic, wireTraffic } from "./overview/traffic.js";
import { t } from "./t.js";

const EVERY_MS = 5000;
const STATUSES = ["active", "unused", "cooling", "exhausted", "expired"];
const TYPES = { normal: "sso", super: "ssoSuper" };
let stats = null;

const background = { background: true };

async function load() {
  try {
    const [one, cache, limits, storage] = await Promise.all([
      get("/api/stats", background),
      get("/api/cache/size", background).catch(() => null), // a disk that cannot be read hides nothing else
      get("/api/settings", background),
      get("/api/storage/mode", background),
    ]);
    stats = one.data;
    showAccounts();
    showTraffic(stats.history);
    if (cache) showCache(cache.data, limits.data.global);
    showAdvice(stats.advice);
    find("#base-url").textContent = `${limits.data.global.base_url || location.origin}/v1`;
    find("#fact-storage").textContent = t(`storage.${storage.data.mode}`);
    find("#state").textContent = t("overview.as_of", { time: moment(Date.now()) });
    upToDate();
  } catch (error) {
    if (stats === null) find("#state").textContent = error.message;
    outOfDate(error);
  }
}

function showAccounts() {
  let left = 0,
    unknown = 0,
    fit = 0;
  for (const [name, type] of Object.entries(TYPES)) {
    const tier = stats[name];
    left += tier.remaining_queries.default ?? 0;
    unknown += tier.unknown_quota.default ?? 0;
    fit += tier.fit;
    find(`#total-${name}`).textContent = t("tier.total", { count: tier.total });
    const bar = find(`#bar-${name}`);
    bar.replaceChildren(
      ...STATUSES.filter((status) => tier[status]).map((status) => {
        const part = make("span", { class: status });
        part.style.flexGrow = tier[status];
        return part;
      }),
    );
    bar.setAttribute(
      "aria-label",
      STATUSES.map((status) => `${t(`status.${status}`)}: ${count(tier[status])}`).join(", "),
    );
    find(`#counts-${name}`).replaceChildren(
      ...[...STATUSES, "disabled"].map((status) =>
        make(
          "li",
          {},
          make(
            "a",
            { href: `/manage/tokens?status=${status}&token_type=${type}` },
            make("span", { class: `badge ${status}`, textContent: t(`status.${status}`) }),
            make("span", { class: "number", textContent: count(tier[status]) }),
          ),
        ),
      ),
    );
  }
  find("#tile-accounts").textContent = count(fit);
  find("#hint-accounts").textContent = t("hint.accounts", { count: stats.total });
  find("#tile-quota").textContent = count(left);
  find("#hint-quota").textContent = unknown ? t("hint.quota", { count: unknown }) : t("hint.quota_known");
  showHeavy(stats.super);
}

/** The quota of the model that only Super accounts have. */
function showHeavy({ total, remaining_queries: { heavy: left = 0 }, unknown_quota: { heavy: unknown = 0 } }) {
  const all = unknown && !left ? t("hint.heavy_unknown") : t("hint.heavy", { left });
  find("#hint-heavy").hidden = !total;
  find("#hint-heavy").textContent = unknown && left ? t("hint.heavy_some", { left, count: unknown }) : all;
}

function showCache(cache, settings) {
  const limit = (settings.image_cache_max_size_mb + settings.video_cache_max_size_mb) * 1024 ** 2;
  find("#tile-cache").textContent = bytes(cache.total_size_bytes);
  find("#hint-cache").textContent = t("hint.cache", { limit: bytes(limit) });
  const share = limit ? cache.total_size_bytes / limit : 0;
  Object.assign(find("#cache-meter").style, { width: `${Math.min(100, 100 * share)}%` });
  find("#cache-meter").classList.toggle("full", share > 0.95);
}

wireTraffic();
const now = poll(load, () => EVERY_MS);
addEventListener("accounts-changed", now);
