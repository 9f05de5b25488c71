"""The accounts, which operators call tokens: /api/tokens/…"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from typing import Any

import orjson
from flask import Response, request

from grok2api.accounts import AccountEdit
from grok2api.errors import BadRequest
from grok2api.web.admin.guard import blueprint
from grok2api.web.admin.token_fields import (
    account_query,
    named_accounts,
    note_of,
    shown,
    tags_of,
    token_type,
)
from grok2api.web.body import read_json
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

log = logging.getLogger(__name__)


@blueprint.get("/tokens")
def list_tokens() -> Response:
    """All accounts, or with any parameter a page of them."""
    book, now = get_services().book, time.time()
    if request.args:
        accounts, total = book.page(account_query())
    else:
        accounts = list(book.all())
        total = len(accounts)
    data = [shown(account, now) for account in accounts]
    return json_response({"success": True, "data": data, "total": total})


@blueprint.get("/tokens/export")
def export_tokens() -> Response:
    """All accounts, or those of the same filters as the list's, as a file: JSON or one secret a line."""
    form = request.args.get("format", "json")
    if form not in ("json", "lines"):
        raise BadRequest("format must be json or lines.", "format")
    book, now = get_services().book, time.time()
    filtered = set(request.args) - {"format"}
    accounts = book.page(account_query())[0] if filtered else book.all()
    if form == "lines":
        body, kind = "".join(f"{account.secret}\n" for account in accounts).encode(), "txt"
    else:
        body, kind = orjson.dumps([shown(account, now) for account in accounts]), "json"
    log.info("the operator exported accounts")
    response = Response(body, mimetype="application/json" if kind == "json" else "text/plain")
    response.headers["Content-Disposition"] = f'attachment; filename="accounts.{kind}"'
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/tokens/tags/all")
def all_tags() -> Response:
    return json_response({"success": True, "data": get_services().book.tags()})


@blueprint.post("/tokens/add")
def add_tokens() -> Response:
    body = read_json()
    values = body.get("tokens")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadRequest("tokens must be a list of texts.", "tokens")
    report = get_services().book.add(values, token_type(body.get("token_type")))
    return _done(f"{report}.", asdict(report))


@blueprint.post("/tokens/delete")
def delete_tokens() -> Response:
    found = named_accounts(read_json())
    deleted = get_services().book.delete(found.ids)
    return _done(f"{deleted} accounts deleted.", {"deleted": deleted, "not_found": found.not_found})


@blueprint.post("/tokens/tags")
def tag_tokens() -> Response:
    body = read_json()
    return _edited(body, AccountEdit(tags=tags_of(body)), "tagged")


@blueprint.post("/tokens/note")
def note_tokens() -> Response:
    body = read_json()
    return _edited(body, AccountEdit(note=note_of(body)), "noted")


@blueprint.post("/tokens/uncool")
def lift_cooldowns() -> Response:
    return _edited(read_json(), AccountEdit(lift=True), "lifted from their cooldown")


@blueprint.post("/tokens/disable")
def disable_tokens() -> Response:
    return _edited(read_json(), AccountEdit(disabled=True), "disabled")


@blueprint.post("/tokens/enable")
def enable_tokens() -> Response:
    return _edited(read_json(), AccountEdit(disabled=False), "enabled")


def _edited(body: dict[str, Any], edit: AccountEdit, word: str) -> Response:
    found = named_accounts(body)
    changed = get_services().book.edit(found.ids, edit)
    return _done(f"{changed} accounts {word}.", {"changed": changed, "not_found": found.not_found})


def _done(message: str, data: dict[str, Any]) -> Response:
    log.info("the operator asked: %s", message)
    return json_response({"success": True, "message": message, "data": data})
