"""GET /api/storage/mode."""

from __future__ import annotations

from flask import Response

from grok2api.web.admin.guard import blueprint
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services


@blueprint.get("/storage/mode")
def storage_mode() -> Response:
    """Where the data lie, and what the operator should mend about it."""
    services = get_services()
    data = {"mode": services.storage_mode.upper(), "warnings": services.store.warnings()}
    return json_response({"success": True, "data": data})
