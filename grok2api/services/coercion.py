"""Mends the slips of type that language models make in the arguments of tools, where that loses nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from grok2api.services.lenient_json import dump, strict_loads

#: Levels of the value that are looked at, and values in all.
DEPTH_MAX = 64
VALUES_MAX = 50_000
#: References and nullable forms that are followed to the type of one value.
_FOLLOWED_MAX = 16
#: Longer strings are no numbers.
_NUMBER_MAX = 64

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?")
_DEFINITION = re.compile(r"#/(\$defs|definitions)/([^/%]+)")
_WORDS = {"true": True, "false": False}


class Number(str):
    """A number as it was written: 1.10 stays 1.10."""

    __slots__ = ()


def coerced(
    value: object, schema: Mapping[str, Any], loads: Callable[[str], object] = strict_loads
) -> object:
    """The value, changed where it does not have the plain type that the schema wants but can be made to without loss.

    value: as read from JSON, is left as it is; numbers may be `Number`. loads: reads JSON within strings; ValueError.
    """
    return _Coercion(schema, loads).walk(value, schema, 0)


class _Plain(NamedTuple):
    """The one type besides null that a schema wants, None: not known; and the schema that says so."""

    wanted: str | None
    schema: Mapping[str, Any]
    nullable: bool


_UNKNOWN = _Plain(None, {}, True)


class _Coercion:
    def __init__(self, root: Mapping[str, Any], loads: Callable[[str], object]) -> None:
        self._root = root
        self._loads = loads
        self._left = VALUES_MAX

    def walk(self, value: object, schema: object, depth: int) -> object:
        self._left -= 1
        if value is None or depth > DEPTH_MAX or self._left < 0:
            return value
        plain = self._plain(schema)
        if plain.wanted is not None and not _has_type(value, plain.wanted):
            value = self._mended(value, plain.wanted, plain.schema)
        if isinstance(value, dict):
            return self._object(value, plain.schema, depth)
        if isinstance(value, list):
            return self._array(value, plain.schema, depth)
        return value

    def _plain(self, schema: object) -> _Plain:
        nullable = False
        for _ in range(_FOLLOWED_MAX):
            if not isinstance(schema, Mapping):
                break
            wanted = schema.get("type")
            if isinstance(wanted, list):
                others = [each for each in wanted if each != "null"]
                nullable |= len(others) < len(wanted)
                wanted = others[0] if len(others) == 1 else None
            if isinstance(wanted, str):
                return _Plain(wanted, schema, nullable)
            if "type" in schema:
                return _Plain(None, schema, True)
            if "$ref" in schema:
                schema = self._definition(schema["$ref"])
            elif (branch := _besides_null(schema)) is not None:
                schema, nullable = branch, True
            else:
                return _Plain(None, schema, True)
        return _UNKNOWN

    def _definition(self, reference: object) -> object:
        found = _DEFINITION.fullmatch(reference) if isinstance(reference, str) else None
        definitions = self._root.get(found[1]) if found else None
        if found is None or not isinstance(definitions, Mapping):
            return None
        return definitions.get(found[2].replace("~1", "/").replace("~0", "~"))

    def _object(self, value: dict[str, Any], schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties, others = schema.get("properties"), schema.get("additionalProperties")
        if not isinstance(properties, Mapping):
            properties = {}
        if "patternProperties" in schema:
            others = None
        made: dict[str, Any] = {}
        for name, inner in value.items():
            part = properties.get(name, others)
            if inner is None and name in properties and not self._needs(schema, name, part):
                continue
            made[name] = inner if part is None else self.walk(inner, part, depth + 1)
        same = len(made) == len(value) and all(made[name] is inner for name, inner in value.items())
        return value if same else made

    def _needs(self, schema: Mapping[str, Any], name: str, part: object) -> bool:
        """Whether the property must stay although it is null."""
        plain = self._plain(part)
        if plain.wanted is None or plain.wanted == "null" or plain.nullable:
            return True
        required = schema.get("required", ())
        if not isinstance(required, list | tuple):
            return True
        self._left -= len(required) // 16
        return self._left < 0 or name in required

    def _array(self, value: list[Any], schema: Mapping[str, Any], depth: int) -> list[Any]:
        items = schema.get("items")
        if not isinstance(items, Mapping) or "prefixItems" in schema:
            return value
        made = [self.walk(inner, items, depth + 1) for inner in value]
        return value if all(new is old for new, old in zip(made, value, strict=True)) else made

    def _mended(self, value: object, wanted: str, schema: Mapping[str, Any]) -> object:
        """The value as one of the wanted type, or as it is."""
        if wanted == "string":
            return _text(value)
        if isinstance(value, dict | list):
            return value
        if type(value) is str:
            if wanted in ("integer", "number"):
                return _number(value, wanted)
            if wanted == "boolean":
                return _WORDS.get(value, value)
        if wanted in ("object", "array"):
            return self._container(value, wanted, schema)
        return value

    def _container(self, value: object, wanted: str, schema: Mapping[str, Any]) -> object:
        if type(value) is str and value.lstrip().startswith("{" if wanted == "object" else "["):
            self._left -= len(value) // 64
            if self._left < 0:
                return value
            try:
                found = self._loads(value)
            except (ValueError, RecursionError):
                return value
            return found if _has_type(found, wanted) else value
        if wanted == "object" or value == "" or "prefixItems" in schema:
            return value
        items = self._plain(schema.get("items"))
        return [value] if items.wanted is None or _has_type(value, items.wanted) else value


def _besides_null(schema: Mapping[str, Any]) -> object:
    """The form that is allowed besides null, when there are these two."""
    branches = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(branches, list) and len(branches) == 2:
        others = [each for each in branches if each != {"type": "null"}]
        if len(others) == 1:
            return others[0]
    return None


def _has_type(value: object, wanted: str) -> bool:
    if wanted == "string":
        return type(value) is str
    if wanted == "number":
        return type(value) in (int, float, Number)
    if wanted == "integer":
        return type(value) is int or (type(value) in (float, Number) and float(value).is_integer())  # type: ignore[arg-type]
    if wanted == "boolean":
        return isinstance(value, bool)
    if wanted in ("object", "array"):
        return isinstance(value, dict if wanted == "object" else list)
    return True  # null, or no type of JSON


def _text(value: object) -> object:
    if type(value) is Number:
        return str(value)
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        try:
            return dump(value)
        except ValueError:  # an integer of thousands of digits
            pass
    return value


def _number(text: str, wanted: str) -> object:
    found = _NUMBER.fullmatch(text) if len(text) <= _NUMBER_MAX else None
    if found is None:
        return text
    if found[1] is None and found[2] is None:
        return int(text)
    number = float(text)
    if not math.isfinite(number) or Decimal(repr(number)) != Decimal(text):
        return text
    if wanted == "number":
        return number
    return int(number) if number.is_integer() else text


def read_faithfully(text: str) -> object:
    """The value of strict JSON, with numbers as `Number`. ValueError: it is none, or is nested too deeply."""
    strict_loads(text)  # says whether it is too deep
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_refuse)


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
