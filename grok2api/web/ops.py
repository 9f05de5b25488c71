"""/health and /ready, for load balancers and monitors."""

from __future__ import annotations

import time

from flask import Blueprint, Response

from grok2api import __version__
from grok2api.accounts import TierSummary
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
    """Whether the storage can be reached, which alone decides; the accounts in counts, None when they cannot be had in
    time, and the open leases of this worker are told along."""
    services, until = get_services(), time.monotonic() + READY_S
    leases = services.pool.open_leases
    try:
        within(READY_S, services.store.ping)
    except StorageUnavailable as error:
        return json_response(
            {"status": "unavailable", "storage": str(error), "accounts": None, "open_leases": leases}, 503
        )
    try:
        counts = services.account_counts.get(until - time.monotonic())
    except StorageUnavailable:
        counts = None
    accounts = {str(tier): _tier(one) for tier, one in counts.items()} if counts is not None else None
    return json_response({"status": "ready", "storage": "ok", "accounts": accounts, "open_leases": leases})


def _tier(summary: TierSummary) -> dict[str, int]:
    """As /api/stats has them, as far as anybody may know."""
    statuses = {str(status): number for status, number in summary.statuses.items()}
    return {**statuses, "disabled": summary.disabled, "fit": summary.fit}
