"""Asking upstream about accounts: /api/tokens/test, refresh, refresh-all and its progress."""

from __future__ import annotations

import time

from flask import Response
from gevent.pool import Pool

from grok2api.errors import (
    AccountDead,
    BadRequest,
    Challenged,
    GatewayError,
    Overloaded,
    RateLimited,
    Unauthorized,
    UpstreamError,
)
from grok2api.services.quota import Checked
from grok2api.services.refresh import AlreadyRunning
from grok2api.storage.base import Job
from grok2api.web.admin import auditing
from grok2api.web.admin.errors import NotFound, error_response
from grok2api.web.admin.guard import blueprint
from grok2api.web.admin.token_fields import named_account, named_accounts
from grok2api.web.body import read_json
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

_AT_ONCE_MAX = 100


@blueprint.post("/tokens/test")
def test_token() -> Response:
    """Whether an account is good, by asking upstream now."""
    account, services = named_account(read_json()), get_services()
    checked = services.quota.check(account.id)
    if checked is None and not services.book.find([account.id]).accounts:
        raise NotFound("The account was deleted meanwhile.")
    data = _verdict(checked)
    auditing.note("tokens_test", accounts=[account.id], result=str(data.get("error_type", "valid")))
    return json_response({"success": True, "data": data})


def _verdict(checked: Checked | None) -> dict[str, object]:
    if checked is None:
        busy = "Another node is asking about this account just now; try again."
        return {"valid": False, "error_type": "network", "error_code": None, "error": busy}
    if checked.error is not None:
        error = checked.error
        code = error.status if isinstance(error, UpstreamError) else None
        return {"valid": False, "error_type": _kind(error), "error_code": code, "error": str(error)}
    left, limit = (-1 if number is None else number for number in (checked.remaining, checked.total))
    return {"valid": True, "remaining_queries": left, "limit": limit}


def _kind(error: GatewayError) -> str:
    """The admin API's word for what is wrong."""
    if isinstance(error, AccountDead):
        return "blocked" if error.reason == "blocked" else "expired"
    kinds = (
        (Unauthorized, "expired"),
        (RateLimited, "limited"),
        (Overloaded, "limited"),
        (Challenged, "blocked"),
    )
    return next((word for kind, word in kinds if isinstance(error, kind)), "network")


@blueprint.post("/tokens/refresh")
def refresh_tokens() -> Response:
    """Refresh some accounts' quota before answering."""
    found, services = named_accounts(read_json()), get_services()
    if len(found.ids) > _AT_ONCE_MAX:
        raise BadRequest(
            f"At most {_AT_ONCE_MAX} accounts; POST /api/tokens/refresh-all takes all.", "tokens"
        )
    workers = Pool(services.settings.snapshot().refresh_concurrency)
    results = workers.map(services.quota.check, found.ids)
    good = sum(checked is not None and checked.error is None for checked in results)
    data = {"refreshed": good, "failed": len(results) - good, "not_found": found.not_found}
    auditing.note("tokens_refresh", accounts=found.ids, count=good, failed=len(results) - good)
    return json_response({"success": True, "message": f"{good} accounts refreshed.", "data": data})


@blueprint.post("/tokens/refresh-all")
def refresh_all() -> Response:
    try:
        get_services().refresh.start()
    except AlreadyRunning as error:
        response = error_response(error)
        document = response.get_json() | {"data": _progress(error.job)}
        return json_response(document, response.status_code)
    auditing.note("tokens_refresh_all")
    return json_response({"success": True, "message": "The refresh has started.", "data": {"started": True}})


@blueprint.get("/tokens/refresh-progress")
def refresh_progress() -> Response:
    return json_response({"success": True, "data": _progress(get_services().refresh.progress())})


def _progress(job: Job | None) -> dict[str, object]:
    if job is None:
        return {"running": False, "current": 0, "total": 0, "success": 0, "failed": 0, "interrupted": False}
    running = job.running(time.time())
    return {
        "running": running,
        "current": job.current,
        "total": job.total,
        "success": job.success,
        "failed": job.failed,
        "interrupted": not running and job.ended_at is None,
    }
