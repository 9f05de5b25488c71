"""The last requests: /api/logs. Never what was asked or answered."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from grok2api.errors import BadRequest
from grok2api.services.request_log import OUTCOMES, LogQuery
from grok2api.storage.base import RequestEntry
from grok2api.web.admin import auditing
from grok2api.web.admin.fields import page_of
from grok2api.web.admin.guard import blueprint
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services


@blueprint.get("/logs")
def list_requests() -> Response:
    given = {name: value.strip() for name, value in request.args.items() if value.strip()}
    outcome = given.get("outcome", "")
    if outcome and outcome not in OUTCOMES:
        raise BadRequest(f"outcome must be one of {', '.join(OUTCOMES)}.", "outcome")
    offset, size = page_of(given)
    query = LogQuery(given.get("q", ""), given.get("model", ""), outcome, given.get("key", ""), offset, size)
    entries, total = get_services().request_log.page(query)
    return json_response({"success": True, "data": [_shown(entry) for entry in entries], "total": total})


@blueprint.post("/logs/clear")
def clear_requests() -> Response:
    deleted = get_services().request_log.clear()
    auditing.note("logs_clear", count=deleted)
    return json_response(
        {"success": True, "message": f"{deleted} requests forgotten.", "data": {"deleted": deleted}}
    )


def _shown(entry: RequestEntry) -> dict[str, Any]:
    """Times in milliseconds, null when unknown."""
    record: dict[str, Any] = entry.document
    shortage = record["shortage"]
    if shortage is not None:
        shortage = {**shortage, "returns_at": _ms(shortage["returns_at"])}
    return {
        "time": _ms(entry.at),
        "request_id": entry.request_id,
        **{
            name: record[name]
            for name in ("path", "model", "stream", "key", "outcome", "status", "code", "error")
        },
        "first_content": _ms(record["first_s"]),
        "duration": _ms(record["total_s"]),
        "attempts": [_attempt(attempt) for attempt in record["attempts"]],
        "shortage": shortage,
    }


def _attempt(attempt: dict[str, Any]) -> dict[str, Any]:
    return {
        "account_id": attempt["account_id"],
        "account": attempt["account"],
        "outcome": attempt["outcome"],
        "error": attempt["error"],
        "duration": _ms(attempt["taken_s"]),
    }


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)
