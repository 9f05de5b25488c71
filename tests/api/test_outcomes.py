"""What each of upstream's signals costs the account that met it: the table of outcomes, end to end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.full import only_full
from tests.gateway import Gateway, events
from tests.simulator.client import Simulator, directive, script

HOUR_S = 3600.0
A, B = "sim-basic-ok-a", "sim-basic-ok-b"


@dataclass(frozen=True)
class Costs:
    """failed: failures noted. cooling_s: of a timed cooldown, at most a few seconds less. rests: client requests."""

    status: str
    failed: int = 0
    cooling_s: float = 0.0
    rests: int = 0
    reason: str = ""


NOTHING = Costs("active")
REST = Costs("cooling", failed=1, rests=5)
CAPACITY = Costs("cooling", failed=1, cooling_s=10)
ONE_HOUR = Costs("cooling", failed=1, cooling_s=HOUR_S)
TEN_HOURS = Costs("cooling", failed=1, cooling_s=10 * HOUR_S)


def shown(gateway: Gateway, secret: str = A) -> dict[str, Any]:
    found: dict[str, Any] = next(
        one for one in gateway.get_admin("/api/tokens")["data"] if one["token"] == secret
    )
    return found


def verify(token: dict[str, Any], costs: Costs) -> None:
    assert (token["status"], token["failed_count"]) == (costs.status, costs.failed), token
    assert token["cooldown_requests"] == costs.rests, token
    if not costs.rests:
        assert costs.cooling_s - 5 <= token["cooldown_remaining"] / 1000 <= costs.cooling_s, token
    assert bool(token["last_failure_reason"]) == bool(token["last_failure_time"]) == bool(costs.failed)
    assert costs.reason in (token["last_failure_reason"] or "")
    assert token["in_flight"] == 0 and token["request_count"] == 1


TABLE = {
    "plain": NOTHING,
    # the request's own fault, or the address's: no penalty
    **dict.fromkeys(("400_bad", "403_moderated", "moderated_stream", "too_long"), NOTHING),
    **dict.fromkeys(("403_cloudflare", "403_empty", "403_antibot", "403_region", "html_200"), NOTHING),
    "error_first_7": NOTHING,
    # expired at once
    "401_invalid": Costs("expired", failed=1, reason="session_deleted"),
    "403_blocked": Costs("expired", failed=1, reason="blocked"),
    "400_domain": Costs("expired", failed=1, reason="email_domain_rejected"),
    # counted
    **dict.fromkeys(("401", "401_none", "error_first_16"), Costs("active", failed=1)),
    # quota, not known here, and capacity
    **dict.fromkeys(("429", "error_first"), ONE_HOUR),
    "usage_limit": TEN_HOURS,
    **dict.fromkeys(("429_heavy_usage", "load_shed", "concurrency_stream"), CAPACITY),
    # what is left: also an error frame or an empty body right after a 200
    **dict.fromkeys(
        (
            "500", "502_html", "503", "504", "524", "empty_200", "reset_before", "reset_headers", "malformed",
            "error_first_13", "error_string", "internal_stream", "model_response_error",
        ),
        REST,
    ),
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("signal", TABLE)
def test_a_signal_costs_what_the_table_says(gateway: Gateway, signal: str, stream: bool) -> None:
    gateway.set_accounts([A])
    gateway.chat(directive(signal, tokens=2), stream=stream).close()
    until = time.monotonic() + 5
    while shown(gateway)["in_flight"]:
        assert time.monotonic() < until
    verify(shown(gateway), TABLE[signal])


@pytest.mark.parametrize(
    ("signal", "costs"),
    [*((end, REST) for end in ("eof_mid", "cut_mid", "reset_mid", "malformed_mid")), ("error_mid", ONE_HOUR)],
)
def test_a_failure_after_the_first_content_costs_the_same_although_it_had_begun_well(
    gateway: Gateway, signal: str, costs: Costs
) -> None:
    gateway.set_accounts([A])
    found = events(gateway.chat(directive(signal, tokens=4, after=2), stream=True))
    assert "error" in found[-1]
    verify(shown(gateway), costs)


@pytest.mark.parametrize("signal", [only_full("stall_before"), "stall_headers", "stall_mid"])
def test_silence_costs_a_rest(gateway: Gateway, signal: str) -> None:
    gateway.set_accounts([A])
    gateway.set_settings(stream_first_response_timeout=1, stream_chunk_timeout=1)
    events(gateway.chat(directive(signal, tokens=4, after=2), stream=True))
    verify(shown(gateway), REST)


@pytest.mark.parametrize(("quota", "costs"), [(50, ONE_HOUR), (1, TEN_HOURS)])
def test_a_429_costs_one_hour_with_quota_left_and_ten_without(
    gateway: Gateway, quota: int, costs: Costs
) -> None:
    secret = f"sim-basic-ok-a.quota.{quota}"
    gateway.set_accounts([secret])
    gateway.admin("/api/tokens/refresh", {"tokens": [secret]})
    assert shown(gateway, secret)["remaining_queries"] == quota
    assert gateway.chat(directive("429")).status_code == 429
    verify(shown(gateway, secret), costs)


def test_upstreams_own_waiting_time_is_taken(gateway: Gateway) -> None:
    gateway.set_accounts([A])
    error = {"error": {"code": 8, "message": "Too many requests", "details": [], "waitTimeSeconds": 1200}}
    response = gateway.chat(script([["line", error]]))
    assert response.status_code == 429 and 1190 < int(response.headers["Retry-After"]) <= 1200
    verify(shown(gateway), Costs("cooling", failed=1, cooling_s=1200))


def test_a_timed_cooldown_is_shortened_by_no_test_and_no_refresh_and_lifted_by_hand(gateway: Gateway) -> None:
    gateway.set_accounts([A])
    gateway.chat(directive("429"))
    assert gateway.admin("/api/tokens/test", {"token": A, "token_type": "sso"})["valid"] is True
    gateway.admin("/api/tokens/refresh", {"tokens": [A]})
    assert shown(gateway)["cooldown_remaining"] > 3590 * 1000
    assert gateway.chat("Hello").status_code == 429
    assert gateway.admin("/api/tokens/uncool", {"tokens": [A]})["changed"] == 1
    assert gateway.chat("Hello").status_code == 200


@pytest.mark.parametrize(
    ("signal", "revived"), [("401_invalid", True), ("400_domain", True), ("403_blocked", False)]
)
def test_a_good_test_brings_an_expired_account_back_but_not_a_blocked_one(
    gateway: Gateway, signal: str, revived: bool
) -> None:
    gateway.set_accounts([A])
    gateway.chat(directive(signal))
    assert shown(gateway)["status"] == "expired"
    assert gateway.admin("/api/tokens/test", {"token": A, "token_type": "sso"})["valid"] is True
    assert shown(gateway)["status"] == ("active" if revived else "expired")
    assert gateway.chat("Hello").status_code == (200 if revived else 503)


def test_a_resting_account_sits_out_five_requests_of_the_whole_deployment(
    gateway: Gateway, simulator: Simulator
) -> None:
    """Two workers; the failing request's own failover is none of the five."""
    gateway.set_accounts([A, B])
    gateway.session.headers["Connection"] = "close"  # any worker may get it
    try:
        assert gateway.chat(directive("500", times=1, key="rest", then="plain", tokens=1)).status_code == 200
        failed, served = (chat["cookies"]["sso"] for chat in simulator.chats())
        for left in (5, 4, 3, 2, 1):
            assert shown(gateway, failed)["cooldown_requests"] == left
            assert gateway.answer("Hello")
        assert [chat["cookies"]["sso"] for chat in simulator.chats()][2:] == [served] * 5
        assert gateway.answer("Hello")
    finally:
        del gateway.session.headers["Connection"]
    assert simulator.chats()[-1]["cookies"]["sso"] == failed, "longest unused, and fit again"
    assert shown(gateway, failed)["failed_count"] == 0, "a success forgets failures"


def test_an_account_that_rests_serves_when_nothing_else_is_fit(gateway: Gateway) -> None:
    gateway.set_accounts([A])
    assert gateway.chat(directive("500", times=1, key="alone", then="plain")).status_code == 502
    assert shown(gateway)["cooldown_requests"] == 5
    assert gateway.chat("Hello").status_code == 200
    assert shown(gateway)["status"] == "active"


def test_no_number_of_429s_or_5xx_expires_an_account(gateway: Gateway) -> None:
    gateway.set_accounts([A])
    for _ in range(5):
        assert gateway.chat(directive("500")).status_code == 502
        assert gateway.chat(directive("429")).status_code == 429
        gateway.admin("/api/tokens/uncool", {"tokens": [A]})
    assert shown(gateway)["status"] == "active"
    assert gateway.chat("Hello").status_code == 200


def test_a_used_up_account_is_exhausted_until_its_window_ends(gateway: Gateway, simulator: Simulator) -> None:
    secret = "sim-basic-ok-a.quota.2.window.6"
    gateway.set_accounts([secret])
    assert gateway.chat("Hello").status_code == 200
    simulator.wait_until(lambda: shown(gateway, secret)["remaining_queries"] == 1)
    read_at = time.monotonic()
    assert [gateway.chat("Hello").status_code for _ in range(2)] == [200, 429]
    assert len(simulator.chats()) == 2, "the last call was handed out twice"
    assert shown(gateway, secret)["status"] == "exhausted"
    simulator.wait_until(lambda: gateway.chat("Hello").status_code == 200, 15)
    assert 5 < time.monotonic() - read_at < 14
