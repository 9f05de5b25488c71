"""`python -m benchmarks.console`: the console's table with 10 000 accounts, in Debian's Chromium.

Until the rows are on the screen: from the start of the navigation, and from choosing a filter, as the page's own clock
has it. Two workers over SQLite, all on this machine. Half a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from tests.browser.pages import FLAGS, PAGES, log_in
from tests.browser.paints import FILTER_S, FIRST_PAINT_S, WATCH, filter_s, first_paint_s
from tests.debian import need
from tests.gateway import Gateway

ACCOUNTS = 10_000
ROUNDS = 10
#: Each is followed by its undoing, which is measured as well.
FILTERS = (
    ("status", "active"),
    ("token_type", "ssoSuper"),
    ("tag", "some"),
    ("q", "some note"),
    ("q", "nch099"),
)


def main() -> int:
    with TemporaryDirectory() as folder, Gateway(Path(folder) / "data", "http://127.0.0.1:9") as gateway:
        gateway.admin("/api/settings", {"grok_config": {"refresh_interval_minutes": 0}})
        _fill(gateway)
        paints, filters = _measure(gateway.url)
    print(f"| {ACCOUNTS} accounts | median, ms | slowest, ms | promised, ms |\n|---|---:|---:|---:|")
    print(_row("first paint of the table", paints, FIRST_PAINT_S))
    for name, seconds in filters.items():
        print(_row(f"filter `{name}`", seconds, FILTER_S))
    return 0


def _fill(gateway: Gateway) -> None:
    """A tenth of them is tagged, a hundredth noted."""
    names = [f"sim-basic-ok-bench{n:05}" for n in range(ACCOUNTS)]
    gateway.admin("/api/tokens/add", {"tokens": names, "token_type": "sso"})
    gateway.admin("/api/tokens/tags", {"tokens": names[::10], "tags": ["some"]})
    gateway.admin("/api/tokens/note", {"tokens": names[::100], "note": "some note"})


def _measure(url: str) -> tuple[list[float], dict[str, list[float]]]:
    filters: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium", "chromium"), args=list(FLAGS))
        context = browser.new_context(base_url=url, locale="en-US", viewport={"width": 1280, "height": 860})
        context.add_init_script(WATCH)
        page = context.new_page()
        log_in(page)
        paints = [first_paint_s(page, PAGES["tokens"]) for _ in range(ROUNDS)]
        for _ in range(ROUNDS):
            for name, value in FILTERS:
                filters.setdefault(f"{name}={value}", []).append(filter_s(page, name, value))
                filters.setdefault("none", []).append(filter_s(page, name, ""))
        browser.close()
    return paints, filters


def _row(name: str, seconds: list[float], promised: float) -> str:
    return f"| {name} | {median(seconds) * 1000:.0f} | {max(seconds) * 1000:.0f} | {promised * 1000:.0f} |"


if __name__ == "__main__":
    sys.exit(main())
