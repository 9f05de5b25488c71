// Which accounts something is being done with just now. Their rows say so, also when they are drawn anew.

import { all } from "../dom.js";

const under = new Set();

export function markRow(row) {
  if (under.has(Number(row.dataset.id))) row.setAttribute("aria-busy", "true");
  else row.removeAttribute("aria-busy");
}

const markRows = () => all("#tokens tbody tr").forEach(markRow);

export async function working(ids, work) {
  ids.forEach((id) => under.add(id));
  markRows();
  try {
    return await work();
  } finally {
    ids.forEach((id) => under.delete(id));
    markRows();
  }
}
