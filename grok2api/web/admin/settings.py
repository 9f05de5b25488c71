"""GET and POST /api/settings."""

from __future__ import annotations

from typing import Any

from flask import Response

from grok2api.errors import BadRequest, SettingError
from grok2api.settings import SETTINGS, clean
from grok2api.web.admin import auditing
from grok2api.web.admin.errors import InvalidSettings
from grok2api.web.admin.guard import blueprint
from grok2api.web.body import read_json
from grok2api.web.json_response import json_response
from grok2api.web.services import get_services

_SCOPE_FIELDS = {"global_config": "global", "grok_config": "grok"}
#: What GET tells of a setting that it does not show, by its own name and scope.
_TOLD = {(f"{setting.name}_set", setting.scope) for setting in SETTINGS if setting.secret}


@blueprint.get("/settings")
def show_settings() -> Response:
    # Not a snapshot: a script may send it back, changed, and must not undo anything.
    snapshot = get_services().settings.fresh()
    data: dict[str, dict[str, Any]] = {"global": {}, "grok": {}}
    for setting in SETTINGS:
        value = getattr(snapshot, setting.name)
        data[setting.scope][setting.name] = "" if setting.secret else value
        if setting.secret:
            data[setting.scope][f"{setting.name}_set"] = bool(value)
    return json_response({"success": True, "data": data})


@blueprint.post("/settings")
def change_settings() -> Response:
    """All or none. An empty password leaves the one that stands; a new one ends every session."""
    changes = _changes(read_json())
    services = get_services()
    password = changes.pop("admin_password", "")
    if password:
        changes |= services.auth.password_values(str(password))
    services.settings.save(changes)
    if password:
        services.auth.end_sessions()
    if changes:
        auditing.note("settings", settings=sorted(changes))
    return json_response({"success": True, "message": f"{len(changes)} settings saved."})


def _changes(body: dict[str, Any]) -> dict[str, object]:
    """The cleaned changes of both scopes. A document of GET is none: what it only tells is left out, and so is a secret
    that is empty there though it is set. Raises InvalidSettings naming every wrong field."""
    scopes = {setting.name: setting.scope for setting in SETTINGS}
    changes: dict[str, object] = {}
    wrong: dict[str, str] = {}
    for field, scope in _SCOPE_FIELDS.items():
        values = body.get(field, {})
        if not isinstance(values, dict):
            raise BadRequest(f"{field} must be an object.", field)
        for name, value in values.items():
            kept = value == "" and values.get(f"{name}_set") is True and (f"{name}_set", scope) in _TOLD
            if kept or (name, scope) in _TOLD:
                continue
            if scopes.get(name) != scope:
                wrong[name] = f"{name} is not a setting of {field}."
                continue
            try:
                changes[name] = clean(name, value)
            except SettingError as error:
                wrong[name] = str(error)
    unknown = set(body) - set(_SCOPE_FIELDS)
    wrong.update({name: f"{name} is not known." for name in unknown})
    if wrong:
        raise InvalidSettings(wrong)
    return changes
