"""/health and /ready, for load balancers and monitors."""

from __future__ import annotations

from flask import Blueprint, Response

from grok2api import __version__
from grok2api.errors import StorageUnavailable
from grok2api.services.patience import within
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

#: What asks for readiness does not wait for long itself.
READY_S = 3.0

blueprint = Blueprint("ops", __name__)


@blueprint.get("/health")
def health() -> Response:
    """Whether the process answers; touches nothing else."""
    return json_response({"status": "ok", "version": __version__})


@blueprint.get("/ready")
def ready() -> Response:
    """Whether the storage can be reached; the open leases of this worker are told along."""
    services = get_services()
    try:
        within(READY_S, services.store.ping)
    except StorageUnavailable as error:
        return json_response({"status": "unavailable", "storage": str(error)}, 503)
    return json_response({"status": "ready", "storage": "ok", "open_leases": services.pool.open_leases})
