"""GET /api/stats: the accounts in numbers, requests over time, and what should be mended."""

from __future__ import annotations

import time
from typing import Any

from flask import Response

from grok2api import __version__
from grok2api.accounts import Status, Tier, TierSummary
from grok2api.services.usage import PERIODS, History, Point, history
from grok2api.web.admin.guard import blueprint
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

_TIER_NAMES = {Tier.BASIC: "normal", Tier.SUPER: "super"}


@blueprint.get("/stats")
def stats() -> Response:
    services, now = get_services(), time.time()
    tiers = services.store.accounts.summary(now)
    histories = {name: history(services.store.usage, period, now) for name, period in PERIODS.items()}
    advice = services.adviser.advice(tiers, histories["hour"].blocked)
    data: dict[str, Any] = {name: _tier(tiers[tier]) for tier, name in _TIER_NAMES.items()}
    data["total"] = sum(data[name]["total"] for name in _TIER_NAMES.values())
    data["history"] = {name: _history(one) for name, one in histories.items()}
    data["advice"] = [{"code": one.code, "level": one.urgency, "detail": one.detail} for one in advice]
    data["version"] = __version__
    return json_response({"success": True, "data": data})


def _tier(summary: TierSummary) -> dict[str, Any]:
    """`limited` and `cooldown` are older scripts' words."""
    counts = summary.statuses
    return {
        "total": sum(counts.values()),
        **{str(status): counts[status] for status in Status},
        "limited": counts[Status.COOLING] + counts[Status.EXHAUSTED],
        "cooldown": counts[Status.COOLING],
        "disabled": summary.disabled,
        "fit": summary.fit,
        "remaining_queries": summary.remaining,
        "unknown_quota": summary.unknown,
    }


def _history(history: History) -> dict[str, Any]:
    points = [_point(point) for point in history.points]
    return {
        "step_seconds": history.step_s,
        "points": points,
        "total": _point(history.total),
        "blocked": history.blocked,
    }


def _point(point: Point) -> dict[str, Any]:
    """Times are in milliseconds."""
    p50, p95 = (None if time_s is None else round(time_s * 1000) for time_s in (point.p50_s, point.p95_s))
    return {
        "time": point.at * 1000,
        "requests": point.requests,
        "failed": point.failed,
        "first_token_p50": p50,
        "first_token_p95": p95,
    }
