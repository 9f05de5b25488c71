// Lines over time, drawn by uPlot in the page's colours, with their numbers told to who does not see them.

import { find } from "./dom.js";
import { timeOfDay } from "./format.js";

const HEIGHT = 190;
/** What is drawn in each place, and how: uPlot remembers what is not destroyed. */
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

/**
 * Draws into a place. points: of the admin API. lines: `{field, colour, fill}`. shown: a value in words. least: what the
 * axis reaches at least. dots: single points show, too. The values under the pointer are told in the nodes of the
 * place's figure that have `data-value` (the name of a field) and `data-at`.
 */
export function draw(place, points, lines, { shown, least, dots = false, summary }) {
  const axis = {
    stroke: resolved("--muted"),
    grid: { stroke: resolved("--border"), width: 1 },
    ticks: { show: false },
    font: `12px ${colour("--font")}`,
  };
  const options = {
    width: Math.max(200, place.clientWidth),
    height: HEIGHT,
    padding: [8, 30, 0, 0], // the last time of the axis needs room
    legend: { show: false },
    cursor: { y: false, points: { show: true } },
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, Math.max(least, most ?? 0) * 1.1] } },
    axes: [
      { ...axis, size: 30, values: (_, ticks) => ticks.map((tick) => timeOfDay(tick * 1000)), space: 64 },
      { ...axis, size: 62, values: (_, ticks) => ticks.map(shown) },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: resolved(line.colour),
        width: 2,
        fill: line.fill ? resolved(line.fill) : undefined,
        spanGaps: false,
        points: { show: dots, size: 4 },
      })),
    ],
    hooks: { setCursor: [(plot) => tellValues(place, plot, lines, shown)] },
  };
  const data = [
    points.map((point) => point.time / 1000),
    ...lines.map(({ field }) => points.map((point) => point[field])),
  ];
  const looks = JSON.stringify(options);
  const before = plots.get(place);
  if (before?.looks === looks) {
    before.plot.setData(data); // the pointer keeps its place
    tellValues(place, before.plot, lines, shown);
  } else {
    before?.plot.destroy();
    plots.set(place, { looks, plot: new window.uPlot(options, data, place) });
  }
  place.setAttribute("aria-label", summary);
}

/** What the lines are where the pointer is. */
function tellValues(place, { cursor: { idx }, data }, lines, shown) {
  const figure = place.closest("figure"),
    on = Number.isInteger(idx);
  find("[data-at]", figure).textContent = on ? timeOfDay(data[0][idx] * 1000) : "";
  lines.forEach(({ field }, n) => {
    find(`[data-value="${field}"]`, figure).textContent = on ? shown(data[n + 1][idx] ?? null) : "";
  });
}
