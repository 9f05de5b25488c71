"""Upstream's answer about a quota, in all its shapes; whatever the body, it is read or UpstreamFailed."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.errors import UpstreamFailed
from grok2api.upstream.rate_limits import RateLimits, read_rate_limits
from tests.unit.grok_streams import json_values

TOKENS, QUERIES = "remainingTokens", "remainingQueries"
FIRST = {
    "windowSizeSeconds": 72000, "remainingQueries": 60, "totalQueries": 80, "remainingTokens": 59, "totalTokens": 81,
    "lowEffortRateLimits": {"cost": 1, "waitTimeSeconds": 0, "remainingQueries": 58},
    "highEffortRateLimits": {"cost": 4, "waitTimeSeconds": 0, "remainingQueries": 15},
}  # fmt: skip
SECOND = {
    "windowSizeSeconds": 7200, "remainingQueries": 20, "totalQueries": 50,
    "lowEffortRateLimits": None, "highEffortRateLimits": None,
}  # fmt: skip


def without(document: dict[str, Any], *names: str, **more: Any) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names} | more


@pytest.mark.parametrize(
    ("answer", "field", "expected"),
    [
        (FIRST, TOKENS, RateLimits(59, 81, 72000)),
        (FIRST, QUERIES, RateLimits(60, 80, 72000)),
        (without(FIRST, TOKENS), TOKENS, RateLimits(58, 81, 72000)),
        (without(FIRST, remainingTokens=-1), TOKENS, RateLimits(58, 81, 72000)),
        (SECOND, TOKENS, RateLimits(20, 50, 7200)),
        (SECOND, QUERIES, RateLimits(20, 50, 7200)),
        (without(FIRST, remainingTokens=0, waitTimeSeconds=1800), TOKENS, RateLimits(0, 81, 72000, 1800)),
        (without(SECOND, remainingQueries=0, waitTimeSeconds=60), QUERIES, RateLimits(0, 50, 7200, 60)),
        ({}, TOKENS, RateLimits()),
        ({"remainingTokens": True, "windowSizeSeconds": -5}, TOKENS, RateLimits()),
        ({"remainingTokens": 1e300, "lowEffortRateLimits": ["x"]}, TOKENS, RateLimits()),
    ],
)
def test_each_shape_is_read(answer: dict[str, Any], field: str, expected: RateLimits) -> None:
    assert read_rate_limits(orjson.dumps(answer), field) == expected


@pytest.mark.parametrize("outside", [{}, {"waitTimeSeconds": 0}])
def test_the_wait_of_the_lowest_cost_counts_where_there_is_no_other(outside: dict[str, int]) -> None:
    low = {"cost": 1, "waitTimeSeconds": 1800, "remainingQueries": 0}
    answer = without(FIRST, remainingTokens=0, lowEffortRateLimits=low) | outside
    assert read_rate_limits(orjson.dumps(answer), TOKENS) == RateLimits(0, 81, 72000, 1800)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"7", b"\xff"])
def test_what_is_no_object_is_an_upstream_that_failed(body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        read_rate_limits(body, TOKENS)


@given(st.dictionaries(st.sampled_from([*FIRST, "waitTimeSeconds"]), json_values()))
def test_no_object_surprises_it(answer: dict[str, Any]) -> None:
    try:
        found = read_rate_limits(json.dumps(answer).encode(), TOKENS)
    except UpstreamFailed:
        return  # numbers of more than 64 bits
    numbers = (found.remaining, found.total, found.window_s, found.wait_s)
    assert all(number is None or (type(number) is int and number >= 0) for number in numbers)
