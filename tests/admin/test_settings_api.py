"""GET and POST /api/settings."""

from __future__ import annotations

import time

import requests

from tests.gateway import Gateway


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
