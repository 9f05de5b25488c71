"""Named keys of clients: /api/keys, and what they open."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.admin.answers import refused
from tests.gateway import SETTINGS_FRESH_S, Gateway
from tests.simulator.client import Simulator

MESSAGES = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def keyed(gateway: Gateway) -> Iterator[Gateway]:
    """No keys before and after."""
    forget(gateway)
    yield gateway
    forget(gateway)


def forget(gateway: Gateway) -> None:
    if ids := [key["id"] for key in gateway.get_admin("/api/keys")["data"]]:
        gateway.admin("/api/keys/delete", {"ids": ids})
        time.sleep(SETTINGS_FRESH_S)


def made(gateway: Gateway, name: str = "app", **fields: Any) -> dict[str, Any]:
    """A new key that holds on every worker."""
    key: dict[str, Any] = gateway.admin("/api/keys/add", {"name": name, **fields})
    time.sleep(SETTINGS_FRESH_S)
    return key


def changed(gateway: Gateway, path: str, body: Any) -> None:
    gateway.admin(path, body)
    time.sleep(SETTINGS_FRESH_S)


def asked(gateway: Gateway, key: str = "", model: str = "grok-4.1") -> requests.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = {"model": model, "messages": MESSAGES}
    url = f"{gateway.url}/v1/chat/completions"
    return requests.post(url, json=body, headers=headers | {"Connection": "close"}, timeout=30)


def listed(gateway: Gateway) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = gateway.get_admin("/api/keys")["data"]
    return data


def test_a_key_is_shown_once_and_opens(keyed: Gateway) -> None:
    assert asked(keyed).status_code == 200
    key = made(keyed, "my app")
    assert key["key"].startswith("sk-") and len(key["key"]) > 43
    assert asked(keyed).status_code == 401  # from now on one is needed
    assert asked(keyed, "sk-wrong").status_code == 401
    assert asked(keyed, key["key"]).status_code == 200
    (row,) = listed(keyed)
    assert "key" not in row and row["name"] == "my app" and row["hint"] and row["enabled"]
    assert key["key"] not in str(row) and row["hint"].partition("…")[0] in key["key"]


def test_the_key_itself_is_stored_nowhere(keyed: Gateway) -> None:
    text = made(keyed)["key"].encode()
    asked(keyed, text.decode())
    folder: Path = keyed.data_dir
    assert all(text not in path.read_bytes() for path in folder.rglob("grok2api.db*"))
    assert text.decode() not in keyed.log()


def test_use_is_counted(keyed: Gateway) -> None:
    key, limited = made(keyed), made(keyed, "limited", per_day=100)
    for _ in range(3):
        asked(keyed, key["key"])
        asked(keyed, limited["key"])
    until = time.monotonic() + 10
    while [row["request_count"] for row in listed(keyed)] != [3, 3] and time.monotonic() < until:
        time.sleep(0.2)
    for row in listed(keyed):
        assert row["request_count"] == 3 and abs(row["last_used"] / 1000 - time.time()) < 30


def test_a_disabled_an_expired_and_a_deleted_key_open_no_more(keyed: Gateway) -> None:
    key = made(keyed)
    changed(keyed, "/api/keys/status", {"ids": [key["id"]], "enabled": False})
    answer = asked(keyed, key["key"])
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, "This key is disabled.")
    assert asked(keyed).status_code == 401  # a disabled key is one all the same
    changed(keyed, "/api/keys/status", {"ids": [key["id"]], "enabled": True})
    assert asked(keyed, key["key"]).status_code == 200
    soon = round((time.time() + 0.5) * 1000)
    changed(keyed, "/api/keys", {"id": key["id"], "expires_time": soon})
    answer = asked(keyed, key["key"])
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, "This key has expired.")
    edited = {"id": key["id"], "name": "old", "expires_time": soon}
    keyed.admin("/api/keys", edited)  # what was over stays so
    status, document = refused(keyed, "POST", "/api/keys", edited | {"expires_time": soon - 60_000})
    assert (status, document["code"]) == (400, "expiry_over")
    changed(keyed, "/api/keys", {"id": key["id"], "expires_time": None})
    assert asked(keyed, key["key"]).status_code == 200
    other = made(keyed, "other")
    changed(keyed, "/api/keys/delete", {"ids": [key["id"]]})
    assert asked(keyed, key["key"]).status_code == 401
    assert asked(keyed, other["key"]).status_code == 200


def test_a_key_may_be_for_some_models_only(keyed: Gateway) -> None:
    key = made(keyed, models=["grok-3-fast", "dall-e-3"])
    assert listed(keyed)[0]["models"] == ["grok-3-fast", "grok-imagine-0.9"]
    answer = asked(keyed, key["key"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "model_not_allowed")
    assert asked(keyed, key["key"], "grok-3-fast").status_code == 200
    bearer = {"Authorization": f"Bearer {key['key']}"}
    models = requests.get(f"{keyed.url}/v1/models", headers=bearer, timeout=10).json()["data"]
    names = {"grok-3-fast", "grok-imagine-0.9", "dall-e-3", "gpt-image-1"}
    assert {model["id"] for model in models} == names
    assert requests.get(f"{keyed.url}/v1/models/grok-4.1", headers=bearer, timeout=10).status_code == 403
    drawn = {"model": "grok-4.1", "prompt": "a cat"}
    answer = requests.post(f"{keyed.url}/v1/images/generations", json=drawn, headers=bearer, timeout=30)
    assert answer.status_code == 403


def test_limits_hold_over_all_workers(keyed: Gateway) -> None:
    key = made(keyed, per_minute=10)
    if time.time() % 60 > 50:
        time.sleep(60 - time.time() % 60)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: asked(keyed, key["key"]), range(30)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(200), statuses.count(429)) == (10, 20)
    late = next(answer for answer in answers if answer.status_code == 429)
    assert late.json()["error"]["code"] == "key_limit_reached"
    assert 1 <= int(late.headers["Retry-After"]) <= 60
    assert requests.get(
        f"{keyed.url}/v1/models", headers={"Authorization": f"Bearer {key['key']}"}, timeout=10
    ).ok  # asking what there is costs nothing
    changed(keyed, "/api/keys", {"id": key["id"], "per_minute": 0, "per_day": 5})
    assert asked(keyed, key["key"]).status_code == 429


def test_the_key_of_the_settings_opens_beside_them(keyed: Gateway) -> None:
    made(keyed)
    keyed.set_settings(api_key="sk-of-the-settings")
    assert asked(keyed, "sk-of-the-settings").status_code == 200


def test_responses_are_each_keys_own(keyed: Gateway) -> None:
    one, other = made(keyed, "one")["key"], made(keyed, "other")["key"]
    url = f"{keyed.url}/v1/responses"
    body = {"model": "grok-4.1", "input": "Hello"}
    answer = requests.post(url, json=body, headers={"Authorization": f"Bearer {one}"}, timeout=30)
    at = f"{url}/{answer.json()['id']}"
    assert requests.get(at, headers={"Authorization": f"Bearer {one}"}, timeout=10).status_code == 200
    assert requests.get(at, headers={"Authorization": f"Bearer {other}"}, timeout=10).status_code == 404


def test_a_key_is_renamed(keyed: Gateway) -> None:
    key = made(keyed)
    keyed.admin("/api/keys/name", {"id": key["id"], "name": "  新名字 "})
    assert listed(keyed)[0]["name"] == "新名字"


def test_no_two_keys_have_one_name(keyed: Gateway) -> None:
    one, other = made(keyed, "one"), made(keyed, "other")
    for path, body in (
        ("/api/keys/add", {"name": " one "}),
        ("/api/keys", {"id": other["id"], "name": "one"}),
        ("/api/keys/name", {"id": other["id"], "name": "one"}),
        ("/api/keys/name", {"id": other["id"], "name": "API_KEY"}),
    ):
        status, document = refused(keyed, "POST", path, body)
        assert status == 400 and document["error"].startswith("name")
        assert document["code"] == ("name_reserved" if body["name"] == "API_KEY" else "name_taken")
    keyed.admin("/api/keys", {"id": one["id"], "name": "one", "per_day": 7})
    assert [(row["name"], row["per_day"]) for row in listed(keyed)] == [("one", 7), ("other", 0)]


def test_more_models_than_a_key_can_name_are_refused(tmp_path: Path, simulator: Simulator) -> None:
    names = [f"model-{number:03}-{'x' * 80}" for number in range(60)]
    data = tmp_path / "data"
    data.mkdir()
    tables = "".join(f'[models."{name}"]\nmode_id = "fast"\n' for name in names)
    (data / "models.toml").write_text(tables)
    with Gateway(data, simulator.url, workers=1) as own:
        own.admin("/api/keys/add", {"name": "some", "models": names[:40]})
        status, document = refused(own, "POST", "/api/keys/add", {"name": "many", "models": names})
    assert status == 400 and document["error"].startswith("models")


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/api/keys/add", {}, "name"),
        ("/api/keys/add", {"name": " "}, "name"),
        ("/api/keys/add", {"name": "x" * 101}, "name"),
        ("/api/keys/add", {"name": "two\nlines"}, "name"),
        ("/api/keys/add", {"name": "api_key"}, "name"),
        ("/api/keys/add", {"name": " Console "}, "name"),
        ("/api/keys/add", {"name": "x", "per_minute": -1}, "per_minute"),
        ("/api/keys/add", {"name": "x", "per_minute": 1.5}, "per_minute"),
        ("/api/keys/add", {"name": "x", "per_day": True}, "per_day"),
        ("/api/keys/add", {"name": "x", "per_day": 10**10}, "per_day"),
        ("/api/keys/add", {"name": "x", "expires_time": "tomorrow"}, "expires_time"),
        ("/api/keys/add", {"name": "x", "expires_time": -5}, "expires_time"),
        ("/api/keys/add", {"name": "x", "expires_time": 1_700_000_000_000}, "expires_time"),
        ("/api/keys/add", {"name": "x", "models": ["gpt-9"]}, "models"),
        ("/api/keys/add", {"name": "x", "models": "grok-4.1"}, "models"),
        ("/api/keys", {"name": "x"}, "id"),
        ("/api/keys", {"id": "1"}, "id"),
        ("/api/keys", {"id": 2**40}, "id"),
        ("/api/keys/status", {"ids": [1]}, "enabled"),
        ("/api/keys/status", {"enabled": True}, "ids"),
        ("/api/keys/delete", {"ids": "all"}, "ids"),
        ("/api/keys/delete", {"ids": [None]}, "id"),
    ],
)
def test_wrong_input_is_named(keyed: Gateway, path: str, body: Any, param: str) -> None:
    status, document = refused(keyed, "POST", path, body)
    assert status == 400 and document["error"].startswith(param)
    assert listed(keyed) == []


def test_a_key_that_is_not_there_is_404(keyed: Gateway) -> None:
    for path, body in (("/api/keys", {"id": 999}), ("/api/keys/name", {"id": 999, "name": "x"})):
        assert refused(keyed, "POST", path, body)[0] == 404
    assert keyed.admin("/api/keys/delete", {"ids": [999]}) == {"deleted": 0}
