"""The settings' form, and that what is changed there acts."""

from __future__ import annotations

import time

import requests
from playwright.sync_api import expect

from tests.browser.pages import Console
from tests.gateway import SETTINGS_FRESH_S
from tests.simulator.client import directive


def test_a_change_acts_on_the_next_chat(console: Console) -> None:
    asked = directive("plain", thinking=5)
    assert "<think>" in console.gateway.answer(asked)
    console.open("settings")
    show_thinking = console.page.get_by_role("switch", name="Show the model's thinking")
    show_thinking.uncheck()
    expect(console.page.locator("#changed-count")).to_have_text("One setting changed")
    expect(console.page.locator(".setting.changed")).to_have_count(1)
    console.button("Save").click()
    console.told("The setting is saved.")
    expect(show_thinking).not_to_be_checked()
    time.sleep(SETTINGS_FRESH_S)
    try:
        assert "<think>" not in console.gateway.answer(asked)
    finally:
        console.gateway.set_settings(show_thinking=True)


def test_wrong_values_are_told_beside_their_fields_and_nothing_is_changed(console: Console) -> None:
    console.open("settings")
    page = console.page
    page.locator("#set-stream_chunk_timeout").fill("0")
    expect(page.locator("#error-stream_chunk_timeout")).to_have_text("Enter a number from 1 to 3,600.")
    page.locator("#set-account_concurrency").fill("2.5")
    expect(page.locator("#error-account_concurrency")).to_have_text("Enter a whole number.")
    console.button("Save").click()
    expect(page.locator("#set-stream_chunk_timeout")).to_be_focused()
    page.locator("#set-stream_chunk_timeout").fill("60")
    page.locator("#set-account_concurrency").fill("4")
    page.locator("#set-proxy_url").fill("nonsense")
    console.button("Save").click()
    expect(page.locator("#error-proxy_url")).to_contain_text("Enter an address such as http://host:port")
    expect(page.locator("#set-proxy_url")).to_be_focused()
    toast, bar = page.locator(".toast").bounding_box(), page.locator("#save-bar").bounding_box()
    assert toast and bar and toast["y"] + toast["height"] <= bar["y"]
    console.told("Nothing was changed: one value cannot be taken.")
    grok = console.gateway.get_admin("/api/settings")["data"]["grok"]
    assert (grok["stream_chunk_timeout"], grok["account_concurrency"], grok["proxy_url"]) == (120, 8, "")


def test_defaults_are_shown_and_put_back_and_changes_discarded(console: Console) -> None:
    console.gateway.set_settings(account_concurrency=3)
    console.open("settings")
    field = console.page.locator(".setting[data-name=account_concurrency]")
    expect(field).to_contain_text("Default: 8")
    expect(console.page.locator(".setting[data-name=temporary]")).to_contain_text("Default: on")
    field.get_by_role("button", name="Use the default").click()
    expect(field.get_by_role("textbox")).to_have_value("8")
    console.page.get_by_label("Language").select_option("中文")
    console.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(console.page.get_by_label("Language")).to_have_value("en")
    expect(field.get_by_role("textbox")).to_have_value("8")
    console.button("Discard").click()
    expect(field.get_by_role("textbox")).to_have_value("3")
    expect(console.page.locator("#save-bar")).to_be_hidden()


def test_secrets_are_never_shown_and_can_be_set_and_forgotten(console: Console) -> None:
    console.open("settings")
    field = console.page.locator("#set-cf_clearance")
    expect(field).to_have_attribute("placeholder", "Not set")
    field.fill("cf_clearance=very-secret")
    console.button("Save").click()
    console.told("The setting is saved.")
    expect(field).to_have_attribute("placeholder", "Set; type to replace it")
    assert "very-secret" not in console.page.content()
    console.button("Forget it").click()
    console.button("Save").click()
    console.told("The setting is saved.")
    expect(field).to_have_attribute("placeholder", "Not set")


def test_a_key_that_is_set_closes_the_api_but_not_the_playground(console: Console) -> None:
    console.open("settings")
    console.page.locator("#set-api_key").fill("sk-console")
    console.button("Save").click()
    console.told("The setting is saved.")
    time.sleep(SETTINGS_FRESH_S)
    try:
        assert requests.get(f"{console.gateway.url}/v1/models", timeout=10).status_code == 401
        console.open("playground")
        console.page.get_by_label("Message").fill("Hello")
        console.button("Send").click()
        expect(console.page.locator(".answer")).not_to_be_empty()
        expect(console.page.locator("#timing")).to_contain_text("First content after")
        expect(console.page.locator("#snippet")).to_contain_text("$GROK2API_KEY")
    finally:
        console.gateway.set_settings(api_key="")
