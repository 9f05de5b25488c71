"""GET /api/audit: what operators did, and no secret."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from tests.admin.answers import asked, refused
from tests.admin.browser import Browser
from tests.gateway import Gateway

FIRST, SECOND, THIRD = "sim-basic-ok-first", "sim-basic-500-second.only.all", "sim-super-ok-third"
NOTE = "bought from a friend"


@pytest.fixture
def clean(gateway: Gateway) -> Gateway:
    """Nothing has been done yet but for the accounts: ids 1 to 3 by their secrets."""
    gateway.set_accounts([FIRST, SECOND], [THIRD])
    gateway.sql("DELETE FROM audit")
    return gateway


def entries(gateway: Gateway, query: str = "") -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = gateway.get_admin(f"/api/audit{query}")["data"]
    return data


def ids(gateway: Gateway, *secrets: str) -> list[str]:
    known = {account["token"]: str(account["id"]) for account in gateway.get_admin("/api/tokens")["data"]}
    return [known[secret] for secret in secrets]


def test_each_action_is_there_with_who_from_where_and_how_many(clean: Gateway) -> None:
    first, second, third = ids(clean, FIRST, SECOND, THIRD)
    both: dict[str, Any] = {"tokens": [FIRST, THIRD]}
    of_both: dict[str, Any] = {"accounts": [first, third], "count": 2}
    actions: list[tuple[str, Any, str, dict[str, Any]]] = [
        ("tokens/tags", {**both, "tags": [" eu ", "spare"]}, "tokens_tags", {**of_both, "tags": ["eu", "spare"]}),
        ("tokens/tags", {**both, "tags": ["x"], "mode": "add"}, "tokens_tags_add", {**of_both, "tags": ["x"]}),
        ("tokens/tags", {**both, "tags": ["x"], "mode": "remove"}, "tokens_tags_remove", {**of_both, "tags": ["x"]}),
        ("tokens/note", {**both, "note": NOTE}, "tokens_note", of_both),
        ("tokens/uncool", both, "tokens_uncool", of_both),
        ("tokens/disable", both, "tokens_disable", of_both),
        ("tokens/enable", both, "tokens_enable", of_both),
        ("tokens/test", {"token": FIRST}, "tokens_test", {"accounts": [first], "result": "valid"}),
        ("tokens/test", {"token": SECOND}, "tokens_test", {"accounts": [second], "result": "network"}),
        (
            "tokens/refresh", {"tokens": [FIRST, SECOND]}, "tokens_refresh",
            {"accounts": [first, second], "count": 1, "failed": 1},
        ),
        (
            "tokens/add", {"tokens": [FIRST, "sim-basic-ok-new\n?", THIRD], "token_type": "sso"}, "tokens_add",
            {"token_type": "sso", "added": 1, "duplicates": 1, "moved": 1, "invalid": 1},
        ),
        ("tokens/delete", {"tokens": [FIRST, "nobody-at-all"]}, "tokens_delete", {"accounts": [first], "count": 1}),
        (
            "settings", {"global_config": {"image_mode": "url"}, "grok_config": {"api_key": "", "cf_clearance": ""}},
            "settings", {"settings": ["api_key", "cf_clearance", "image_mode"]},
        ),
        ("cache/clear/videos", {}, "cache_clear", {"kinds": ["video"], "count": 0}),
        ("cache/clear", {}, "cache_clear", {"kinds": ["image", "video"], "count": 0}),
        ("tokens/refresh-all", {}, "tokens_refresh_all", {}),
    ]  # fmt: skip
    for path, body, action, detail in actions:
        before = time.time() * 1000
        clean.admin(f"/api/{path}", body)
        newest = entries(clean)[0]
        assert before - 1 <= newest.pop("time") <= time.time() * 1000 + 1
        expected = {"username": "admin", "address": "127.0.0.1", "action": action, "detail": detail}
        assert newest == expected
    assert asked(clean, "GET", "/api/tokens/export?format=lines").status_code == 200
    assert (entries(clean)[0]["action"], entries(clean)[0]["detail"]) == ("tokens_export", {"form": "lines"})
    assert [one["action"] for one in reversed(entries(clean))] == [
        *(action for _, _, action, _ in actions),
        "tokens_export",
    ]
    while clean.get_admin("/api/tokens/refresh-progress")["data"]["running"]:
        time.sleep(0.05)


def test_what_only_looks_and_what_is_refused_is_no_action(clean: Gateway) -> None:
    for path in (
        "tokens",
        "tokens/ids",
        "settings",
        "stats",
        "audit",
        "cache/size",
        "cache/media",
        "storage/mode",
    ):
        clean.get_admin(f"/api/{path}")
    clean.admin("/api/tokens/add", {"tokens": ["sim-basic-ok-x"], "token_type": "sso", "preview": True})
    clean.admin("/api/settings", {})
    for path, body in (
        ("tokens/add", {"tokens": "x", "token_type": "sso"}),
        ("settings", {"global_config": {"log_level": "LOUD"}}),
        ("tokens/test", {"token": "nobody-at-all"}),
    ):
        refused(clean, "POST", f"/api/{path}", body)
    assert entries(clean) == []


def test_logins_are_there_and_failed_ones_without_the_name_that_was_given(clean: Gateway) -> None:
    browser = Browser(clean.url)
    assert browser.log_in("a wrong password", "my password by mistake").status_code == 401
    assert browser.log_in().status_code == 200
    assert browser.post("/api/logout").status_code == 200
    found = entries(clean)
    assert [(one["username"], one["action"], one["detail"]) for one in found] == [
        ("admin", "logout", {}),
        ("admin", "login", {}),
        ("", "login_failed", {}),
    ]
    assert {one["address"] for one in found} == {"127.0.0.1"}
    told = asked(clean, "GET", "/api/audit").text + "".join(map(str, clean.sql("SELECT * FROM audit")))
    assert "mistake" not in told and "wrong password" not in told
    assert "my password by mistake" not in clean.log() and "a wrong password" not in clean.log()


def test_no_secret_is_anywhere_in_it(clean: Gateway) -> None:
    secrets = [
        FIRST,
        SECOND,
        THIRD,
        NOTE,
        "sk-secret-key",
        "clearance-secret",
        "new-password-1",
        "http://u:proxy-pass@h:1",
    ]
    clean.admin("/api/tokens/note", {"tokens": [FIRST], "note": NOTE})
    clean.admin("/api/tokens/add", {"tokens": [f"sso={FIRST}", SECOND, "???"], "token_type": "ssoSuper"})
    for path in ("test", "disable", "enable", "uncool"):
        clean.admin(f"/api/tokens/{path}", {"token": THIRD})
    clean.admin("/api/tokens/refresh", {"tokens": [FIRST, SECOND]})
    clean.admin("/api/tokens/delete", {"tokens": [SECOND]})
    at = len(clean.log())
    clean.set_settings(api_key=secrets[4], cf_clearance=secrets[5], proxy_url=secrets[7])
    refused(clean, "POST", "/api/password", {"old": "admin", "new": "admin"})
    refused(clean, "POST", "/api/password", {"old": "new-password-1", "new": "new-password-1"})
    stored = "".join(map(str, clean.sql("SELECT * FROM audit")))
    shown = asked(clean, "GET", "/api/audit?page_size=1000").text
    for secret in secrets:
        assert secret not in stored and secret not in shown and secret not in clean.log()[at:], secret


def test_pages_are_the_newest_first_and_together_all(clean: Gateway) -> None:
    for n in range(7):
        clean.admin("/api/tokens/tags", {"tokens": [FIRST], "tags": [f"tag{n}"]})
    whole = clean.get_admin("/api/audit")
    assert whole["total"] == 7
    assert [one["detail"]["tags"] for one in whole["data"]] == [[f"tag{n}"] for n in reversed(range(7))]
    pages = [clean.get_admin(f"/api/audit?page={page}&page_size=3") for page in (1, 2, 3, 4)]
    assert [len(page["data"]) for page in pages] == [3, 3, 1, 0]
    assert [one for page in pages for one in page["data"]] == whole["data"]
    assert {page["total"] for page in pages} == {7}


@pytest.mark.parametrize(
    "query", ["page=0", "page=x", "page_size=0", "page_size=1001", "page=-1", "page=1e3"]
)
def test_a_wrong_page_is_named(clean: Gateway, query: str) -> None:
    status, document = refused(clean, "GET", f"/api/audit?{query}")
    assert status == 400 and query.split("=")[0] in document["error"]


def test_an_entry_stays_small_whatever_was_done(clean: Gateway) -> None:
    """4 KiB are promised to the storages."""
    many = [f"account-{n:03}-of-many" for n in range(500)]
    clean.admin("/api/tokens/add", {"tokens": many, "token_type": "sso"})
    tags = [f"{n:02}" + "\N{TOMATO}" * 62 for n in range(32)]
    clean.admin("/api/tokens/tags", {"tokens": many, "tags": tags})
    newest = entries(clean)[0]
    assert newest["detail"]["count"] == 500
    assert len(newest["detail"]["accounts"]) >= 10 and newest["detail"]["tags"]
    assert len(orjson.dumps(newest["detail"])) <= 4096


def test_a_long_name_can_be_the_operators(clean: Gateway) -> None:
    """255 characters are promised to the storages."""
    answer = asked(clean, "POST", "/api/settings", {"global_config": {"admin_username": "n" * 256}})
    try:
        assert answer.status_code == 400 and set(answer.json()["fields"]) == {"admin_username"}
        clean.admin("/api/settings", {"global_config": {"admin_username": "n" * 255}})
        browser = Browser(clean.url)
        assert browser.log_in(username="n" * 255).status_code == 200
        assert entries(clean)[0]["username"] == "n" * 255
    finally:
        clean.admin("/api/settings", {"global_config": {"admin_username": "admin"}})
        time.sleep(1)
