"""A real Chromium on the console of a real gateway. Pictures of the pages are kept in `artifacts/console/`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.browser.pages import FLAGS, Console, forget_keys, log_in
from tests.debian import need
from tests.gateway import ROOT, Gateway
from tests.simulator.client import Simulator

SHOTS = ROOT / "artifacts" / "console"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium", "chromium"), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shots() -> Path:
    SHOTS.mkdir(parents=True, exist_ok=True)
    return SHOTS


@pytest.fixture(scope="session")
def own_gateway(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Apart from the other tests' gateway, whose operator is logged in as well."""
    with Gateway(tmp_path_factory.mktemp("console") / "data", shared_simulator.url) as running:
        yield running


@pytest.fixture
def console_gateway(own_gateway: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """Four fresh Basic accounts, all settings at their defaults, no keys, failed logins and media."""
    own_gateway.set_accounts([f"sim-basic-ok-browser{n}" for n in range(4)])
    for table in ("login_failures", "usage_counts", "media"):
        own_gateway.sql(f"DELETE FROM {table}")
    forget_keys(own_gateway)
    yield own_gateway
    own_gateway.restore_settings()


@pytest.fixture
def open_context(chromium: Browser, console_gateway: Gateway) -> Iterator[Callable[..., BrowserContext]]:
    """Opens contexts whose pages fail the test when they log an error or raise one."""
    opened: list[BrowserContext] = []
    problems: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            problems.append(message.text)

    def watch(page: Page) -> None:
        page.on("console", note)
        page.on("pageerror", lambda error: problems.append(str(error)))

    def make(**options: object) -> BrowserContext:
        given = {"locale": "en-US", "viewport": {"width": 1280, "height": 860}} | options
        given = {"base_url": console_gateway.url} | given
        context = chromium.new_context(**given)  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.on("page", watch)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()
    assert not problems


@pytest.fixture
def console(open_context: Callable[..., BrowserContext], console_gateway: Gateway) -> Console:
    """The console of who is logged in."""
    page = open_context().new_page()
    log_in(page)
    return Console(page, console_gateway)
