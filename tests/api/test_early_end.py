"""`stop` and `max_tokens` over real processes: the answer ends, and so does upstream's."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.gateway import Gateway, events, text_of
from tests.simulator.client import Simulator, directive
from tests.simulator.directives import pack


def choice_of(gateway: Gateway, prompt: str, **more: Any) -> tuple[str, str]:
    choice = gateway.chat(prompt, **more).json()["choices"][0]
    return choice["message"]["content"], choice["finish_reason"]


@pytest.mark.parametrize("stop", ["w2", ["zzz", "w2", "w5"], " w2"])
def test_an_answer_stops_before_a_stop_sequence(gateway: Gateway, stop: object) -> None:
    text, reason = choice_of(gateway, directive("plain", tokens=9), stop=stop)
    assert (text.rstrip(), reason) == ("w0 w1", "stop")


def test_a_stop_sequence_may_be_split_over_tokens(gateway: Gateway) -> None:
    prompt = directive("plain", tokens64=pack(["one ", "t", "w", "o", " three"]))
    found = events(gateway.chat(prompt, stream=True, stop="two"))
    assert text_of(found) == "one " and found[-1] == "[DONE]"
    assert found[-2]["choices"][0]["finish_reason"] == "stop"


def test_an_answer_is_cut_at_max_tokens(gateway: Gateway) -> None:
    for name in ("max_tokens", "max_completion_tokens"):
        assert choice_of(gateway, directive("plain", tokens=50), **{name: 2}) == ("w0 w1 w2", "length")
    found = events(gateway.chat(directive("plain", tokens=50), stream=True, max_tokens=2))
    assert text_of(found) == "w0 w1 w2" and found[-1] == "[DONE]"
    assert found[-2]["choices"][0]["finish_reason"] == "length"


def test_an_answer_that_just_fits_is_whole(gateway: Gateway) -> None:
    assert choice_of(gateway, directive("plain", tokens=3), max_tokens=2) == ("w0 w1 w2", "stop")


def test_thinking_is_not_counted(gateway: Gateway) -> None:
    text, reason = choice_of(gateway, directive("think", tokens=2, thinking=50), max_tokens=2)
    assert text.endswith("</think>\nw0 w1") and reason == "stop"


@pytest.mark.parametrize("limit", [{"max_tokens": 2}, {"stop": "w3"}])
@pytest.mark.parametrize("stream", [False, True])
def test_upstream_and_the_account_are_free_as_soon_as_the_answer_has_ended(
    gateway: Gateway, simulator: Simulator, limit: dict[str, Any], stream: bool
) -> None:
    gateway.set_accounts(["sim-basic-ok-0"])
    key = f"end-{stream}-{next(iter(limit))}"
    simulator.step(key, 4)  # upstream waits for ever before the fifth token
    began = time.monotonic()
    gateway.chat(directive("plain", tokens=50, step=key), stream=stream, **limit).close()
    until = time.monotonic() + 5
    while simulator.streams()["open"] and time.monotonic() < until:
        time.sleep(0.02)
    assert simulator.streams()["open"] == 0 and time.monotonic() - began < 5
    [account] = gateway.get_admin("/api/tokens")["data"]
    assert (account["in_flight"], account["failed_count"]) == (0, 0)
