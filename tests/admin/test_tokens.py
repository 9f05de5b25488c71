"""Listing, changing and checking accounts over the admin API."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.admin.answers import asked, listed, refused, secrets
from tests.gateway import Gateway
from tests.simulator.client import Simulator

A, B, S = "sim-basic-ok-a", "sim-basic-ok-b", "sim-super-ok-s"


@pytest.fixture
def three(gateway: Gateway) -> Gateway:
    gateway.set_accounts([A, B], [S])
    return gateway


def test_a_new_account_shows_every_field(three: Gateway) -> None:
    token = listed(three)[2]
    assert abs(token.pop("created_time") - time.time() * 1000) < 60_000
    assert isinstance(token.pop("id"), int)
    assert token == {
        "token": S, "token_type": "ssoSuper", "remaining_queries": -1, "heavy_remaining_queries": -1,
        "status": "unused", "disabled": False, "cooldown_until": None, "cooldown_remaining": 0,
        "cooldown_requests": 0, "failed_count": 0, "last_failure_time": None, "last_failure_reason": None,
        "tags": [], "note": "", "last_used": None, "request_count": 0, "in_flight": 0,
    }  # fmt: skip


def test_pages_filters_and_order(three: Gateway) -> None:
    answer = three.get_admin("/api/tokens?page=2&page_size=2")
    assert ([token["token"] for token in answer["data"]], answer["total"]) == ([S], 3)
    assert secrets(three, "?token_type=sso&sort=-created_time") == [B, A]
    assert secrets(three, "?q=ok-b") == [B]
    assert secrets(three, f"?q={A}") == [A]
    three.admin("/api/tokens/disable", {"tokens": [B]})
    assert secrets(three, "?status=disabled") == [B]
    assert secrets(three, "?status=active") == []


def test_empty_parameters_filter_nothing_and_unknown_ones_ask_for_no_page(three: Gateway) -> None:
    assert secrets(three, "?q=&status=&token_type=&tag=&sort=&page=&page_size=") == [A, B, S]
    three.set_accounts([f"account-{number:03}" for number in range(51)])
    assert len(listed(three, "?_=1700000000")) == 51
    assert len(listed(three, "?q=")) == 50


def test_no_cache_keeps_an_answer(three: Gateway) -> None:
    for path in ("/api/tokens", "/api/tokens/export", "/api/settings"):
        answer = asked(three, "GET", path)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


@pytest.mark.parametrize(
    "query",
    [
        "page=0", "page=x", "page=99999999999999999999", "page=%D9%A1", "page_size=0", "page_size=1001",
        "status=good", "sort=luck", "sort=--last_used", "token_type=gold", "q=a%00", "tag=%0A",
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(three: Gateway, query: str) -> None:
    status, document = refused(three, "GET", f"/api/tokens?{query}")
    assert status == 400 and query.split("=")[0] in document["error"]


def test_secrets_and_ids_name_accounts(three: Gateway) -> None:
    ids = {token["token"]: token["id"] for token in listed(three)}
    done = three.admin(
        "/api/tokens/disable", {"tokens": [ids[A], str(ids[B]), f"sso={S};", "nobody-at-all", 999999]}
    )
    assert done == {"changed": 3, "not_found": 2}
    assert three.chat("Hello").status_code == 429 or three.chat("Hello").status_code == 503
    assert three.admin("/api/tokens/enable", {"tokens": [A, B, S]}) == {"changed": 3, "not_found": 0}
    assert three.chat("Hello").status_code == 200


def test_a_token_type_must_fit(three: Gateway) -> None:
    assert three.admin("/api/tokens/delete", {"tokens": [A, S], "token_type": "ssoSuper"}) == {
        "deleted": 1,
        "not_found": 1,
    }
    assert secrets(three) == [A, B]


def test_tags_and_notes(three: Gateway) -> None:
    three.admin("/api/tokens/tags", {"token": A, "token_type": "sso", "tags": [" eu ", "", "日本", "eu"]})
    three.admin("/api/tokens/tags", {"tokens": [B], "tags": ["eu"]})
    three.admin("/api/tokens/note", {"token": A, "token_type": "sso", "note": "bought ☂"})
    assert three.get_admin("/api/tokens/tags/all")["data"] == ["eu", "日本"]
    assert secrets(three, "?tag=eu") == [A, B]
    assert (listed(three)[0]["tags"], listed(three)[0]["note"]) == (["eu", "日本"], "bought ☂")


def test_a_cooldown_shows_and_is_lifted(gateway: Gateway) -> None:
    gateway.set_accounts(["sim-basic-429-a.times.1"])
    assert gateway.chat("Hello").status_code == 429
    (token,) = listed(gateway)
    assert (token["status"], token["failed_count"]) == ("cooling", 1)
    assert 3_590_000 < token["cooldown_remaining"] <= 3_600_000
    gateway.admin("/api/tokens/uncool", {"tokens": [token["id"]]})
    assert gateway.chat("Hello").status_code == 200


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ("sim-basic-ok-t.quota.20", {"valid": True, "remaining_queries": 20, "limit": 20}),
        ("sim-basic-401-t.only.all", {"valid": False, "error_type": "expired", "error_code": 401}),
        ("sim-basic-403_blocked-t.only.all", {"valid": False, "error_type": "blocked", "error_code": 403}),
        ("sim-basic-403_cloudflare-t.only.all", {"valid": False, "error_type": "blocked", "error_code": 403}),
        ("sim-basic-429-t.only.all", {"valid": False, "error_type": "limited", "error_code": 429}),
        ("sim-basic-500-t.only.all", {"valid": False, "error_type": "network", "error_code": 500}),
        ("sim-basic-reset_before-t.only.all", {"valid": False, "error_type": "network", "error_code": None}),
    ],
)
def test_a_test_tells_what_is_wrong(gateway: Gateway, secret: str, expected: dict[str, Any]) -> None:
    gateway.set_accounts([secret])
    found = gateway.admin("/api/tokens/test", {"token": secret, "token_type": "sso"})
    assert {name: found[name] for name in expected} == expected


def test_a_few_are_refreshed_at_once(gateway: Gateway) -> None:
    gateway.set_accounts(["sim-basic-ok-a.quota.20", "sim-basic-ok-b.quota.7", "sim-basic-500-c.only.all"])
    names = ["sim-basic-ok-a.quota.20", "sim-basic-500-c.only.all", "nobody-at-all"]
    done = gateway.admin("/api/tokens/refresh", {"tokens": names})
    assert done == {"refreshed": 1, "failed": 1, "not_found": 1}
    assert [token["remaining_queries"] for token in listed(gateway)] == [20, -1, -1]
    assert "count=1 failed=1" in gateway.log()


def test_many_are_not_refreshed_at_once(gateway: Gateway) -> None:
    names = [f"account-{number:03}" for number in range(101)]
    gateway.set_accounts(names)
    status, document = refused(gateway, "POST", "/api/tokens/refresh", {"tokens": names})
    assert status == 400 and "/api/tokens/refresh-all" in document["error"]


def test_an_outage_of_upstream_leaves_the_pool_alive(gateway: Gateway) -> None:
    kinds = ("500", "reset_before", "403_cloudflare", "429", "html_200")
    gateway.set_accounts([f"sim-basic-{kind}-x.only.limits" for kind in kinds])
    refresh_all(gateway)
    assert {token["status"] for token in listed(gateway)} == {"unused"}
    progress = gateway.get_admin("/api/tokens/refresh-progress")["data"]
    assert (progress["success"], progress["failed"]) == (0, 5)


def refresh_all(gateway: Gateway) -> None:
    assert gateway.admin("/api/tokens/refresh-all", {}) == {"started": True}
    until = time.monotonic() + 30
    while gateway.get_admin("/api/tokens/refresh-progress")["data"]["running"]:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_refreshing_all_reads_every_quota_and_revives_the_expired(gateway: Gateway) -> None:
    gateway.set_accounts(
        ["sim-basic-401_invalid-a.times.1", "sim-basic-ok-b.quota.7"], ["sim-super-ok-s.heavy.3"]
    )
    gateway.admin("/api/tokens/disable", {"tokens": ["sim-basic-ok-b.quota.7", "sim-super-ok-s.heavy.3"]})
    assert gateway.chat("Hello").status_code == 502
    gateway.admin("/api/tokens/enable", {"tokens": ["sim-basic-ok-b.quota.7", "sim-super-ok-s.heavy.3"]})
    assert listed(gateway)[0]["status"] == "expired"
    refresh_all(gateway)
    assert {token["status"] for token in listed(gateway)} == {"active"}
    assert [token["remaining_queries"] for token in listed(gateway)] == [80, 7, 80]
    assert [token["heavy_remaining_queries"] for token in listed(gateway)] == [-1, -1, 3]


def test_one_refresh_at_a_time(gateway: Gateway) -> None:
    gateway.set_accounts([f"sim-basic-stall_before-{n}.only.limits" for n in range(3)])
    gateway.set_settings(stream_first_response_timeout=1)
    gateway.admin("/api/tokens/refresh-all", {})
    status, document = refused(gateway, "POST", "/api/tokens/refresh-all", {})
    assert (status, document["data"]["running"], document["data"]["total"]) == (409, True, 3)
    time.sleep(2)
    assert gateway.get_admin("/api/tokens/refresh-progress")["data"]["running"] is False


def test_answers_are_followed_by_what_upstream_says_is_left(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts([A])
    for _ in range(8):
        assert gateway.chat("Hello").status_code == 200
    until = time.monotonic() + 10
    while (left := listed(gateway)[0]["remaining_queries"]) == -1:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert 72 - 8 <= left <= 72, "what is in flight while it is read counts as not in it"
    assert len(simulator.requests(path="/rest/rate-limits")) == 1, "not one for each answer"


def test_ten_thousand_are_listed_quickly(gateway: Gateway) -> None:
    gateway.set_accounts([f"account-{number:06}-of-many" for number in range(10_000)])
    began = time.monotonic()
    assert len(listed(gateway)) == 10_000
    assert time.monotonic() - began < 10
    began = time.monotonic()
    assert len(listed(gateway, "?page=40&page_size=3&q=of-many&sort=-remaining_queries")) == 3
    assert time.monotonic() - began < 2


def test_the_storage_says_what_it_is(gateway: Gateway) -> None:
    assert gateway.get_admin("/api/storage/mode")["data"] == {"mode": "FILE", "warnings": []}
