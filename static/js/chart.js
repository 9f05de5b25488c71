// Lines over time, drawn by uPlot in the page's colours, with their numbers told to who does not see them.

import { count, latency, timeOfDay } from "./format.js";

const HEIGHT = 190;
/** What is drawn in each place: uPlot remembers what is not destroyed. */
const plots = new Map();
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** light-dark() as it is meant here; a canvas does not know it. */
function resolved(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value || colour(name);
}

/** Draws into a place. points: of the admin API. lines: `{field, colour, fill}`. latencies: values are milliseconds. */
export function draw(place, points, lines, { latencies = false, summary }) {
  const axis = {
    stroke: resolved("--muted"),
    grid: { stroke: resolved("--border"), width: 1 },
    ticks: { show: false },
    font: `12px ${colour("--font")}`,
  };
  const shown = latencies ? latency : count;
  const known = points.flatMap((point) => lines.map(({ field }) => point[field] ?? 0));
  const top = Math.max(latencies ? 1000 : 4, ...known) * 1.1;
  const options = {
    width: Math.max(200, place.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, points: { show: true } },
    scales: { x: { time: true }, y: { range: [0, top] } },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map((tick) => timeOfDay(tick * 1000)), space: 64 },
      {
        ...axis,
        size: 62,
        values: (_, ticks) => ticks.map((tick) => (latencies || Number.isInteger(tick) ? shown(tick) : "")),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: resolved(line.colour),
        width: 2,
        fill: line.fill ? resolved(line.fill) : undefined,
        spanGaps: false,
        points: { show: latencies, size: 4 },
      })),
    ],
  };
  const data = [
    points.map((point) => point.time / 1000),
    ...lines.map(({ field }) => points.map((point) => point[field])),
  ];
  plots.get(place)?.destroy();
  plots.set(place, new window.uPlot(options, data, place));
  place.setAttribute("aria-label", summary);
}
