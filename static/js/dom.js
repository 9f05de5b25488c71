// Finding, making and filling nodes. Data become text, never markup.

export const find = (selector, within = document) => within.querySelector(selector);
export const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/** A new node. props: properties; `class` and `data` as they are meant. children: nodes or texts. */
export function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "class") node.className = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name.startsWith("aria-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

export const clone = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

/** Wait for a pause before acting on what is typed. */
export function debounced(work, pauseMs) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), pauseMs);
  };
}

/** Run work with a button that shows it, and cannot be pressed again meanwhile, but keeps the focus. */
export async function busy(button, work) {
  if (button.getAttribute("aria-busy") === "true") return undefined;
  button.setAttribute("aria-busy", "true");
  button.setAttribute("aria-disabled", "true");
  try {
    return await work();
  } finally {
    button.removeAttribute("aria-busy");
    button.removeAttribute("aria-disabled");
  }
}

const CONTROLS = "a[href], button, input, select";

/**
 * Put rows in place of those there, unless they are the same. The focus stays on the control of the same label, else on
 * the one in the same place, else on what the rows are in.
 */
export function redraw(body, rows) {
  const same = (row, n) => body.children[n]?.isEqualNode(row);
  if (rows.length === body.childElementCount && rows.every(same)) return;
  const held = body.contains(document.activeElement) ? document.activeElement : null;
  const label = held?.getAttribute("aria-label"),
    row = [...body.children].findIndex((one) => one.contains(held)),
    place = held ? all(CONTROLS, body.children[row]).indexOf(held) : -1;
  body.replaceChildren(...rows);
  if (!held) return;
  const there = rows.length ? all(CONTROLS, rows[Math.min(row, rows.length - 1)])[place] : null;
  const again = label ? find(`[aria-label="${CSS.escape(label)}"]`, body) : null;
  (again ?? there ?? body.closest("[tabindex]"))?.focus();
}
