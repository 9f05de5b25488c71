"""What the client gets when accounts fail before the first content, and what it costs the accounts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.full import only_full
from tests.gateway import Gateway, events, free_port, text_of
from tests.simulator.client import Simulator, directive, script

FAILS_OVER = [
    "429", "429_exhausted", "429_heavy_usage", "401", "401_invalid", "403_cloudflare", "403_empty",
    "403_antibot", "403_blocked", "400_domain", "500", "502_html", "503", "524", "html_200", "empty_200",
    "reset_before", "reset_headers", "malformed", "error_first", "error_first_7", "error_first_16",
    "error_string", "load_shed", "usage_limit", "internal_stream", "model_response_error",
]  # fmt: skip

FINAL = [
    ("429", 429, "rate_limit_exceeded"),
    ("429_heavy_usage", 503, "upstream_overloaded"),
    ("401", 502, "upstream_failed"),
    ("403_cloudflare", 502, "upstream_challenged"),
    ("403_blocked", 502, "upstream_failed"),
    ("500", 502, "upstream_failed"),
    ("html_200", 502, "upstream_challenged"),
    ("empty_200", 502, "upstream_failed"),
    ("reset_before", 502, "upstream_failed"),
    ("malformed", 502, "upstream_failed"),
    ("load_shed", 503, "upstream_overloaded"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", FAILS_OVER)
def test_a_failing_account_is_replaced_and_the_client_never_notices(
    gateway: Gateway, simulator: Simulator, fault: str, stream: bool
) -> None:
    prompt = directive(fault, times=2, key=f"{fault}-{stream}", then="plain", tokens=2)
    response = gateway.chat(prompt, stream=stream)
    assert response.status_code == 200
    text = text_of(events(response)) if stream else response.json()["choices"][0]["message"]["content"]
    assert text == "w0 w1"
    used = [chat["cookies"]["sso"] for chat in simulator.chats()]
    assert len(used) == len(set(used)) == 3


@pytest.mark.parametrize(("fault", "status", "code"), FINAL)
@pytest.mark.parametrize("stream", [False, True])
def test_when_all_fail_the_status_is_true(
    gateway: Gateway, simulator: Simulator, fault: str, status: int, code: str, stream: bool
) -> None:
    response = gateway.chat(directive(fault), stream=stream)
    assert response.status_code == status
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == code
    assert len(simulator.chats()) == 3
    assert gateway.sql("SELECT count(*) FROM leases") == [(0,)]
    assert gateway.sql("SELECT sum(in_flight) FROM account_quotas") == [(0,)]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("400_bad", 400, "upstream_rejected"),
        ("403_moderated", 400, "content_policy_violation"),
        ("moderated_stream", 400, "content_policy_violation"),
        ("too_long", 400, "context_length_exceeded"),
    ],
)
def test_what_is_the_requests_own_fault_is_not_tried_again_and_costs_no_account(
    gateway: Gateway, simulator: Simulator, fault: str, status: int, code: str
) -> None:
    response = gateway.chat(directive(fault))
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert len(simulator.chats()) == 1
    assert gateway.sql("SELECT sum(failed_count) FROM accounts") == [(0,)]


@pytest.mark.parametrize("fault", ["stall_before", only_full("stall_headers"), "drip"])
def test_an_upstream_that_never_begins_is_a_timeout(gateway: Gateway, fault: str) -> None:
    gateway.set_settings(stream_first_response_timeout=1)
    response = gateway.chat(directive(fault))
    assert (response.status_code, response.json()["error"]["code"]) == (504, "upstream_timeout")


def test_blank_lines_alone_are_no_beginning(gateway: Gateway) -> None:
    gateway.set_accounts(["sim-basic-ok-a"])
    gateway.set_settings(stream_first_response_timeout=1)
    steps: list[list[object]] = [["bytes", "Cg=="], ["sleep", 0.3]] * 20
    began = time.monotonic()
    response = gateway.chat(script(steps))
    assert (response.status_code, response.json()["error"]["code"]) == (504, "upstream_timeout")
    assert time.monotonic() - began < 5


def test_bytes_that_never_become_a_line_are_silence(gateway: Gateway) -> None:
    gateway.set_settings(stream_chunk_timeout=1)
    frame = {"result": {"response": {"token": "Hi", "isThinking": False}}}
    drip: list[list[object]] = [["bytes", "IA=="], ["sleep", 0.3]]
    began = time.monotonic()
    found = events(gateway.chat(script([["line", frame], *(drip * 20)]), stream=True))
    assert found[-1]["error"]["code"] == "upstream_timeout"
    assert time.monotonic() - began < 5


def test_an_upstream_that_cannot_be_reached_is_no_accounts_fault(
    tmp_path: Path, simulator: Simulator
) -> None:
    with Gateway(tmp_path / "data", f"http://127.0.0.1:{free_port()}") as lost:
        lost.set_accounts(["sim-basic-ok-a", "sim-basic-ok-b"])
        response = lost.chat("Hello")
        assert (response.status_code, response.json()["error"]["code"]) == (502, "upstream_unreachable")
        assert lost.sql("SELECT sum(failed_count) FROM accounts") == [(0,)]


def test_an_upstream_that_falls_silent_ends_the_stream_with_a_timeout(gateway: Gateway) -> None:
    gateway.set_settings(stream_chunk_timeout=1)
    found = events(gateway.chat(directive("stall_mid", tokens=2), stream=True))
    assert text_of(found) == "w0 w1"
    assert found[-1]["error"]["code"] == "upstream_timeout"


def test_an_upstream_that_takes_too_long_in_all_is_cut_although_it_keeps_sending(gateway: Gateway) -> None:
    gateway.set_settings(stream_total_timeout=2)
    found = events(gateway.chat(directive("plain", tokens=600, delay=0.05), stream=True))
    assert found[-1]["error"]["code"] == "upstream_timeout"
    assert text_of(found).startswith("w0 w1 w2")


def test_a_lone_account_is_tried_once(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts(["sim-basic-500-lone"])
    assert gateway.chat("Hello").status_code == 502
    assert len(simulator.chats()) == 1


def test_without_accounts_the_answer_is_503_and_says_how_to_add_some(gateway: Gateway) -> None:
    gateway.set_accounts()
    response = gateway.chat("Hello", stream=True)
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "no_account"
    assert "flask accounts add" in response.json()["error"]["message"]
    assert response.headers["x-should-retry"] == "false"


def test_a_model_for_super_accounts_is_503_when_there_are_only_basic_ones(gateway: Gateway) -> None:
    response = gateway.chat("Hello", model="grok-4-heavy")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "no_account")


def test_when_every_account_cools_down_the_answer_is_429_with_the_time_of_the_first_return(
    gateway: Gateway,
) -> None:
    gateway.set_accounts(["sim-basic-429-a", "sim-basic-429-b"])
    for _ in range(2):
        response = gateway.chat("Hello")
        assert response.status_code == 429
        assert 3500 < int(response.headers["Retry-After"]) <= 3600
    assert "2 cooling down" in response.json()["error"]["message"]


def test_super_accounts_are_kept_for_what_needs_them(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts(["sim-basic-ok-a"], ["sim-super-ok-b"])
    for model in ("grok-4.1", "grok-4-heavy", "grok-4.1"):
        assert gateway.chat("Hello", model=model).status_code == 200
    used = [chat["cookies"]["sso"] for chat in simulator.chats()]
    assert used == ["sim-basic-ok-a", "sim-super-ok-b", "sim-basic-ok-a"]


def test_three_refusals_in_a_row_expire_an_account(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts(["sim-basic-401-a"])
    statuses = [gateway.chat("Hello").status_code for _ in range(4)]
    assert statuses == [502, 502, 502, 503]
    assert len(simulator.chats()) == 3


def test_a_success_forgets_failures(gateway: Gateway) -> None:
    gateway.set_accounts(["sim-basic-500-a.times.2"])
    for _ in range(2):
        assert gateway.chat("Hello").status_code == 502
    assert gateway.sql("SELECT failed_count FROM accounts") == [(2,)]
    assert gateway.chat("Hello").status_code == 200
    assert gateway.sql("SELECT failed_count FROM accounts") == [(0,)]


def test_all_attempts_share_the_time_in_all(gateway: Gateway, simulator: Simulator) -> None:
    """With little time left no further account is tried, which could only be harmed by it."""
    gateway.set_settings(stream_total_timeout=6)
    began = time.monotonic()
    refused = gateway.chat(directive("500", pre_delay=1.5))
    assert refused.status_code == 502, refused.text
    assert time.monotonic() - began < 5
    assert len(simulator.chats()) == 1


def test_an_answer_ends_when_its_time_in_all_is_over(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_settings(stream_total_timeout=2)
    began = time.monotonic()
    refused = gateway.chat(directive("plain", tokens=100, delay=0.1))
    assert refused.status_code == 504, refused.text
    assert time.monotonic() - began < 5
