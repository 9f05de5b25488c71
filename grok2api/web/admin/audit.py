"""GET /api/audit: what operators did, the newest first."""

from __future__ import annotations

from flask import Response, request

from grok2api.storage.base import AuditEntry
from grok2api.web.admin.fields import page_of
from grok2api.web.admin.guard import blueprint
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services


@blueprint.get("/audit")
def list_actions() -> Response:
    offset, size = page_of(request.args)
    entries, total = get_services().store.audit.page(offset, size)
    return json_response({"success": True, "data": [_shown(entry) for entry in entries], "total": total})


def _shown(entry: AuditEntry) -> dict[str, object]:
    return {
        "time": round(entry.at * 1000),
        "username": entry.username,
        "address": entry.address,
        "action": entry.action,
        "detail": entry.detail,
    }
