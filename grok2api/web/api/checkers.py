"""Checks of JSON values: each takes a value and the path where it stands, and returns it in its one form.

What does not fit raises BadRequest with the path as `param`. No check is of null: for optional fields that is "not
sent", and `sent` leaves it out; a field that must be there fails its check when it is null.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from grok2api.errors import BadRequest

T = TypeVar("T")

Check = Callable[[object, str], T]

#: What of a client's own words is repeated in a path or a message.
SHOWN_CHARS = 64


def refuse(where: str, must: str) -> NoReturn:
    """Raise the BadRequest of a field that is not what it must be."""
    raise BadRequest(f"`{where}` must be {must}.", where)


def sent(fields: Mapping[str, Any], name: str, check: Check[T], inside: str = "") -> T | None:
    """The checked value of an optional field; None when it is absent or null. inside: the path of `fields`."""
    value = fields.get(name)
    return None if value is None else check(value, path(inside, name))


def needed(fields: Mapping[str, Any], name: str, check: Check[T], inside: str = "") -> T:
    """The checked value of a field that must be there."""
    return check(fields.get(name), path(inside, name))


def path(inside: str, name: str) -> str:
    """The path of a field; a long name, which can only be a client's own, is cut."""
    return f"{inside}.{name[:SHOWN_CHARS]}" if inside else name[:SHOWN_CHARS]


def anything(value: object, where: str) -> object:
    """The check of a parameter that is checked where it is read."""
    return value


def boolean(value: object, where: str) -> bool:
    return value if isinstance(value, bool) else refuse(where, "true or false")


def number(least: float | None = None, most: float | None = None) -> Check[float]:
    """A finite number within inclusive bounds."""
    words = f"a number{_range(least, most)}"

    def check(value: object, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            refuse(where, words)
        if isinstance(value, float) and not math.isfinite(value):
            refuse(where, words)
        return value if _within(value, least, most) else refuse(where, words)

    return check


def integer(least: int | None = None, most: int | None = None) -> Check[int]:
    """A whole number within inclusive bounds; 1.0 is one."""
    words = f"a whole number{_range(least, most)}"

    def check(value: object, where: str) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            refuse(where, words)
        return value if _within(value, least, most) else refuse(where, words)

    return check


def text(most: int | None = None, least: int = 0) -> Check[str]:
    """A text of a bounded number of characters."""
    words = "a text"
    if least:
        words += " that is not empty" if least == 1 else f" of at least {least} characters"
    if most is not None:
        words = f"a text of {least} characters" if most == least else f"{words} of at most {most} characters"

    def check(value: object, where: str) -> str:
        fits = isinstance(value, str) and _within(len(value), least, most)
        return value if fits and isinstance(value, str) else refuse(where, words)

    return check


def matching(pattern: str, words: str) -> Check[str]:
    """A text that the pattern matches as a whole. words: what it must be."""
    compiled = re.compile(pattern, re.ASCII)

    def check(value: object, where: str) -> str:
        return value if isinstance(value, str) and compiled.fullmatch(value) else refuse(where, words)

    return check


def one_of(*choices: str) -> Check[str]:
    words = choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"

    def check(value: object, where: str) -> str:
        return value if isinstance(value, str) and value in choices else refuse(where, words)

    return check


def mapping(value: object, where: str) -> dict[str, Any]:
    """An object, whatever is in it."""
    return value if isinstance(value, dict) else refuse(where, "an object")


def object_of(needs: tuple[str, ...] = (), **checks: Check[Any]) -> Check[dict[str, Any]]:
    """An object with these fields, of which those named in `needs` must be there; others are let through."""

    def check(value: object, where: str) -> dict[str, Any]:
        fields = mapping(value, where)
        for name, check_field in checks.items():
            (needed if name in needs else sent)(fields, name, check_field, where)
        return fields

    return check


def map_of(values: Check[Any], keys: Check[str], most: int | None = None) -> Check[dict[str, Any]]:
    """An object whose keys are the client's own. most: how many it may have."""

    def check(value: object, where: str) -> dict[str, Any]:
        entries = mapping(value, where)
        if most is not None and len(entries) > most:
            refuse(where, f"an object of at most {most} entries")
        for key, entry in entries.items():
            keys(key, path(where, key))
            values(entry, path(where, key))
        return entries

    return check


def list_of(check_item: Check[T], most: int | None = None, least: int = 0) -> Check[list[T]]:
    words = "a list"
    if least:
        words += f" of at least {least} entr{'y' if least == 1 else 'ies'}"
    if most is not None:
        words += f"{' and' if least else ' of'} at most {most} entries"

    def check(value: object, where: str) -> list[T]:
        if not isinstance(value, list) or not _within(len(value), least, most):
            refuse(where, words)
        return [check_item(item, f"{where}[{index}]") for index, item in enumerate(value)]

    return check


def any_of(words: str, *checks: Check[Any]) -> Check[Any]:
    """What passes one of the checks. words: what it must be."""

    def check(value: object, where: str) -> Any:
        for check_one in checks:
            try:
                return check_one(value, where)
            except BadRequest:
                continue
        return refuse(where, words)

    return check


def _within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _range(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" from {least} to {most}"
    if least is not None:
        return f" of at least {least}"
    return f" of at most {most}" if most is not None else ""
