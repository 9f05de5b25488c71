"""Slips of type in arguments of tools are mended where that loses nothing, and nothing else is touched."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.services.coercion import Number, coerced
from grok2api.services.schemas import problem_with

STRINGS = {"type": "array", "items": {"type": "string"}}
OPTIONAL = {"anyOf": [{"type": "integer"}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "integer"}, "5", 5),
        ({"type": "integer"}, "-12345678901234567890123", -12345678901234567890123),
        ({"type": "integer"}, "5.0", 5),
        ({"type": "integer"}, "5.5", "5.5"),
        ({"type": "integer"}, "05", "05"),
        ({"type": "integer"}, "٥", "٥"),
        ({"type": "integer"}, "5" * 65, "5" * 65),
        ({"type": "integer"}, True, True),
        ({"type": "integer"}, 5.5, 5.5),
        ({"type": "number"}, "5.5", 5.5),
        ({"type": "number"}, "1e3", 1000.0),
        ({"type": "number"}, "7", 7),
        ({"type": "number"}, "1e999", "1e999"),
        ({"type": "number"}, "1e-99999999999999999999999", "1e-99999999999999999999999"),
        ({"type": "number"}, "0e-99999999999999999999999", "0e-99999999999999999999999"),
        ({"type": "number"}, "0.12345678901234567890123", "0.12345678901234567890123"),
        ({"type": "number"}, "NaN", "NaN"),
        ({"type": "string"}, 5, "5"),
        ({"type": "string"}, 1.5, "1.5"),
        ({"type": "string"}, True, "true"),
        ({"type": "string"}, Number("1.10"), "1.10"),
        ({"type": "string"}, float("inf"), float("inf")),
        ({"type": "string"}, None, None),
        ({"type": "string"}, {"a": 1}, {"a": 1}),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "false", False),
        ({"type": "boolean"}, "yes", "yes"),
        ({"type": "boolean"}, 1, 1),
        (STRINGS, "x", ["x"]),
        (STRINGS, '["a", 1]', ["a", "1"]),
        (STRINGS, "[a", "[a"),
        (STRINGS, "", ""),
        (STRINGS, 5, 5),
        (STRINGS, ["a", 2], ["a", "2"]),
        (STRINGS, {"a": 1}, {"a": 1}),
        ({"type": "array"}, 5, [5]),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({"type": "object"}, "{a}", "{a}"),
        ({"type": "object"}, "[1]", "[1]"),
        ({"type": ["integer", "null"]}, "5", 5),
        ({"type": ["integer", "boolean"]}, "5", "5"),
        (OPTIONAL, "5", 5),
        (OPTIONAL, None, None),
        ({"oneOf": [{"type": "null"}, STRINGS]}, "x", ["x"]),
        ({"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, "5", "5"),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}, "5", 5),
        ({"$ref": "#/definitions/n", "definitions": {"n": {"$ref": "#/definitions/m"}, "m": OPTIONAL}}, "5", 5),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"$ref": "#/$defs/n"}}}, "5", "5"),
        ({"$ref": "#/$defs/none"}, "5", "5"),
        ({"$ref": "https://example.com/"}, "5", "5"),
        ({"properties": {"a": {"type": "string"}}}, {"a": 1, "b": 1}, {"a": "1", "b": 1}),
        ({"properties": {"a": {"type": "string"}}}, {"a": None, "b": None}, {"b": None}),
        ({"properties": {"a": {"type": "string"}}, "required": ["a"]}, {"a": None}, {"a": None}),
        ({"properties": {"a": OPTIONAL, "b": True, "c": {}}}, {"a": None, "b": None, "c": None},
         {"a": None, "b": None, "c": None}),
        ({"additionalProperties": {"type": "integer"}}, {"a": "1", "b": None}, {"a": 1, "b": None}),
        ({"patternProperties": {}, "additionalProperties": {"type": "integer"}}, {"a": "1"}, {"a": "1"}),
        ({"prefixItems": [{}], "items": {"type": "integer"}}, ["1", "2"], ["1", "2"]),
        ({"type": 5, "properties": 5, "items": [], "required": 5}, {"a": "1"}, {"a": "1"}),
    ],
)  # fmt: skip
def test_examples(schema: dict[str, Any], value: object, expected: object) -> None:
    before = copy.deepcopy(value)
    made = coerced(value, schema)
    assert made == expected and type(made) is type(expected)
    assert value == before
    if made == value and type(made) is type(value):
        assert made is value


def test_an_integer_too_long_for_python_to_write_stays() -> None:
    long = 10**5000
    assert coerced(long, {"type": "string"}) is long


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
    | st.sampled_from(["5", "1.0", "true", "[1]", '["5"]', '{"a": "5"}', "[", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "null", "object", "array"])
SCHEMAS = st.recursive(
    st.booleans() | st.fixed_dictionaries({"type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True)})
    | st.sampled_from([{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]),
    lambda inner: st.fixed_dictionaries({}, optional={
        "type": TYPES,
        "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True),
        "additionalProperties": inner,
        "items": inner,
    }) | st.tuples(inner, st.sampled_from(["anyOf", "oneOf"])).map(lambda each: {each[1]: [each[0], {"type": "null"}]}),
    max_leaves=6,
)  # fmt: skip
ROOTS = st.tuples(SCHEMAS, SCHEMAS, SCHEMAS).map(
    lambda each: {"allOf": []} if not isinstance(each[0], dict) else {**each[0], "$defs": dict(zip("ab", each[1:]))}  # noqa: B905
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(JSON, ROOTS)
def test_what_fits_stays_and_nothing_raises(value: object, schema: dict[str, Any]) -> None:
    made = coerced(value, schema)
    if problem_with(schema, value) is None:
        assert made is value
    assert coerced(made, schema) == made or made != made or "nan" in repr(made)


def test_hostile_values_take_bounded_time() -> None:
    schema = {"$ref": "#/$defs/a", "$defs": {"a": {"type": "array", "items": {"$ref": "#/$defs/a"}}}}
    deep: object = "x"
    for _ in range(5000):
        deep = [deep]
    text = "5"
    while len(text) < 500_000:
        text = json.dumps([text])
    wide = {"properties": {str(n): {"type": "string"} for n in range(20_000)}}
    required = {**wide, "required": [f"r{n}" for n in range(20_000)]}
    before = time.process_time()
    assert coerced(deep, schema) is deep
    coerced(text, schema)
    coerced([[text] * 3] * 100_000, schema)
    coerced(dict.fromkeys(wide["properties"]), required)
    assert time.process_time() - before < 5 * 0.6
