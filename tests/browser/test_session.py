"""Logging in and out, and what happens when a session ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from tests.browser.pages import Console, log_in, log_in_here
from tests.gateway import Gateway
from tests.simulator.client import Simulator


def test_a_wrong_password_is_said_in_words_and_the_right_one_leads_back_to_where_one_was(
    open_context: Callable[..., BrowserContext],
) -> None:
    page = open_context().new_page()
    page.goto("/manage/tokens?status=active")
    assert "/login?next=" in page.url
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_label("Password").press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The name or the password is wrong.")
    page.get_by_label("Password").fill("admin")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_label("Status")).to_have_value("active")


def test_too_many_wrong_passwords_say_how_long_to_wait(open_context: Callable[..., BrowserContext]) -> None:
    page = open_context().new_page()
    page.goto("/login")
    page.get_by_label("Name").fill("admin")
    for _ in range(12):
        page.get_by_label("Password").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("button", name="Log in")).to_be_enabled()
        expect(page.get_by_role("alert")).not_to_be_empty()
    expect(page.get_by_role("alert")).to_contain_text("Try again in")


def test_a_session_that_ended_leads_to_the_login_and_back(console: Console) -> None:
    console.open("tokens", "?token_type=sso")
    console.gateway.sql("DELETE FROM sessions")
    console.gateway.token = ""
    console.page.get_by_label("Rows").select_option("25")
    console.page.wait_for_url("**/login?next=**")
    log_in_here(console.page)
    console.counted("4 accounts match")
    assert "token_type=sso" in console.page.url and "page_size=25" in console.page.url


def test_what_was_typed_outlasts_a_session(console: Console) -> None:
    console.open("playground")
    page = console.page
    page.get_by_label("Message").fill("a long question")
    console.gateway.sql("DELETE FROM sessions")
    console.gateway.token = ""
    page.evaluate(
        "dispatchEvent(new Event('refresh-started'))"
    )  # the next time that the page asks for anything
    page.wait_for_url("**/login?next=**")
    log_in_here(page)
    expect(page.get_by_label("Message")).to_have_value("a long question")
    console.button("Send").click()
    expect(page.locator("#timing")).to_contain_text("First content after")
    page.reload()
    expect(page.get_by_label("Message")).to_be_focused()
    expect(page.get_by_label("Message")).to_have_value("")


def test_logging_out_ends_the_session_in_every_tab(console: Console) -> None:
    console.open("tokens")
    tab = console.page.context.new_page()
    tab.goto("/manage/audit")
    console.button("Log out").click()
    console.page.wait_for_url("**/login?**")
    tab.reload()
    assert "/login" in tab.url


def test_the_password_is_changed_by_who_knows_the_old_one(
    simulator: Simulator, open_context: Callable[..., BrowserContext], tmp_path: Path
) -> None:
    with Gateway(tmp_path / "data", simulator.url) as gateway:
        page = open_context(base_url=gateway.url).new_page()
        log_in(page)
        page.goto("/manage/settings")
        page.get_by_label("Present password").fill("nonsense")
        page.get_by_label("New password", exact=True).fill("a better one")
        page.get_by_label("New password, again").fill("another one")
        page.get_by_role("button", name="Change password").click()
        expect(page.locator("#password [role=alert]")).to_have_text("The two new passwords differ.")
        page.get_by_label("New password, again").fill("a better one")
        page.get_by_role("button", name="Change password").click()
        expect(page.locator("#password [role=alert]")).to_have_text("The old password is wrong.")
        page.get_by_label("Present password").fill("admin")
        page.get_by_role("button", name="Change password").click()
        page.wait_for_url("**/login?next=**")
        log_in_here(page, "a better one")
        page.wait_for_url("**/manage/settings")
