"""Fields of the admin API's JSON bodies and query strings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grok2api.errors import BadRequest

_PAGE_MAX = 10**7
_PAGE_SIZE_DEFAULT, _PAGE_SIZE_MAX = 50, 1000


def text_field(document: dict[str, Any], name: str) -> str:
    """A field that must be a text. Raises BadRequest."""
    value = document.get(name)
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be a text.", name)
    return value


def flag_field(document: dict[str, Any], name: str) -> bool:
    """A field that must be true or false, and is false when it is missing or null. Raises BadRequest."""
    value = document.get(name)
    if not isinstance(value, bool | None):
        raise BadRequest(f"{name} must be true or false.", name)
    return bool(value)


def page_of(given: Mapping[str, str]) -> tuple[int, int]:
    """The offset and the size of the page that `page` and `page_size` of a query string name. Raises BadRequest."""
    size = _whole_number(given, "page_size", _PAGE_SIZE_DEFAULT, _PAGE_SIZE_MAX)
    return (_whole_number(given, "page", 1, _PAGE_MAX) - 1) * size, size


def _whole_number(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not 1 <= int(text) <= most:
        raise BadRequest(f"{name} must be a whole number from 1 to {most}.", name)
    return int(text)
