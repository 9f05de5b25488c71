"""The pages of client keys and of the last requests."""

from __future__ import annotations

import re
import time

import requests
from playwright.sync_api import expect

from tests.browser.accessibility import violations
from tests.browser.pages import Console
from tests.gateway import SETTINGS_FRESH_S
from tests.simulator.client import directive


def test_a_key_is_made_copied_used_limited_and_taken_back(console: Console) -> None:
    console.open("keys")
    page = console.page
    console.button("New key").click()
    assert violations(page) == []
    page.get_by_label("Name").fill("phone app")
    page.get_by_label("grok-4.1", exact=True).check()
    console.button("Save").click()
    expect(page.locator("#made-key")).not_to_be_empty()
    key = page.locator("#made-key").inner_text()
    assert violations(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Copy").click()
    assert page.evaluate("navigator.clipboard.readText()") == key
    console.told("Copied.")
    for _ in range(5):  # it is shown only once
        page.keyboard.press("Escape")
    expect(page.locator("#made-key")).to_have_text(key)
    console.button("I have copied it").click()
    time.sleep(SETTINGS_FRESH_S)
    try:
        assert status(console, key) == 200
        row = page.locator("#keys tr").first
        expect(row).to_contain_text("phone app")
        assert key not in page.content()
        row.get_by_role("button", name="Edit …").click()
        page.get_by_label("Requests per day").fill("1")
        console.button("Save").click()
        console.told("phone app is saved.")
        expect(row).to_contain_text("1 per day")
        time.sleep(SETTINGS_FRESH_S)
        assert [status(console, key), status(console, key)] == [200, 429]
        disable = row.get_by_role("button", name="Disable")
        page.set_viewport_size({"width": 1024, "height": 800})
        assert page.locator(".scroll").evaluate("it => it.scrollWidth <= it.clientWidth")
        disable.focus()
        page.keyboard.press("Enter")
        expect(row.get_by_role("button", name="Enable")).to_be_focused()
        console.told("phone app is disabled")
        expect(row).to_contain_text("Disabled")
        console.button("New key").click()
        page.get_by_label("Name").fill("phone app")
        console.button("Save").click()
        expect(page.locator("#key-dialog .problem")).to_have_text("Another key has this name already.")
        page.keyboard.press("Escape")
        row.get_by_role("button", name="Edit …").click()
        page.get_by_label("Expires").fill("2020-01-01T00:00")
        console.button("Save").click()
        expect(page.locator("#key-dialog .problem")).to_contain_text("That time is over already.")
        page.keyboard.press("Escape")
    finally:
        page.locator("#keys tr").first.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    console.told("phone app is deleted.")
    expect(page.locator("#empty")).to_be_visible()
    time.sleep(SETTINGS_FRESH_S)


def status(console: Console, key: str) -> int:
    body = {"model": "grok-4.1", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"Authorization": f"Bearer {key}"}
    answer = requests.post(
        f"{console.gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=30
    )
    return answer.status_code


def test_one_click_tells_why_a_request_was_not_served(console: Console) -> None:
    gateway = console.gateway
    gateway.set_accounts(["sim-basic-429-why1", "sim-basic-429-why2"])
    gateway.chat("Hello")
    refused = gateway.chat("Hello").headers["X-Request-ID"]
    console.open("logs")
    page = console.page
    page.get_by_role("searchbox").fill(refused)
    row = page.locator("#requests tr")
    expect(row).to_have_count(1, timeout=15_000)
    expect(page.locator("#count")).to_have_text("one request matches")
    expect(row).to_contain_text("rate_limit_exceeded")
    dialog = page.get_by_role("dialog")
    explain = row.get_by_role("button", name="Explain")
    explain.focus()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.evaluate("document.querySelector('#requests').replaceChildren()")  # as when others push it out
    page.keyboard.press("Escape")
    expect(page.locator("main .scroll:focus, main .scroll :focus")).to_have_count(1)
    explain.click()
    expect(dialog).to_contain_text("2 cooling down")
    assert violations(page) == []
    expect(dialog).to_contain_text(re.compile("The first one returns in (60 minutes|1 hour)"))
    dialog.get_by_role("button", name="Close").click()
    page.get_by_role("searchbox").fill("")
    expect(page.locator("#count")).to_contain_text("the last 1,000 are kept")
    page.get_by_label("Outcome").select_option("Failed")
    page.set_viewport_size({"width": 1024, "height": 900})
    assert page.locator(".scroll").evaluate("it => it.scrollWidth <= it.clientWidth")
    page.locator("#requests tr").nth(1).locator("td").first.click()
    expect(dialog.locator("#attempts li")).to_have_count(2)
    expect(dialog.locator("#attempts")).to_contain_text("Grok's rate limit was reached.")
    page.keyboard.press("Escape")
    page.get_by_label("Outcome").select_option("Client left")
    expect(page.locator("#empty")).to_have_text("No request matches these filters.")
    page.go_back()
    expect(page.get_by_label("Outcome")).to_have_value("failed")
    page.go_back()
    expect(page.get_by_label("Outcome")).to_have_value("")
    expect(page.locator("#count")).to_contain_text("the last 1,000 are kept")


def test_the_list_is_cleared_after_asking(console: Console) -> None:
    console.gateway.chat(directive("plain"))
    console.open("logs")
    expect(console.page.locator("#requests tr").first).to_be_visible(timeout=15_000)
    console.button("Clear").click()
    console.page.get_by_role("dialog").get_by_role("button", name="Clear").click()
    console.told("forgotten")
    expect(console.page.locator("#empty")).to_be_visible()
