"""What becomes of parameters that cannot be honoured: a header, or a 400 when the operator wants that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.gateway import SETTINGS_FRESH_S, Gateway


def set_global(gateway: Gateway, **values: object) -> None:
    gateway.admin("/api/settings", {"global_config": values})
    time.sleep(SETTINGS_FRESH_S)


@pytest.fixture
def strict(gateway: Gateway) -> Iterator[Gateway]:
    set_global(gateway, strict_params=True)
    yield gateway
    set_global(gateway, strict_params=False)


@pytest.fixture
def unlimited(gateway: Gateway) -> Iterator[Gateway]:
    set_global(gateway, enforce_max_tokens=False)
    yield gateway
    set_global(gateway, enforce_max_tokens=True)


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_ignored_is_named_in_a_header(gateway: Gateway, stream: bool) -> None:
    more: dict[str, Any] = {"temperature": 0.5, "top_p": 1, "seed": 7, "user": "Ann", "top_k": 5}
    with gateway.chat("Hi", stream=stream, **more) as response:
        assert response.status_code == 200
        assert response.headers["X-Ignored-Params"] == "seed, temperature, top_k, top_p, user"


def test_what_is_honoured_or_asks_for_nothing_is_not_named(gateway: Gateway) -> None:
    more: dict[str, Any] = {
        "n": 1, "logprobs": False, "modalities": ["text"], "store": False, "service_tier": "auto", "seed": None,
        "stop": ["never"], "max_tokens": 1000, "reasoning_effort": "none", "parallel_tool_calls": True,
        "stream_options": {"include_obfuscation": False},
    }  # fmt: skip
    with gateway.chat("Hi", stream=True, **more) as response:
        assert response.status_code == 200
        assert "X-Ignored-Params" not in response.headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 2.5),
        ("top_p", "1"),
        ("logit_bias", {"1": 500}),
        ("user", 7),
        ("reasoning_effort", "x"),
    ],
)
def test_an_ignored_parameter_is_checked_all_the_same(gateway: Gateway, name: str, value: Any) -> None:
    response = gateway.chat("Hi", **{name: value})
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["param"].partition(".")[0] == name and f"`{name}" in error["message"]


def test_strict_params_makes_a_400_of_it(strict: Gateway) -> None:
    response = strict.chat("Hi", temperature=1, seed=7)
    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, "unsupported_parameter", "seed")
    assert "`seed`, `temperature`" in error["message"] and "strict_params" in error["message"]
    assert strict.chat("Hi", n=1, store=False).status_code == 200


def test_max_tokens_are_named_when_they_are_not_enforced(unlimited: Gateway) -> None:
    response = unlimited.chat("Hi", max_tokens=1)
    assert response.status_code == 200
    assert response.headers["X-Ignored-Params"] == "max_tokens"
    assert response.json()["choices"][0]["finish_reason"] == "stop"
