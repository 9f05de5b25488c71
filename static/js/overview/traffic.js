// Requests and first-token times of the last hour or day.

import { draw } from "../chart.js";
import { all, debounced, find, make } from "../dom.js";
import { count, latency, moment, rate } from "../format.js";
import { t } from "../t.js";

let period = "hour",
  last = null;

/** A point of `step` seconds in requests per minute; of the last one, which is not over, as far as it has come. */
function perMinute(point, step) {
  const minutes = Math.min(step, Math.max(60, (Date.now() - point.time) / 1000)) / 60;
  return { ...point, requests: point.requests / minutes, failed: point.failed / minutes };
}

/** history: of the admin API; without, the last one is drawn anew. */
export function showTraffic(history = last) {
  if (!history) return;
  last = history;
  const { points, total, step_seconds: step } = history[period];
  const hour = history.hour.total;
  find("#tile-requests").textContent = count(hour.requests);
  find("#hint-requests").textContent = hour.failed
    ? t("hint.failed", { count: hour.failed, share: Math.round((100 * hour.failed) / hour.requests) })
    : t("hint.none_failed");
  find("#tile-latency").textContent = latency(hour.first_token_p50);
  find("#hint-latency").textContent = t("hint.p95", { time: latency(hour.first_token_p95) });
  const told = {
    requests: total.requests,
    failed: total.failed,
    p50: latency(total.first_token_p50),
    p95: latency(total.first_token_p95),
  };
  draw(
    find("#chart-requests"),
    points.map((point) => perMinute(point, step)),
    [
      { field: "requests", colour: "--accent", fill: "--accent-soft" },
      { field: "failed", colour: "--bad" },
    ],
    { shown: rate, least: 1, summary: t(`chart.summary_requests.${period}`, told) },
  );
  draw(
    find("#chart-latency"),
    points,
    [
      { field: "first_token_p50", colour: "--accent" },
      { field: "first_token_p95", colour: "--warn" },
    ],
    { shown: latency, least: 1000, dots: true, summary: t(`chart.summary_latency.${period}`, told) },
  );
  const cells = (point) => [
    moment(point.time),
    count(point.requests),
    count(point.failed),
    latency(point.first_token_p50),
    latency(point.first_token_p95),
  ];
  find("#chart-rows").replaceChildren(
    ...points
      .toReversed()
      .map((point) =>
        make(
          "tr",
          {},
          ...cells(point).map((text, n) =>
            make("td", { class: n ? "right number" : "number", textContent: text }),
          ),
        ),
      ),
  );
}

export function wireTraffic() {
  for (const button of all("[data-period]")) {
    button.addEventListener("click", () => {
      period = button.dataset.period;
      all("[data-period]").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
      showTraffic();
    });
  }
  const again = () => showTraffic();
  addEventListener("resize", debounced(again, 150));
  addEventListener("theme", again);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
}
