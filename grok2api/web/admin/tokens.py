"""The accounts, which operators call tokens: /api/tokens/…"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain, islice
from typing import Any

import orjson
from flask import Response, request

from grok2api.account_secrets import invalid_lines
from grok2api.accounts import Account, AccountEdit
from grok2api.errors import BadRequest
from grok2api.services.account_book import Found
from grok2api.web.admin import auditing
from grok2api.web.admin.fields import flag_field
from grok2api.web.admin.guard import blueprint
from grok2api.web.admin.token_fields import (
    account_query,
    named_accounts,
    note_of,
    refuse_too_many_tags,
    shown,
    tag_mode_of,
    tags_of,
    token_type,
    wants_page,
)
from grok2api.web.body import read_json
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

#: Accounts to one write of an export.
_AT_ONCE = 1000
#: Lines without a secret that a preview names.
_LINES_NAMED = 10


@blueprint.get("/tokens")
def list_tokens() -> Response:
    """All accounts, or with any of the page's parameters a page of them."""
    book, now = get_services().book, time.time()
    if wants_page():
        accounts, total = book.page(account_query())
        return _listed([shown(account, now) for account in accounts], total)
    data = [shown(account, now) for account in book.all()]
    return _listed(data, len(data))


def _listed(data: list[dict[str, Any]], total: int) -> Response:
    return json_response({"success": True, "data": data, "total": total})


@blueprint.get("/tokens/export")
def export_tokens() -> Response:
    """All accounts that the list's filters let through, as a file: JSON or one secret a line."""
    form = _form(request.args.get("format"))
    accounts = _from_the_first(get_services().book.chosen(account_query()))
    auditing.note("tokens_export", form=form)
    return _file(accounts, form)


@blueprint.post("/tokens/export")
def export_named_tokens() -> Response:
    """The same file of the named accounts, in the order of their ids."""
    body = read_json()
    form = _form(body.get("format"))
    accounts = sorted(named_accounts(body).accounts, key=lambda account: account.id)
    ids = [account.id for account in accounts]
    auditing.note("tokens_export", form=form, accounts=ids, count=len(ids))
    return _file(iter(accounts), form)


def _form(given: object) -> str:
    form = given or "json"
    if form not in ("json", "lines"):
        raise BadRequest("format must be json or lines.", "format")
    return str(form)


def _file(accounts: Iterator[Account], form: str) -> Response:
    if form == "lines":
        response = Response(_lines(accounts), mimetype="text/plain")
    else:
        response = Response(_records(accounts, time.time()), mimetype="application/json")
    name = "accounts.txt" if form == "lines" else "accounts.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _from_the_first(accounts: Iterator[Account]) -> Iterator[Account]:
    """The same, with the first one fetched: a storage that is away is an error and no broken file."""
    return chain([first] if (first := next(accounts, None)) is not None else [], accounts)


def _lines(accounts: Iterator[Account]) -> Iterator[bytes]:
    while some := list(islice(accounts, _AT_ONCE)):
        yield "".join(f"{account.secret}\n" for account in some).encode()


def _records(accounts: Iterator[Account], now: float) -> Iterator[bytes]:
    """A JSON list in pieces."""
    before = b"["
    while some := list(islice(accounts, _AT_ONCE)):
        yield before + orjson.dumps([shown(account, now) for account in some])[1:-1]
        before = b","
    yield b"[]" if before == b"[" else b"]"


@blueprint.get("/tokens/ids")
def token_ids() -> Response:
    """Of all accounts that the list's filters let through, for doing something with all of them."""
    ids = [account.id for account in get_services().book.chosen(account_query())]
    return json_response({"success": True, "data": ids, "total": len(ids)})


@blueprint.get("/tokens/tags/all")
def all_tags() -> Response:
    return json_response({"success": True, "data": get_services().book.tags()})


@blueprint.post("/tokens/add")
def add_tokens() -> Response:
    body = read_json()
    values = body.get("tokens")
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise BadRequest("tokens must be a list of texts.", "tokens")
    tier = token_type(body.get("token_type"))
    if flag_field(body, "preview"):
        would, repeated = get_services().book.preview(values, tier)
        wrong = invalid_lines(values, _LINES_NAMED)
        more = {
            "repeated": repeated,
            "invalid_lines": [number for number, _ in wrong],
            "invalid_reasons": [why for _, why in wrong],
        }
        return json_response({"success": True, "data": asdict(would) | more})
    report = get_services().book.add(values, tier)
    auditing.note("tokens_add", token_type=str(body["token_type"]), **asdict(report))
    return _done(f"{report}.", asdict(report))


@blueprint.post("/tokens/delete")
def delete_tokens() -> Response:
    found = named_accounts(read_json())
    deleted = get_services().book.delete(found.ids)
    auditing.note("tokens_delete", accounts=found.ids, count=deleted)
    return _done(f"{deleted} accounts deleted.", {"deleted": deleted, "not_found": _missing(found, deleted)})


@blueprint.post("/tokens/tags")
def tag_tokens() -> Response:
    """Tags in place of those there are, or with `mode` beside them or out of them."""
    body = read_json()
    tags, mode = tags_of(body), tag_mode_of(body)
    if mode == "add":
        refuse_too_many_tags(body, tags)
        return _edited(body, AccountEdit(add_tags=tags), "tagged", "tokens_tags_add", tags=tags)
    if mode == "remove":
        return _edited(body, AccountEdit(remove_tags=tags), "untagged", "tokens_tags_remove", tags=tags)
    return _edited(body, AccountEdit(tags=tags), "tagged", "tokens_tags", tags=tags)


@blueprint.post("/tokens/note")
def note_tokens() -> Response:
    body = read_json()
    return _edited(body, AccountEdit(note=note_of(body)), "noted", "tokens_note")


@blueprint.post("/tokens/uncool")
def lift_cooldowns() -> Response:
    return _edited(read_json(), AccountEdit(lift=True), "lifted from their cooldown", "tokens_uncool")


@blueprint.post("/tokens/disable")
def disable_tokens() -> Response:
    return _edited(read_json(), AccountEdit(disabled=True), "disabled", "tokens_disable")


@blueprint.post("/tokens/enable")
def enable_tokens() -> Response:
    return _edited(read_json(), AccountEdit(disabled=False), "enabled", "tokens_enable")


def _edited(
    body: dict[str, Any], edit: AccountEdit, word: str, action: str, **detail: auditing.Detail
) -> Response:
    found = named_accounts(body)
    changed = get_services().book.edit(found.ids, edit)
    auditing.note(action, accounts=found.ids, count=changed, **detail)
    return _done(f"{changed} accounts {word}.", {"changed": changed, "not_found": _missing(found, changed)})


def _missing(found: Found, met: int) -> int:
    """How many of the named accounts were not there, or no longer there when their turn came."""
    return found.not_found + len(found.ids) - met


def _done(message: str, data: dict[str, Any]) -> Response:
    return json_response({"success": True, "message": message, "data": data})
