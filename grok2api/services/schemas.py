"""Holds values against the JSON schemas of clients, which may be hostile, in bounded time.

It runs between the greenlets of a worker: while it works, nobody else does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from fractions import Fraction
from itertools import islice
from typing import Any

import referencing
from jsonschema import Draft202012Validator, ValidationError, validators

from grok2api.services.lenient_json import dump
from grok2api.services.schema_compiler import (
    BadSchema,
    check_extent,
    check_extent_together,
    compile_schema,
)
from grok2api.services.schema_patterns import compiled

__all__ = ["BadSchema", "check_extent_together", "check_schema", "checker_of", "problem_with"]

#: Keywords that may be applied to a value and its parts, and how long that may take.
STEPS_MAX = 100_000
TIME_MAX_S = 0.5
#: For one search of a pattern.
SEARCH_MAX_S = 0.05
#: Mistakes that are told at once.
_TOLD_MAX = 3
_SHOWN_MAX = 120

_NOT_THERE = "must not be there"
_TOO_MUCH = "it is too large or too deeply nested to be checked"


def check_schema(schema: Mapping[str, Any]) -> None:
    """BadSchema: no JSON schema of Draft 2020-12, or one that cannot be used; its message is for the client."""
    check_extent(schema)
    compile_schema(schema)


def problem_with(schema: Mapping[str, Any] | None, value: object) -> str | None:
    """What is wrong with the value, see `checker_of`. schema: None takes every value."""
    return checker_of(schema)(value) if schema is not None else None


def checker_of(schema: Mapping[str, Any]) -> Callable[[object], str | None]:
    """Says of values what is wrong with them, in words for the model: `$.city: must be string, not integer`. None: it
    fits.

    value: as read from JSON. A value that takes too long to be checked does not fit. For several values of one schema.
    """
    try:
        checker = _Checker(compile_schema(schema), registry=referencing.Registry())
    except BadSchema as error:
        problem = f"the schema for it cannot be used: {error}"
        return lambda value: problem

    def problem_of(value: object) -> str | None:
        before = _METER.set(_Meter())
        try:
            told = [_tell(error) for error in islice(checker.iter_errors(value), _TOLD_MAX)]
        except (_TooMuch, RecursionError):
            return _TOO_MUCH
        finally:
            _METER.reset(before)
        return "; ".join(told) or None

    return problem_of


class _TooMuch(Exception):
    """The value has taken all the steps or time that it may."""


class _Meter:
    __slots__ = ("_ends_at", "_left", "_unwatched")

    def __init__(self) -> None:
        self._left = STEPS_MAX
        self._unwatched = 0
        self._ends_at = time.monotonic() + TIME_MAX_S

    def spend(self, steps: int) -> None:
        self._left -= steps
        self._unwatched += steps
        if self._unwatched >= 16:  # asking for the time at each step would cost as much as the step
            self._unwatched = 0
            if self._left < 0 or time.monotonic() > self._ends_at:
                raise _TooMuch


#: The keywords of jsonschema are given nothing that could carry it.
_METER: ContextVar[_Meter] = ContextVar("meter")

Keyword = Callable[[Any, Any, Any, Any], "Iterator[ValidationError] | None"]


def _metered(keyword: Keyword) -> Keyword:
    def apply(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
        meter = _METER.get()
        meter.spend(1)
        for error in keyword(validator, wanted, value, schema) or ():
            meter.spend(len(error.message) // 64)  # jsonschema's messages hold the whole value
            yield error

    return apply


def _found(pattern: str, text: str) -> bool:
    _METER.get().spend(1)
    try:
        return compiled(pattern).search(text, timeout=SEARCH_MAX_S) is not None
    except TimeoutError:
        raise _TooMuch from None


def _pattern(validator: Any, wanted: str, value: object, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _found(wanted, value):
        yield ValidationError(f"must match the pattern {_short(wanted)}")


def _pattern_properties(validator: Any, wanted: Any, value: object, schema: Any) -> Iterator[ValidationError]:
    for pattern, part in wanted.items() if isinstance(value, dict) else ():
        for name, inner in value.items():  # type: ignore[attr-defined]
            if _found(pattern, name):
                yield from validator.descend(inner, part, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, wanted: Any, value: object, schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", ())
    others = (
        name for name in value if name not in known and not any(_found(each, name) for each in patterns)
    )
    for name in others:
        if wanted is not False:
            yield from validator.descend(value[name], wanted, path=name)
        else:
            allowed = f"only {_short(list(known))}" if known else "none"
            yield ValidationError(f"must not have the property {_short(name)}; allowed: {allowed}")


def _enum(validator: Any, wanted: list[Any], value: object, schema: Any) -> Iterator[ValidationError]:
    _METER.get().spend(len(wanted) // (64 if isinstance(value, str) else 1))
    if isinstance(value, str):
        fits = value in wanted
    else:
        ours = _canonical(value)
        fits = any(ours == _canonical(each) for each in wanted if type(each) is not str)
    if not fits:
        yield ValidationError(f"must be one of {_short(wanted)}")


def _unique_items(validator: Any, wanted: bool, value: object, schema: Any) -> Iterator[ValidationError]:
    if not wanted or not isinstance(value, list):
        return
    _METER.get().spend(len(value))
    if len(set(map(_canonical, value))) < len(value):
        yield ValidationError("must not have the same item twice")


def _multiple_of(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[ValidationError]:
    if not validator.is_type(value, "number"):
        return
    try:
        fits = (
            Fraction(str(value)) % Fraction(str(wanted)) == 0
        )  # 0.3 is a multiple of 0.1, which floats deny
    except ValueError:  # infinity
        fits = False
    if not fits:
        yield ValidationError(f"must be a multiple of {wanted}")


def _canonical(value: object) -> str:
    """A text that equal values share: 1 and 1.0 are equal, 1 and true are not. Texts, unlike numbers, cannot be
    chosen to have the same hash."""
    _METER.get().spend(1)
    if isinstance(value, dict):
        return "{" + ",".join(f"{dump(name)}:{_canonical(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return repr(value) if isinstance(value, int | float) else dump(value)


_extend: Any = validators.extend  # untyped
_Checker = _extend(
    Draft202012Validator,
    {
        name: _metered(keyword)
        for name, keyword in {
            **Draft202012Validator.VALIDATORS,
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional_properties,
            "enum": _enum,
            "uniqueItems": _unique_items,
            "multipleOf": _multiple_of,
        }.items()
    },
)

#: What jsonschema says in words that hold the whole value.
_WORDS = {
    "const": "must be {wanted}",
    "minimum": "must be at least {wanted}",
    "maximum": "must be at most {wanted}",
    "exclusiveMinimum": "must be more than {wanted}",
    "exclusiveMaximum": "must be less than {wanted}",
    "minLength": "must have at least {wanted} characters",
    "maxLength": "must have at most {wanted} characters",
    "minItems": "must have at least {wanted} items",
    "maxItems": "must have at most {wanted} items",
    "items": "must have fewer items",
    "minProperties": "must have at least {wanted} properties",
    "maxProperties": "must have at most {wanted} properties",
    "contains": "must have an item that fits {wanted}",
    "minContains": "must have {wanted} items or more of the kind asked for",
    "maxContains": "must have {wanted} items or fewer of the kind asked for",
    "not": "must not fit {wanted}",
    None: _NOT_THERE,  # the schema is `false`
}


def _tell(error: ValidationError) -> str:
    return f"{_cut(error.json_path)}: {_said(error)}"


def _said(error: ValidationError) -> str:
    keyword: Any = error.validator
    wanted: Any = error.validator_value
    if keyword == "type":
        types = [wanted] if isinstance(wanted, str) else wanted
        return f"must be {' or '.join(types)}, not {_type_of(error.instance)}"
    if keyword in ("anyOf", "oneOf"):
        if not error.context:
            return "must fit only one of the forms allowed"
        deepest = max(len(each.absolute_path) for each in error.context)
        nearest = [_tell(each) for each in error.context if len(each.absolute_path) == deepest]
        return f"fits none of the forms allowed ({' / '.join(nearest[:_TOLD_MAX])})"
    if keyword == "not" and wanted is True:
        return _NOT_THERE
    if keyword in _WORDS:
        return _WORDS[keyword].format(wanted=_short(wanted))
    return _cut(error.message)


def _type_of(value: object) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def _short(value: object) -> str:
    return _cut(dump(value))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "…"
