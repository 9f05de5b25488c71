"""Every page in both languages, both themes, on a phone and by keyboard; axe-core finds nothing serious."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.accessibility import violations
from tests.browser.pages import PAGES, Console, forget_keys, log_in
from tests.full import only_full
from tests.gateway import Gateway
from tests.simulator.client import directive

#: The page, or a part that must be moved sideways to be read. Program text may be, and wide tables on a desktop.
TOO_WIDE = """() => ["html", ...(innerWidth < 720 ? [".scroll", ".turns"] : [])]
    .flatMap((parts) => [...document.querySelectorAll(parts)])
    .filter((part) => part.scrollWidth > part.clientWidth)
    .map((part) => `too wide: ${part.tagName} ${part.ariaLabel ?? ""} ${part.scrollWidth} > ${part.clientWidth}`)"""

#: Cells of a card whose label stands over their text.
OVERPRINTED = """() => innerWidth < 720 ? [...document.querySelectorAll(".stack tbody td:not(.controls, :empty)")]
    .filter((cell) => {
        const [padding, label] = [getComputedStyle(cell).paddingLeft, getComputedStyle(cell, "::before").width];
        return parseFloat(padding) < parseFloat(label);
    })
    .map((cell) => `printed over its label: ${cell.dataset.label}`) : []"""


def fill(gateway: Gateway) -> None:
    """Something to look at on every page."""
    kinds = ("ok", "429", "429_exhausted", "403_blocked", "500")
    gateway.set_accounts([f"sim-basic-{kind}-look{n}" for n, kind in enumerate(kinds)], ["sim-super-ok-look"])
    for _ in range(6):
        gateway.chat("Hello")
    gateway.chat(directive("images"))
    ids = [one["id"] for one in gateway.get_admin("/api/tokens")["data"]]
    gateway.admin("/api/tokens/tags", {"tokens": ids[:3], "tags": ["team a", "backup"]})
    gateway.admin("/api/tokens/note", {"tokens": ids[:2], "note": "a note"})
    gateway.admin("/api/tokens/disable", {"tokens": ids[-1:]})
    gateway.admin(
        "/api/keys/add", {"name": "Open WebUI", "per_minute": 20, "models": ["grok-4.1", "grok-3-fast"]}
    )


@pytest.mark.parametrize(
    ("name", "locale", "scheme", "width"),
    [
        ("en-light", "en-US", "light", 1280),
        ("zh-phone-dark", "zh-CN", "dark", 360),
        only_full("zh-dark", "zh-CN", "dark", 1280),
        only_full("zh-light", "zh-CN", "light", 1280),
        only_full("en-dark", "en-US", "dark", 1280),
        only_full("en-phone", "en-US", "light", 360),
        only_full("en-phone-dark", "en-US", "dark", 360),
        only_full("zh-phone", "zh-CN", "light", 360),
    ],
)
def test_every_page_can_be_used_by_everybody(
    name: str, locale: str, scheme: str, width: int, console_gateway: Gateway,
    open_context: Callable[..., BrowserContext], shots: Path,
) -> None:  # fmt: skip
    fill(console_gateway)
    context = open_context(locale=locale, color_scheme=scheme, viewport={"width": width, "height": 780})
    page = context.new_page()
    page.goto("/login")
    problems = {"login": violations(page)}
    page.screenshot(path=shots / f"login-{name}.png")
    page.locator("#username").fill("admin")
    page.locator("#password").fill("admin")
    page.locator("button[type=submit]").click()
    page.wait_for_url("**/manage")
    for page_name, address in PAGES.items():
        page.goto(address)
        page.wait_for_load_state("networkidle")
        problems[page_name] = violations(page)
        problems[page_name] += page.evaluate(TOO_WIDE) + page.evaluate(OVERPRINTED)
        page.screenshot(path=shots / f"{page_name}-{name}.png", full_page=True)
    assert page.evaluate("document.documentElement.lang") == ("zh-CN" if locale == "zh-CN" else "en")
    assert {where: found for where, found in problems.items() if found} == {}


def test_dialogs_and_menus_can_be_used_by_everybody(console: Console) -> None:
    console.open("tokens")
    page = console.page
    console.button("Add tokens").first.click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    console.rows().first.get_by_role("button", name="Actions").click()
    assert violations(page) == []
    page.locator("#row-menu").get_by_role("button", name="Tags and note …").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    console.rows().first.get_by_role("checkbox").check()
    console.button("Delete").click()
    assert violations(page) == []


def test_language_and_colours_are_chosen_and_remembered(console: Console) -> None:
    page = console.page
    page.get_by_label("Language").select_option("中文")
    expect(page.get_by_role("heading", level=1)).to_have_text("概览")
    page.wait_for_load_state("networkidle")
    page.get_by_label("配色").select_option("深色")
    background = "getComputedStyle(document.body.parentElement).backgroundColor"
    dark = page.evaluate(background)
    page.goto("/manage/settings")
    expect(page.get_by_role("heading", level=1)).to_have_text("设置")
    page.wait_for_load_state("networkidle")
    assert page.evaluate(background) == dark
    page.get_by_label("配色").select_option("浅色")
    assert page.evaluate(background) != dark
    page.get_by_label("语言").select_option("English")
    expect(page.get_by_role("heading", level=1)).to_have_text("Settings")


def test_who_uses_the_keyboard_gets_everywhere(console: Console) -> None:
    page = console.page
    page.goto("/manage/tokens")
    console.counted("4 accounts")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("#add").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#add-text")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#add")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    menu = console.rows().first.get_by_role("button", name="Actions")
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-row=test]")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-row=refresh]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#row-menu")).to_be_hidden()


def test_the_menu_on_a_phone(open_context: Callable[..., BrowserContext]) -> None:
    page = open_context(viewport={"width": 360, "height": 740}).new_page()
    log_in(page)
    expect(page.get_by_role("link", name="Settings", exact=True)).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Settings", exact=True)).to_be_hidden()
    expect(page.get_by_role("button", name="Menu")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Settings", exact=True).click()
    page.wait_for_url("**/manage/settings")


def test_who_wants_no_motion_gets_none(open_context: Callable[..., BrowserContext]) -> None:
    took = "getComputedStyle(document.querySelector('.meter > span')).transitionDuration"
    moves = """() => {
        const part = document.querySelector(".segments button");
        part.className = "waiting";
        part.setAttribute("aria-busy", "true");
        return ["::before", "::after"].map((place) => getComputedStyle(part, place).animationName);
    }"""
    for wanted, expected, moving in (
        ("no-preference", "0.3s", ["spin", "blink"]),
        ("reduce", "1e-05s", ["none", "none"]),
    ):
        page = open_context(reduced_motion=wanted).new_page()
        log_in(page, then="/manage/media")
        assert page.evaluate(took) == expected
        assert page.evaluate(moves) == moving


def test_a_page_without_its_texts_says_so(chromium: Browser, console_gateway: Gateway) -> None:
    page = chromium.new_page(
        base_url=console_gateway.url, locale="zh-CN"
    )  # whose errors are what they should be
    page.route("**/i18n/*.json", lambda route: route.abort())
    page.goto("/login")
    expect(page.locator("#texts-failed")).to_contain_text("页面文本加载失败")
    page.close()


def test_the_overview_says_what_to_mend_and_how_it_goes(console: Console) -> None:
    fill(console.gateway)
    forget_keys(console.gateway)
    accounts = console.gateway.get_admin("/api/tokens?token_type=ssoSuper")["data"]
    console.gateway.admin("/api/tokens/enable", {"tokens": [one["id"] for one in accounts]})
    console.open("overview")
    page = console.page
    expect(page.locator("#advice")).to_contain_text("The password is still the default one.")
    expect(page.locator("#advice")).to_contain_text("Clients need no key.")
    expect(page.locator("#tile-requests")).to_have_text("7", timeout=15_000)
    expect(page.locator("#hint-accounts")).to_have_text("of 6 accounts")
    expect(page.locator("#hint-heavy")).to_have_text("heavy: unknown")
    console.button("Day").click()
    page.locator("#chart-requests .u-over").scroll_into_view_if_needed()
    plot = page.locator("#chart-requests .u-over").bounding_box()
    assert plot
    page.mouse.move(plot["x"] + plot["width"] - 1, plot["y"] + 20)
    expect(page.locator(".legend").first).to_contain_text(re.compile(r"Requests per minute [\d.]+"))
    look_again = "dispatchEvent(new Event('accounts-changed'))"
    page.route("**/api/stats", lambda route: route.abort())
    page.evaluate(look_again)
    expect(page.get_by_role("alert")).to_contain_text("Not up to date since")
    page.unroute("**/api/stats")
    page.evaluate(look_again)
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#tile-latency")).to_contain_text("ms")
    expect(page.locator("#counts-normal")).to_contain_text("Used up")
    page.locator("#counts-normal").get_by_role("link", name="Expired").click()
    page.wait_for_url("**/manage/tokens?status=expired&token_type=sso")


def test_the_cache_is_cleared_after_asking(console: Console) -> None:
    console.gateway.chat(directive("images"))
    console.open("media")
    page = console.page
    expect(page.locator("#gallery li")).to_have_count(2)
    console.button("Clear pictures").click()
    page.get_by_role("dialog").get_by_role("button", name="Clear pictures").click()
    console.told("files removed")
    expect(page.locator("#size-image")).to_have_text("0 B")
    expect(page.locator("#gallery .elsewhere")).to_have_count(2)  # only to look in fetches nothing
    assert page.locator("#gallery img").count() == 0
    page.locator("#gallery button").first.click()
    picture = page.locator("#viewer img")
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())
    expect(page.locator("#gallery img")).to_have_count(1)
    expect(page.locator("#size-image")).not_to_have_text("0 B")
    page.keyboard.press("Escape")
    expect(page.locator("#gallery button").first).to_be_focused()
    console.button("Videos").click()
    expect(page.locator("#gallery-empty")).to_be_visible()
    page.reload()
    expect(page.locator("#gallery-empty")).to_be_visible()
    page.go_back()
    expect(page.locator("#gallery li")).to_have_count(2)


def test_the_activity_lists_what_was_done(console: Console) -> None:
    console.gateway.sql("DELETE FROM audit")
    console.gateway.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) INSERT INTO audit "
        f"(at, username, address, action, detail) SELECT {time.time() - 60}, 'root', '::1', 'logout', '{{}}' FROM n"
    )
    console.gateway.admin("/api/tokens/add", {"tokens": ["sim-basic-ok-audit"], "token_type": "sso"})
    console.open("audit")
    console.open("audit", "?page=99")
    expect(console.page).to_have_url(re.compile("page=2$"))
    console.page.go_back()
    expect(console.page).to_have_url(re.compile("/manage/audit$"))
    console.button("Next").focus()
    console.page.keyboard.press("Enter")
    expect(console.page.locator("#pager-text")).to_have_text("51–61 of 61")
    expect(console.button("Next")).to_be_focused()  # though there is no further page
    console.page.keyboard.press("Enter")
    console.button("Previous").click()
    expect(console.page.locator("#audit-rows tr").first).to_contain_text("Added tokens")
    expect(console.page.locator("#audit-rows tr").first).to_contain_text("admin")
