// What is typed, kept for when a login comes between: for this tab, until it was answered.

const KEPT = "playground-draft";

export class Draft {
  constructor(prompt) {
    prompt.value ||= sessionStorage.getItem(KEPT) ?? "";
    prompt.addEventListener("input", () => this.keep());
    this.prompt = prompt;
  }

  /** What stands there now, in place of what was kept. */
  keep() {
    sessionStorage.setItem(KEPT, this.prompt.value);
  }

  forget() {
    sessionStorage.removeItem(KEPT);
  }
}
