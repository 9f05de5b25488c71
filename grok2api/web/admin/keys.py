"""Named keys of clients: /api/keys. A key's text is in the answer that made it, and nowhere else."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import orjson
from flask import Response

from grok2api.client_keys import MAX_MODELS_BYTES, MAX_NAME_CHARS, ClientKey, KeyEdit
from grok2api.errors import BadRequest, UnknownModel
from grok2api.web.admin import auditing
from grok2api.web.admin.errors import NotFound
from grok2api.web.admin.guard import blueprint
from grok2api.web.body import read_json
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

#: What the log of requests calls those who ask without a named key.
_TAKEN_NAMES = ("api_key", "console")
_KEYS_MAX = 1000
_LIMIT_MAX = 10**9
#: Until the year 9999.
_TIME_MAX_MS = 253_402_300_799_000


@blueprint.get("/keys")
def list_keys() -> Response:
    now = time.time()
    data = [_shown(key, now) for key in get_services().client_keys.all()]
    return json_response({"success": True, "data": data, "total": len(data)})


@blueprint.post("/keys/add")
def add_key() -> Response:
    body = read_json()
    keys = get_services().client_keys
    if len(keys.all()) >= _KEYS_MAX:
        raise BadRequest(f"There are {_KEYS_MAX} keys already; delete some first.", code="too_many_keys")
    wanted = ClientKey(
        id=0,
        name=_name(body, 0),
        digest="",
        hint="",
        created_at=0.0,
        expires_at=_expiry(body.get("expires_time")),
        models=_models(body.get("models", [])),
        per_minute=_limit(body, "per_minute", 0),
        per_day=_limit(body, "per_day", 0),
    )
    made, text = keys.add(wanted)
    auditing.note("keys_add", name=made.name)
    data = _shown(made, time.time()) | {"key": text}
    return json_response({"success": True, "message": "The key is shown only now.", "data": data})


@blueprint.post("/keys")
def edit_key() -> Response:
    """Change what the body names; the rest stays."""
    body = read_json()
    id_ = _id(body.get("id"))
    edit = KeyEdit(
        name=_name(body, id_) if "name" in body else None,
        enabled=_flag(body) if "enabled" in body else None,
        expires_at=_expiry(body.get("expires_time"), _expires_at(id_)),
        set_expiry="expires_time" in body,
        models=_models(body["models"]) if "models" in body else None,
        per_minute=_limit(body, "per_minute", 0) if "per_minute" in body else None,
        per_day=_limit(body, "per_day", 0) if "per_day" in body else None,
    )
    return _edited([id_], edit, "keys_edit")


@blueprint.post("/keys/name")
def name_key() -> Response:
    body = read_json()
    id_ = _id(body.get("id"))
    return _edited([id_], KeyEdit(name=_name(body, id_)), "keys_edit")


@blueprint.post("/keys/status")
def enable_keys() -> Response:
    body = read_json()
    enabled = _flag(body)
    return _edited(_ids(body), KeyEdit(enabled=enabled), "keys_enable" if enabled else "keys_disable")


@blueprint.post("/keys/delete")
def delete_keys() -> Response:
    ids = _ids(read_json())
    deleted = get_services().client_keys.delete(ids)
    auditing.note("keys_delete", keys=ids, count=deleted)
    return json_response(
        {"success": True, "message": f"{deleted} keys deleted.", "data": {"deleted": deleted}}
    )


def _edited(ids: list[int], edit: KeyEdit, action: str) -> Response:
    changed = get_services().client_keys.edit(ids, edit)
    if not changed:
        raise NotFound("There is no such key.")
    auditing.note(action, keys=ids, count=changed)
    return json_response(
        {"success": True, "message": f"{changed} keys changed.", "data": {"changed": changed}}
    )


def _shown(key: ClientKey, now: float) -> dict[str, Any]:
    """Times in epoch milliseconds, null when there is none; limits of 0: none."""
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "enabled": key.enabled,
        "expired": key.expires_at is not None and key.expires_at <= now,
        "created_time": round(key.created_at * 1000),
        "expires_time": None if key.expires_at is None else round(key.expires_at * 1000),
        "models": list(key.models),
        "per_minute": key.per_minute,
        "per_day": key.per_day,
        "last_used": None if key.last_used_at is None else round(key.last_used_at * 1000),
        "request_count": key.request_count,
    }


def _name(body: dict[str, Any], id_: int) -> str:
    """Of the key with this id, or of a new one (0): the log of requests tells keys by their names."""
    name = body.get("name")
    good = isinstance(name, str) and 0 < len(name.strip()) <= MAX_NAME_CHARS
    if not good or any(unicodedata.category(sign)[0] == "C" for sign in str(name)):
        problem = f"name must be a text of 1 to {MAX_NAME_CHARS} characters on one line."
        raise BadRequest(problem, "name", "name_unfit")
    name = str(name).strip()
    if name.lower() in _TAKEN_NAMES:
        raise BadRequest(f"name must be none of {', '.join(_TAKEN_NAMES)}.", "name", "name_reserved")
    if any(key.name == name and key.id != id_ for key in get_services().client_keys.all()):
        raise BadRequest("name: another key has this one.", "name", "name_taken")
    return name


def _flag(body: dict[str, Any]) -> bool:
    if not isinstance(body.get("enabled"), bool):
        raise BadRequest("enabled must be true or false.", "enabled")
    return bool(body["enabled"])


def _expiry(value: object, known: float | None = None) -> float | None:
    """known: what stands, which may be over."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _TIME_MAX_MS:
        raise BadRequest("expires_time must be epoch milliseconds, or null for never.", "expires_time")
    if value / 1000 <= time.time() and (known is None or round(known * 1000) != round(value)):
        raise BadRequest(
            "expires_time is over already; disable the key instead.", "expires_time", "expiry_over"
        )
    return value / 1000


def _expires_at(id_: int) -> float | None:
    return next((key.expires_at for key in get_services().client_keys.all() if key.id == id_), None)


def _models(value: object) -> tuple[str, ...]:
    """By their own names, whatever alias was given; none: all of them."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise BadRequest("models must be a list of names; an empty one allows all.", "models")
    catalogue = get_services().catalogue
    try:
        models = tuple(dict.fromkeys(catalogue.get(name).name for name in value))
    except UnknownModel as error:
        raise BadRequest(f"models: {error}", "models", "models_unfit") from error
    if len(orjson.dumps(models)) > MAX_MODELS_BYTES:
        raise BadRequest("models: too many; an empty list allows all.", "models", "models_too_many")
    return models


def _limit(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LIMIT_MAX:
        problem = f"{name} must be a whole number from 0 (no limit) to {_LIMIT_MAX}."
        raise BadRequest(problem, name, "limit_unfit")
    return value


def _id(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise BadRequest("id must be the number of a key.", "id")
    return value


def _ids(body: dict[str, Any]) -> list[int]:
    values = body.get("ids", [body["id"]] if "id" in body else None)
    if not isinstance(values, list) or len(values) > _KEYS_MAX:
        raise BadRequest("ids must be a list of keys' numbers.", "ids")
    return [_id(value) for value in values]
