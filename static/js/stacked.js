// Where a table has no room for columns, its rows are cards, and each cell says what it is.

import { all } from "./dom.js";

/** The rows, each cell with the words at the head of its column. */
export function labelled(rows, table) {
  const heads = all("thead th", table).map((head) => head.textContent);
  for (const row of rows) [...row.cells].forEach((cell, n) => (cell.dataset.label = heads[n]));
  return rows;
}
