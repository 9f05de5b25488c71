"""GET and POST /api/settings."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import requests

from tests.admin.answers import asked, refused
from tests.admin.browser import Browser
from tests.gateway import SETTINGS_FRESH_S, Gateway
from tests.simulator.client import Simulator


def _get(gateway: Gateway) -> dict[str, dict[str, object]]:
    gateway.admin("/api/settings", {})
    answer = requests.get(
        f"{gateway.url}/api/settings", headers={"Authorization": f"Bearer {gateway.token}"}, timeout=10
    )
    data: dict[str, dict[str, object]] = answer.json()["data"]
    return data


def test_secrets_are_never_shown_only_whether_they_are_set(gateway: Gateway) -> None:
    gateway.set_settings(cf_clearance="secret-clearance")
    data = _get(gateway)
    assert (data["grok"]["cf_clearance"], data["grok"]["cf_clearance_set"]) == ("", True)
    assert (data["global"]["admin_password"], data["global"]["admin_password_set"]) == ("", True)
    assert data["grok"]["stream_chunk_timeout"] == 120


def test_wrong_values_are_named_and_nothing_is_changed(gateway: Gateway) -> None:
    before = _get(gateway)
    body = {
        "global_config": {"log_level": "LOUD", "api_key": "misplaced"},
        "grok_config": {"stream_chunk_timeout": 0, "show_thinking": False, "nonsense": 1},
    }
    answer = gateway.post("/api/settings", body, Authorization=f"Bearer {gateway.token}")
    assert answer.status_code == 400
    assert set(answer.json()["fields"]) == {"log_level", "api_key", "stream_chunk_timeout", "nonsense"}
    assert _get(gateway) == before


def test_a_change_acts_on_every_worker_within_a_second(gateway: Gateway) -> None:
    gateway.admin("/api/settings", {"grok_config": {"api_key": "sk-fresh"}})
    time.sleep(1.0)
    try:
        statuses = {
            requests.get(f"{gateway.url}/v1/models", timeout=10, headers={"Connection": "close"}).status_code
            for _ in range(20)
        }
    finally:
        gateway.admin("/api/settings", {"grok_config": {"api_key": ""}})
        time.sleep(1.0)
    assert statuses == {401}


def test_a_document_of_get_can_be_posted_back(gateway: Gateway) -> None:
    gateway.set_settings(cf_clearance="secret-clearance")
    before = _get(gateway)
    gateway.admin("/api/settings", {"global_config": before["global"], "grok_config": before["grok"]})
    time.sleep(SETTINGS_FRESH_S)
    assert _get(gateway) == before
    gateway.admin("/api/settings", {"grok_config": {"cf_clearance": ""}})
    time.sleep(SETTINGS_FRESH_S)
    assert _get(gateway)["grok"]["cf_clearance_set"] is False


@pytest.mark.parametrize(
    "body",
    [
        {"global_config": {"admin_password": "admin", "log_level": "DEBUG"}},
        {"global_config": {"admin_password": "a-new-one", "log_level": "LOUD"}},
        {"grok_config": {"admin_password_set": True, "show_thinking": False}},
    ],
)
def test_what_is_refused_changes_neither_the_password_nor_the_rest(
    gateway: Gateway, body: dict[str, object]
) -> None:
    before = _get(gateway)
    assert refused(gateway, "POST", "/api/settings", body)[0] == 400
    assert _get(gateway) == before
    assert gateway.post("/api/login", {"username": "admin", "password": "admin"}).ok


def test_a_password_is_stored_together_with_the_rest_and_ends_every_session(
    tmp_path: Path, simulator: Simulator
) -> None:
    with Gateway(tmp_path / "data", simulator.url) as own:
        before = _version(own)
        own.admin("/api/settings", {"global_config": {"admin_password": "a-new-one", "log_level": "DEBUG"}})
        assert _version(own) == before + 1
        assert asked(own, "GET", "/api/settings").status_code == 401
        [(stored,)] = own.sql("SELECT value FROM settings WHERE name='admin_password'")
        assert "a-new-one" not in stored
        own.token = own.post("/api/login", {"username": "admin", "password": "a-new-one"}).json()["token"]
        time.sleep(SETTINGS_FRESH_S)
        assert _get(own)["global"]["log_level"] == "DEBUG"
        noted = [one["detail"] for one in own.get_admin("/api/audit")["data"] if one["action"] == "settings"]
        assert {"settings": ["admin_password", "log_level"]} in noted


def test_who_has_saved_sees_it_at_once_whatever_worker_answers(gateway: Gateway) -> None:
    browser = Browser(gateway.url)
    browser.log_in()
    for n in range(20):
        changed = {"grok_config": {"account_concurrency": 100 + n}}
        assert browser.post("/api/settings", changed).status_code == 200
        shown = [browser.get("/api/settings").json()["data"]["grok"] for _ in range(3)]
        assert {one["account_concurrency"] for one in shown} == {100 + n}
        assert f'data-value="{100 + n}"' in browser.get("/manage/settings").text


def _version(gateway: Gateway) -> int:
    rows = gateway.sql("SELECT value FROM counters WHERE name='settings_version'")
    return int(rows[0][0]) if rows else 0
