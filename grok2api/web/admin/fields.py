"""Fields of the admin API's JSON bodies."""

from __future__ import annotations

from typing import Any

from grok2api.errors import BadRequest


def text_field(document: dict[str, Any], name: str) -> str:
    """A field that must be a text. Raises BadRequest."""
    value = document.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a text.", name)
    return value
