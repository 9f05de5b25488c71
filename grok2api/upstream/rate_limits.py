"""Upstream's answer about an account's quota; total: whatever the body, it is read or it is UpstreamFailed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from grok2api.errors import UpstreamFailed

_MAX_CALLS = 10_000_000
_MAX_WINDOW_S = 90 * 86400


@dataclass(frozen=True)
class RateLimits:
    """One quota pool. None: upstream did not say. window_s: how long a window is. wait_s: until calls are left."""

    remaining: int | None = None
    total: int | None = None
    window_s: int | None = None
    wait_s: int | None = None


def read_rate_limits(body: bytes, quota_field: str) -> RateLimits:
    """quota_field: what counts when it is there, `remainingTokens` or `remainingQueries`; else the calls at the
    lowest cost, else the queries. Raises UpstreamFailed."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UpstreamFailed("Grok's answer about the quota is broken.") from error
    if not isinstance(answer, dict):
        raise UpstreamFailed("Grok's answer about the quota is broken.")
    low = answer.get("lowEffortRateLimits")
    low = low if isinstance(low, dict) else {}
    remaining = (answer.get(quota_field), low.get("remainingQueries"), answer.get("remainingQueries"))
    total = (answer.get(quota_field.replace("remaining", "total")), answer.get("totalQueries"))
    return RateLimits(
        _first(remaining, _MAX_CALLS),
        _first(total, _MAX_CALLS),
        _first((answer.get("windowSizeSeconds"),), _MAX_WINDOW_S) or None,
        _first((answer.get("waitTimeSeconds") or low.get("waitTimeSeconds"),), _MAX_WINDOW_S) or None,
    )


def _first(values: tuple[Any, ...], most: int) -> int | None:
    """The first that is a number that can be meant; -1 is upstream's word for unknown."""
    for value in values:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most:
            return int(value)
    return None
