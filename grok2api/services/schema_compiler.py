"""Turns a client's JSON schema (Draft 2020-12) into one that can be applied without surprises.

The result holds only what asserts something, in the words of the specification: no dialect that would choose other
rules, no annotation, and every reference points into `$defs` of the root. What the specification forbids, what
refers to other documents and what could become costly is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from grok2api.services.schema_patterns import BadPattern, compiled

#: Schemas and values in a schema, those in `enum` too.
NODES_MAX = 10_000
#: Schemas in one another.
DEPTH_MAX = 64
#: All values in the document, and how many of them in one another: also what says nothing is repeated to the model.
VALUES_MAX, LEVELS_MAX = 100_000, 200
#: Schemas that one value may be held against at once: references in `allOf` and the like multiply.
AT_ONCE_MAX = 2 * NODES_MAX
#: The same where it must be known which properties or items they speak of, which is looked for anew each time.
EVALUATED_MAX = 500

Node = dict[str, Any] | bool

_TYPES = frozenset(("array", "boolean", "integer", "null", "number", "object", "string"))
_SCHEMAS = frozenset(
    (
        "items",
        "contains",
        "additionalProperties",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
    + ("not", "if", "then", "else")
)
_BY_NAME = frozenset(("properties", "patternProperties", "dependentSchemas"))
_DEFINITIONS = frozenset(("$defs", "definitions"))
_LISTS = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_UNSUPPORTED = frozenset(("$dynamicRef", "$recursiveRef"))


#: The same of all schemas of one request, and characters of all their patterns.
TOGETHER_MAX, PATTERNS_MAX = 50_000, 20_000
#: What of a client's own names is repeated in a message.
_NAME_MAX = 64


class BadSchema(Exception):
    """The schema is none or cannot be used. The message is short and for the client."""

    def __init__(self, message: str) -> None:
        super().__init__(message[:500])


def _is_count(value: object) -> bool:
    return type(value) in (int, float) and value >= 0 and value == value // 1  # type: ignore[operator]


def _is_number(value: object) -> bool:
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _is_strings(value: object) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(item, str) for item in value)
        and len(set(value)) == len(value)
    )


def _is_type(value: object) -> bool:
    names = value if isinstance(value, list) and value else [value]
    return all(isinstance(name, str) and name in _TYPES for name in names) and len(set(names)) == len(names)


def _is_dependencies(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_strings, value.values()))


Check = tuple[Callable[[object], bool], str]

_COUNT: Check = (_is_count, "a whole number, not negative")
_NUMBER: Check = (_is_number, "a number")
_FLAG: Check = (lambda value: isinstance(value, bool), "true or false")
_STRING: Check = (lambda value: isinstance(value, str), "a string")
_LIST: Check = (lambda value: isinstance(value, list), "a list")
#: What asserts something, and what it must be.
_ASSERTIONS: dict[str, Check] = {
    "type": (_is_type, f"one or more of {', '.join(sorted(_TYPES))}"),
    "enum": _LIST,
    "const": (lambda value: True, ""),
    "required": (_is_strings, "a list of different strings"),
    "dependentRequired": (_is_dependencies, "lists of different strings by name"),
    "uniqueItems": _FLAG,
    "pattern": _STRING,
    "multipleOf": (lambda value: _is_number(value) and value > 0, "a number above zero"),  # type: ignore[operator]
    **dict.fromkeys(("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"), _NUMBER),
    **dict.fromkeys(("maxLength", "minLength", "maxItems", "minItems", "maxContains", "minContains"), _COUNT),
    **dict.fromkeys(("maxProperties", "minProperties"), _COUNT),
}
_ANNOTATIONS: dict[str, Check] = {
    **dict.fromkeys(("$schema", "$id", "$anchor", "$comment", "title", "description", "format"), _STRING),
    **dict.fromkeys(("contentEncoding", "contentMediaType"), _STRING),
    **dict.fromkeys(("deprecated", "readOnly", "writeOnly"), _FLAG),
    "examples": _LIST,
}


def check_extent(schema: Mapping[str, Any]) -> None:
    """BadSchema when the document is too large or too deep, whatever its parts mean."""
    level: list[Any] = [schema]
    values = levels = 0
    while level:
        values, levels = values + len(level), levels + 1
        if values > VALUES_MAX:
            raise BadSchema("the schema is too large")
        if levels > LEVELS_MAX:
            raise BadSchema("the schema is nested too deeply")
        inner = [
            part.values() if isinstance(part, Mapping) else part
            for part in level
            if isinstance(part, Mapping | list)
        ]
        level = [value for values_of_part in inner for value in values_of_part]


def check_extent_together(value: object) -> None:
    """BadSchema when a request's schemas, wherever they stand in this value, are too large to be looked at.

    What is looked at takes time in which a worker does nothing else: each value some microseconds, each character of a
    pattern about as much.
    """
    characters = 0
    for values, part in enumerate(_parts(value), 1):
        if isinstance(part, Mapping):
            pattern, names = part.get("pattern"), part.get("patternProperties")
            characters += len(pattern) if isinstance(pattern, str) else 0
            characters += sum(map(len, names)) if isinstance(names, Mapping) else 0
        if values > TOGETHER_MAX:
            raise BadSchema("the schemas of one request are too large")
        if characters > PATTERNS_MAX:
            raise BadSchema("the patterns of one request's schemas are too long")


def compile_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema to apply, which may share parts with the one given; BadSchema."""
    try:
        return _Compiler(schema).compile()
    except RecursionError:
        raise BadSchema("the schema is nested too deeply") from None


class _Compiler:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._nodes = 0
        self._made: list[dict[str, Any]] = []
        self._definitions: dict[str, Node] = {}
        self._names: dict[int, str] = {}  # of what is referred to, by its identity
        self._waiting: list[tuple[str, object, str]] = []
        self._marked: dict[str, object] | None = None

    def compile(self) -> dict[str, Any]:
        root = self._schema(self._root, "$", 0)
        while self._waiting:
            name, target, where = self._waiting.pop()
            self._definitions[name] = self._schema(target, where, 0)
        self._measure()
        assert isinstance(root, dict)  # nosec B101 # for mypy: of a mapping a node is made
        return {**root, "$defs": self._definitions} if self._definitions else root

    def _schema(self, node: object, where: str, depth: int) -> Node:
        self._count(1)
        if isinstance(node, bool):
            return node
        if not isinstance(node, Mapping):
            raise BadSchema(f"{where} must be an object or a boolean")
        if depth > DEPTH_MAX:
            raise BadSchema("the schema is nested too deeply")
        made: dict[str, Any] = {}
        self._made.append(made)
        for key, value in node.items():
            place = f"{where}.{key[:_NAME_MAX]}"
            if key in _SCHEMAS:
                made[key] = self._schema(value, place, depth + 1)
            elif key in _BY_NAME or key in _DEFINITIONS:
                parts = self._by_name(value, place, depth)
                if key == "patternProperties":
                    _check_patterns(parts, place)
                if key == "properties":  # jsonschema forgets where `false` stood
                    parts = {name: {"not": True} if part is False else part for name, part in parts.items()}
                if key in _BY_NAME:
                    made[key] = parts
            elif key in _LISTS:
                if not isinstance(value, list) or not value:
                    raise BadSchema(f"{place} must be a list that is not empty")
                made[key] = [self._schema(item, f"{place}[{at}]", depth + 1) for at, item in enumerate(value)]
            elif key == "$ref":
                made[key] = f"#/$defs/{self._target(value, place)}"
            elif key in _UNSUPPORTED:
                raise BadSchema(f"{place} is not supported, use $ref")
            elif key in _ASSERTIONS:
                made[key] = self._assertion(key, value, place)
            elif key in _ANNOTATIONS:
                _check(_ANNOTATIONS[key], value, place)
        return made

    def _by_name(self, value: object, where: str, depth: int) -> dict[str, Node]:
        if not isinstance(value, Mapping):
            raise BadSchema(f"{where} must be an object")
        return {
            name: self._schema(part, f"{where}.{name[:_NAME_MAX]}", depth + 1) for name, part in value.items()
        }

    def _assertion(self, key: str, value: Any, where: str) -> object:
        _check(_ASSERTIONS[key], value, where)
        if key == "pattern":
            _check_patterns((value,), where)
        elif key in ("enum", "const", "required", "dependentRequired"):
            self._count(sum(1 for _ in _parts(value)))
        return int(value) if _ASSERTIONS[key] is _COUNT else value

    def _count(self, more: int) -> None:
        self._nodes += more
        if self._nodes > NODES_MAX:
            raise BadSchema("the schema is too large")

    def _target(self, reference: object, where: str) -> str:
        """The name in `$defs` of what is referred to."""
        if not isinstance(reference, str):
            raise BadSchema(f"{where} must be a string")
        target = self._find(reference, where)
        name = self._names.get(id(target))
        if name is None:
            name = self._names[id(target)] = str(len(self._names))
            self._waiting.append((name, target, reference[:200]))
        return name

    def _find(self, reference: str, where: str) -> object:
        document, _, fragment = reference.partition("#")
        fragment = unquote(fragment)
        node: Any = self._root
        if document and document != self._root.get("$id"):
            node = self._marks().get(document)
            if node is None:
                raise BadSchema(f"{where} refers to another document, which is not fetched")
        if fragment and not fragment.startswith("/"):
            node = self._marks().get("#" + fragment)
        for step in fragment.split("/")[1:] if fragment.startswith("/") else ():
            step = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping):
                node = node.get(step)
            elif isinstance(node, list) and step.isdecimal() and len(step) < 6 and int(step) < len(node):
                node = node[int(step)]
            else:
                node = None
        if node is None:
            raise BadSchema(f"{where} refers to nothing")
        return node

    def _marks(self) -> dict[str, object]:
        """What has an `$id`, or with a # before it an `$anchor`."""
        if self._marked is None:
            self._marked = {}
            for part in _parts(self._root):
                for key, prefix in (("$id", ""), ("$anchor", "#")):
                    if isinstance(part, Mapping) and isinstance(name := part.get(key), str):
                        self._marked.setdefault(prefix + name, part)
        return self._marked

    def _measure(self) -> None:
        """Refuses what would have to be held against one value too often, or for ever."""
        measured: dict[int, tuple[int, int, bool] | None] = {}
        for node in self._made:
            size, height, patterns = self._at_once(node, measured)
            if size > AT_ONCE_MAX or height > DEPTH_MAX:
                raise BadSchema("the schema refers to itself too often")
            if "unevaluatedProperties" in node or "unevaluatedItems" in node:
                if patterns:
                    raise BadSchema("unevaluatedProperties together with patternProperties is not supported")
                if size > EVALUATED_MAX:
                    raise BadSchema("unevaluatedProperties together with so many schemas is not supported")

    def _at_once(
        self, node: Node, measured: dict[int, tuple[int, int, bool] | None]
    ) -> tuple[int, int, bool]:
        """How many schemas hold for the value that this one holds for, in how many levels, and whether one of them
        has patterns for names."""
        if isinstance(node, bool):
            return 1, 1, False
        known = measured.get(id(node), ())
        if known is None:
            raise BadSchema("the schema refers to itself without an end")
        if known:
            return known
        measured[id(node)] = None
        inner = [self._at_once(part, measured) for part in self._parts_at_once(node)]
        found = (
            1 + sum(size for size, _, _ in inner),
            1 + max((height for _, height, _ in inner), default=0),
            "patternProperties" in node or any(patterns for _, _, patterns in inner),
        )
        measured[id(node)] = found
        return found

    def _parts_at_once(self, node: dict[str, Any]) -> Iterator[Node]:
        if "$ref" in node:
            yield self._definitions[node["$ref"].rpartition("/")[2]]
        for key in ("allOf", "anyOf", "oneOf"):
            yield from node.get(key, ())
        for key in ("not", "if", "then", "else"):
            if key in node:
                yield node[key]
        yield from node.get("dependentSchemas", {}).values()


def _check(check: Check, value: object, where: str) -> None:
    fits, words = check
    if not fits(value):
        raise BadSchema(f"{where[:200]} must be {words}")


def _check_patterns(patterns: Any, where: str) -> None:
    for pattern in patterns:
        try:
            compiled(pattern)
        except BadPattern as error:
            raise BadSchema(f"{where[:200]}: {error}") from error


def _parts(value: object) -> Iterator[object]:
    """The value and all that is in it."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        yield part
        if isinstance(part, Mapping):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
