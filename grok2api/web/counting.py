"""Requests by route, for `/metrics`. Those for an answer are counted when they have ended, by `api/recording.py`."""

from __future__ import annotations

from flask import Response, g, request

from grok2api.services.metrics import OTHER
from grok2api.web.services import get_services


def route_label() -> str:
    """The rule of the path; what follows no rule has one name."""
    return OTHER if request.url_rule is None else request.url_rule.rule


def count_request(response: Response) -> Response:
    """After each request."""
    if "recorded" not in g and request.endpoint != "static":
        status = response.status_code
        outcome = "failed" if status >= 500 else "refused" if status >= 400 else "ok"
        get_services().metrics.request(route_label(), g.get("asked_model", ""), outcome)
    return response
