"""The console as an operator uses it, for tests."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.gateway import SETTINGS_FRESH_S, Gateway

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

#: Name -> address.
PAGES = {
    "overview": "/manage",
    "tokens": "/manage/tokens",
    "playground": "/manage/playground",
    "keys": "/manage/keys",
    "logs": "/manage/logs",
    "media": "/manage/media",
    "settings": "/manage/settings",
    "audit": "/manage/audit",
}


def log_in(page: Page, password: str = "admin", then: str = "/manage") -> None:
    page.goto(then)
    log_in_here(page, password)
    page.wait_for_url(lambda url: urlsplit(url).path == urlsplit(then).path)


def log_in_here(page: Page, password: str = "admin") -> None:
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def forget_keys(gateway: Gateway) -> None:
    if ids := [key["id"] for key in gateway.get_admin("/api/keys")["data"]]:
        gateway.admin("/api/keys/delete", {"ids": ids})
        time.sleep(SETTINGS_FRESH_S)


@dataclass
class Console:
    page: Page
    gateway: Gateway

    def open(self, name: str, query: str = "") -> None:
        self.page.goto(PAGES[name] + query)
        settled(self.page, name)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def told(self, text: str) -> None:
        """Wait for a message, and close it."""
        toast = self.page.locator(".toast", has_text=text)
        expect(toast).to_be_visible()
        toast.get_by_role("button").click()

    def rows(self) -> Locator:
        return self.page.locator("#tokens tbody tr")

    def counted(self, text: str) -> None:
        expect(self.page.locator("#count")).to_have_text(text)

    def add(self, text: str, kind: str = "Basic account") -> None:
        self.page.locator("#add").click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label(kind).check()
        dialog.get_by_label("Tokens", exact=True).fill(text)
        dialog.get_by_role("button", name="Add tokens").click()


def settled(page: Page, name: str) -> None:
    """Wait until a page shows what it is for."""
    if name == "overview":
        expect(page.locator("#state")).not_to_have_text("Loading …")
        expect(page.locator("#chart-latency canvas")).to_be_visible()
    elif name in ("tokens", "keys", "logs"):
        expect(page.locator("#count")).not_to_have_text("Loading …")
    elif name == "media":
        expect(page.locator("#size-total")).not_to_have_text("–")
    elif name == "audit":
        expect(page.locator("#pager-text")).not_to_be_empty()
    elif name == "playground":
        expect(page.locator("#snippet")).not_to_be_empty()
    else:
        expect(page.locator(".setting .default").first).not_to_be_empty()
