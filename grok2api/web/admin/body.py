"""Reading the admin API's JSON bodies."""

from __future__ import annotations

from typing import Any

from flask import request

from grok2api.errors import BadRequest


def json_body() -> dict[str, Any]:
    """The request's JSON object. Raises BadRequest."""
    document = request.get_json(silent=True)
    if not isinstance(document, dict):
        raise BadRequest("The body must be a JSON object with Content-Type: application/json.")
    return document


def text_field(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a text.", name)
    return value
