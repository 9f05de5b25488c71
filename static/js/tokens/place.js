// Where the keyboard is in the table, whose rows come and go.

import { all, find } from "../dom.js";

export class Place {
  /** elsewhere: where to go when there is no row. */
  constructor(body, elsewhere) {
    this.body = body;
    this.elsewhere = elsewhere;
    this.last = null;
    body.addEventListener("focusin", ({ target }) => {
      const row = target.closest("tr");
      const { act } = target.dataset;
      this.last = {
        id: row.dataset.id,
        at: [...body.children].indexOf(row),
        control: act ? `[data-act="${act}"]` : "input",
      };
    });
    // They give the focus back to a button of a row that was drawn anew, or is gone.
    const left = ({ target, newState }) => newState !== "open" && target.matches("dialog, .menu") && this.back(target);
    for (const name of ["close", "toggle"]) document.addEventListener(name, left, true);
  }

  holds = () => this.body.contains(document.activeElement);

  /** From what was closed, if nothing else has the focus by now. */
  back(closed) {
    const { activeElement: at, body } = document;
    if (this.last && (at === body || closed.contains(at))) this.go();
  }

  /** To where it was last, or to the row that follows. */
  go() {
    const rows = all("tr", this.body);
    const { id, at, control } = this.last ?? {};
    const row = rows.find((one) => one.dataset.id === id) ?? rows[Math.min(at, rows.length - 1)];
    const target = row && (find(control, row) ?? find("input", row));
    (target ?? this.elsewhere).focus({ preventScroll: true });
  }
}
