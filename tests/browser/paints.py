"""How long the table of accounts takes until its rows are on the screen, as the page's own clock has it."""

from __future__ import annotations

from playwright.sync_api import Page

#: What is asked of it with 10 000 accounts, in seconds.
FIRST_PAINT_S = 1.0
FILTER_S = 0.2

#: Before the page's own scripts: notes when rows have come and the frame with them is done.
WATCH = """
window.paints = [];
addEventListener('DOMContentLoaded', () => {
  const body = document.querySelector('#tokens tbody');
  if (!body) return;
  new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => paints.push(performance.now()))))
    .observe(body, {childList: true});
});
"""

_FILTERED = """([name, value]) => new Promise((resolve) => {
  const field = document.querySelector(`#filters [name=${name}]`);
  const before = paints.length, began = performance.now();
  field.value = value;
  field.dispatchEvent(new Event(name === 'q' ? 'input' : 'change', {bubbles: true}));
  const look = () => paints.length > before ? resolve(paints.at(-1) - began) : setTimeout(look, 2);
  look();
})"""


def first_paint_s(page: Page, address: str) -> float:
    """From the start of the navigation on. WATCH must have been added to the context."""
    page.goto(address)
    page.wait_for_function("() => paints.length > 0")
    milliseconds: float = page.evaluate("paints[0]")
    return milliseconds / 1000


def filter_s(page: Page, name: str, value: str) -> float:
    """From choosing a filter on, or from the last key of a search."""
    milliseconds: float = page.evaluate(_FILTERED, [name, value])
    return milliseconds / 1000
