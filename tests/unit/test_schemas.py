"""Values against the schemas of clients: right, in words for the model, and never slow."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, SchemaError

from grok2api.services import schema_compiler
from grok2api.services.schema_patterns import BadPattern, compiled
from grok2api.services.schemas import TIME_MAX_S, BadSchema, check_schema, problem_with

WEATHER = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 1},
        "days": {"type": "integer", "minimum": 1, "maximum": 14},
        "unit": {"enum": ["c", "f"]},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": 3},
    },
    "required": ["city"],
    "additionalProperties": False,
}

#: Fivefold what it needs here.
SLACK = 5


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Of this thread's own time, without the garbage of all the tests before."""
    gc.collect()
    gc.disable()
    before = time.thread_time()
    try:
        yield
        assert time.thread_time() - before < seconds
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"city": "Paris"}, None),
        ({"city": "Paris", "days": 3.0, "unit": "c", "tags": ["a", "b"]}, None),
        ({"city": 5}, "$.city: must be string, not integer"),
        ({"city": ""}, "$.city: must have at least 1 characters"),
        ({}, "$: 'city' is a required property"),
        ([], "$: must be object, not array"),
        (
            {"city": "P", "town": 1},
            '$: must not have the property "town"; allowed: only ["city","days","unit","tags"]',
        ),
        ({"city": "P", "days": 0}, "$.days: must be at least 1"),
        ({"city": "P", "days": True}, "$.days: must be integer, not boolean"),
        ({"city": "P", "unit": "k"}, '$.unit: must be one of ["c","f"]'),
        ({"city": "P", "tags": ["a", 1]}, "$.tags[1]: must be string, not integer"),
        ({"city": "P", "tags": ["a", "a"]}, "$.tags: must not have the same item twice"),
        ({"city": "P", "tags": list("abcd")}, "$.tags: must have at most 3 items"),
        ({"city": None, "days": 99}, "$.city: must be string, not null; $.days: must be at most 14"),
    ],
)
def test_a_problem_says_where_and_what(value: object, problem: str | None) -> None:
    assert problem_with(WEATHER, value) == problem


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ({"const": 1}, 1.0, None),
        ({"const": 1}, True, "$: must be 1"),
        ({"enum": [1, {"a": [1.0]}]}, {"a": [1]}, None),
        ({"enum": [1]}, True, "$: must be one of [1]"),
        ({"uniqueItems": True}, [1, True, "1", [1], {"a": 1}], None),
        (
            {"uniqueItems": True},
            [{"a": 1, "b": 2}, {"b": 2, "a": 1.0}],
            "$: must not have the same item twice",
        ),
        ({"multipleOf": 0.01}, 19.99, None),
        ({"multipleOf": 0.01}, 19.999, "$: must be a multiple of 0.01"),
        ({"multipleOf": 3}, float("inf"), "$: must be a multiple of 3"),
        ({"multipleOf": 0.5}, 10**400, None),
        ({"pattern": r"^\p{Lu}"}, "Éa", None),
        ({"pattern": "^{a}$"}, "b", '$: must match the pattern "^{a}$"'),
        ({"pattern": "^a{2}$"}, "aa", None),
        ({"properties": {"a": False}}, {"a": 1}, "$.a: must not be there"),
        ({"patternProperties": {"^x": {"type": "null"}}, "additionalProperties": False}, {"x1": None}, None),
        (
            {"patternProperties": {"^x": {"type": "null"}}, "additionalProperties": False},
            {"y": 1},
            '$: must not have the property "y"; allowed: none',
        ),
        ({"additionalProperties": {"type": "null"}}, {"y": 1}, "$.y: must be null, not integer"),
        (
            {"anyOf": [{"type": "string"}, {"properties": {"a": {"type": "null"}}}]},
            {"a": 1},
            "$: fits none of the forms allowed ($.a: must be null, not integer)",
        ),
        ({"oneOf": [True, {"type": "integer"}]}, 1, "$: must fit only one of the forms allowed"),
        ({"not": {"type": "string"}}, "a", '$: must not fit {"type":"string"}'),
        ({"contains": {"const": 1}}, [2], '$: must have an item that fits {"const":1}'),
        ({"type": ["string", "null"]}, 1, "$: must be string or null, not integer"),
        ({"prefixItems": [True], "items": False}, [1, 2], "$: must have fewer items"),
        ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"const": 1}}}, 2, "$: must be 1"),
        ({"$ref": "#/definitions/a", "definitions": {"a": {"$id": "a", "type": "null"}}}, None, None),
        (
            {"items": {"$ref": "b"}, "$defs": {"x": {"$id": "b", "type": "null"}}},
            [1],
            "$[0]: must be null, not integer",
        ),
        ({"items": {"$ref": "#n"}, "$defs": {"x": {"$anchor": "n", "type": "null"}}}, [None], None),
        ({"items": {"$ref": "#/x-mine/a~1b%20c"}, "x-mine": {"a/b c": {"type": "null"}}}, [None], None),
        (
            {"$id": "urn:me", "properties": {"a": {"$ref": "urn:me#"}}, "required": ["a"]},
            {"a": {"a": 1}},
            None,
        ),
        (
            {
                "allOf": [{"$ref": "#/$defs/a"}],
                "$defs": {"a": {"properties": {"x": {}}}},
                "unevaluatedProperties": False,
            },
            {"x": 1, "y": 2},
            "$: Unevaluated properties are not allowed ('y' was unexpected)",
        ),
        ({"format": "email"}, "no", None),
        ({"properties": {"$schema": {"const": 1}, "$ref": {"const": 2}}}, {"$schema": 1, "$ref": 2}, None),
    ],
)
def test_keywords(schema: dict[str, Any], value: object, problem: str | None) -> None:
    check_schema(schema)
    assert problem_with(schema, value) == problem


def test_no_schema_takes_everything() -> None:
    assert problem_with(None, {"any": ["thing"]}) is None


def test_a_long_problem_is_cut() -> None:
    told = problem_with({"properties": {"k" * 1000: {"const": "c" * 1000}}}, {"k" * 1000: "v" * 1000})
    assert told is not None and len(told) < 300


def test_the_dialect_named_in_a_schema_does_not_choose_other_rules() -> None:
    """jsonschema would take the rules of Draft 7 from the reference on, with a search that never ends."""
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "^(a|aa)+$"}
    root = {"properties": {"a": {"$ref": "#/properties/b"}, "b": schema}}
    with within(SLACK * 0.2):
        assert problem_with(root, {"a": "a" * 60 + "b"}) is not None


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        ({"type": "str"}, "$.type must be one or more of array"),
        ({"type": []}, "$.type must be"),
        ({"type": ["string", "string"]}, "$.type must be"),
        ({"properties": []}, "$.properties must be an object"),
        ({"properties": {"a": "string"}}, "$.properties.a must be an object or a boolean"),
        (
            {"properties": {"a": {"required": True}}},
            "$.properties.a.required must be a list of different strings",
        ),
        ({"required": ["a", "a"]}, "$.required must be"),
        ({"items": [{"type": "string"}]}, "$.items must be an object or a boolean"),
        ({"anyOf": []}, "$.anyOf must be a list that is not empty"),
        ({"minLength": -1}, "$.minLength must be a whole number"),
        ({"maxItems": 1.5}, "$.maxItems must be"),
        ({"maxItems": True}, "$.maxItems must be"),
        ({"minimum": "1"}, "$.minimum must be a number"),
        ({"exclusiveMinimum": True}, "$.exclusiveMinimum must be a number"),
        ({"multipleOf": 0}, "$.multipleOf must be a number above zero"),
        ({"enum": "ab"}, "$.enum must be a list"),
        ({"description": 1}, "$.description must be a string"),
        ({"$defs": {"unused": {"type": 1}}}, "$.$defs.unused.type must be"),
        ({"pattern": "("}, "$.pattern: the pattern does not compile"),
        ({"patternProperties": {"[": True}}, "$.patternProperties: the pattern does not compile"),
        ({"$ref": "#/$defs/none"}, "$.$ref refers to nothing"),
        ({"$ref": "#none"}, "$.$ref refers to nothing"),
        ({"$ref": 1}, "$.$ref must be a string"),
        ({"$ref": "http://169.254.169.254/latest"}, "$.$ref refers to another document"),
        ({"$ref": "file:///etc/passwd"}, "$.$ref refers to another document"),
        ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, "$.$ref refers to another document"),
        ({"$dynamicRef": "#a"}, "not supported"),
        ({"$ref": "#"}, "refers to itself without an end"),
        ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"anyOf": [{"$ref": "#"}]}}}, "without an end"),
        ({"unevaluatedProperties": False, "allOf": [{"patternProperties": {"a": True}}]}, "together with"),
    ],
)
def test_what_is_no_usable_schema_is_refused(schema: dict[str, Any], part: str) -> None:
    with pytest.raises(BadSchema) as error:
        check_schema(schema)
    assert part in str(error.value) and len(str(error.value)) < 400
    assert "cannot be used" in str(problem_with(schema, {}))


def doubling(levels: int) -> dict[str, Any]:
    definitions: dict[str, Any] = {
        f"a{level}": {"allOf": [{"$ref": f"#/$defs/a{level + 1}"}] * 2} for level in range(levels)
    }
    return {"$ref": "#/$defs/a0", "$defs": {**definitions, f"a{levels}": True}}


def nested(levels: int, wrap: Callable[[Any], Any], inner: Any) -> Any:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


@pytest.mark.parametrize(
    "schema",
    [
        doubling(60),
        {
            "$ref": "#/$defs/0",
            "$defs": {str(n): {"$ref": f"#/$defs/{n + 1}"} for n in range(5000)} | {"5000": True},
        },
        nested(5000, lambda inner: {"properties": {"a": inner}}, {}),
        nested(5000, lambda inner: {"not": inner}, {}),
        {"const": nested(50_000, lambda inner: [inner], [])},
        {"default": nested(5000, lambda inner: [inner], [])},
        {"examples": [list(range(200_000))]},
        {"enum": list(range(50_000))},
        {"properties": {f"p{n}": {} for n in range(50_000)}},
        {"pattern": "((((a{100}){100}){100}){100}){100}"},
        {"pattern": "a{1000000}"},
        {"pattern": "(" * 300 + ")" * 300},
        {"pattern": "x" * 100_000},
        {"pattern": "(?R)"},
        {"unevaluatedProperties": False, **doubling(12)},
    ],
)
def test_hostile_schemas_are_refused_soon(schema: dict[str, Any]) -> None:
    with within(SLACK * 0.1), pytest.raises(BadSchema):
        check_schema(schema)


def test_a_large_schema_of_an_honest_client_is_checked_soon() -> None:
    schema = {"properties": {f"p{n}": {"type": "string", "description": "x" * 100} for n in range(4000)}}
    with within(SLACK * 0.05):
        check_schema(schema)


STRINGS = ["x" * 100] * 10_000


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"properties": {"a": {"allOf": [{"$ref": "#"}] * 2}}}, nested(60, lambda inner: {"a": inner}, {})),
        ({"properties": {"a": {"$ref": "#"}}}, nested(900, lambda inner: {"a": inner}, {})),
        ({"const": 1}, nested(100_000, lambda inner: [inner], [])),
        ({"uniqueItems": True}, nested(100_000, lambda inner: [inner], [])),
        ({"uniqueItems": True}, [n * (2**61 - 1) for n in range(40_000)]),
        ({"uniqueItems": True}, [[n, str(n), None] for n in range(20_000)]),
        ({"items": {"enum": list(range(9000))}}, list(range(9000))),
        ({"items": {"enum": [str(n) for n in range(9000)]}}, [str(n) for n in range(9000)]),
        ({"items": {"contains": {"type": "string"}}}, [[0] * 1000] * 1000),
        ({"items": {"anyOf": [{"type": "string"}] * 1000}}, list(range(1000))),
        ({"items": {"pattern": "^(a|aa)+$"}}, ["a" * 60 + "b"] * 1000),
        ({"patternProperties": {"^(a|aa)+$": {}}}, {"a" * 60 + str(n): n for n in range(1000)}),
        ({"patternProperties": {"^(a|aa)+$": {}}, "additionalProperties": False}, {"a" * 60 + "b": 1}),
        ({"anyOf": [{"allOf": [{"minItems": 99_999}] * 1000}]}, STRINGS),
        (nested(30, lambda inner: {"anyOf": [inner, inner]}, {"type": "null"}), STRINGS),
        ({"anyOf": [{"anyOf": [{"type": "null"}] * 90}] * 90}, STRINGS),
        ({"unevaluatedItems": False, "contains": {"const": 1}}, list(range(50_000))),
    ],
)
def test_hostile_values_take_bounded_time(schema: dict[str, Any], value: object) -> None:
    with within(SLACK * TIME_MAX_S):
        assert isinstance(problem_with(schema, value), str | None)


def test_a_large_value_of_an_honest_model_is_checked() -> None:
    assert problem_with({"items": {"type": "number"}}, list(range(10_000))) is None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^\d{4}-\d{2}-\d{2}$", "2026-01-31"),
        (r"^[\w.+-]+@[\w-]+\.[a-z]{2,}$", "a@b.example"),
        (r"^(?<y>\d)\k<y>$", "11"),
        (r"\u{1F600}", "😀"),
        (r"^\/a\{b}$", "/a{b}"),
        ("^[[{]$", "{"),
        ("^[]a]+$", "a]"),
        ("^.{1,50000}$", "x"),
        ("(?i)^ABC$", "abc"),
        ("^(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}$", "1:2:3:4:5:6:7:8"),
        ("(e){e<=3}", "e{e<=3}"),
    ],
)
def test_patterns_mean_what_they_mean_in_javascript(pattern: str, text: str) -> None:
    assert compiled(pattern).search(text, timeout=1)


@given(st.text("ab(){}[]^$*+?|\\,.:=!<>P-&019", max_size=30))
@settings(deadline=None, max_examples=500)
def test_any_pattern_compiles_or_is_bad(pattern: str) -> None:
    with suppress(BadPattern, TimeoutError):
        compiled(pattern).search("ab(" * 20, timeout=0.05)


NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.sampled_from([None, True, False, 0, 1, 1.0, 2, 2.5, -1, "", "a", "ab", "b"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
COUNTS = st.integers(0, 3)


def keywords(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(inner, min_size=1, max_size=3)
    by_name = st.dictionaries(NAMES, inner, max_size=3)
    types = st.sampled_from(["array", "boolean", "integer", "null", "number", "object", "string"])
    return st.fixed_dictionaries(
        {},
        optional={
            "type": types | st.lists(types, min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, max_size=4),
            "const": VALUES,
            "minimum": st.integers(-1, 2),
            "exclusiveMaximum": st.integers(-1, 2),
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "minLength": COUNTS,
            "maxLength": COUNTS,
            "pattern": st.sampled_from(["a", "^a", "b$", "^$"]),
            "items": inner,
            "prefixItems": some,
            "contains": inner,
            "minContains": COUNTS,
            "maxItems": COUNTS,
            "uniqueItems": st.booleans(),
            "properties": by_name,
            "patternProperties": st.dictionaries(st.sampled_from(["a", "[bc]"]), inner, max_size=2),
            "additionalProperties": inner,
            "propertyNames": inner,
            "required": st.lists(NAMES, max_size=2, unique=True),
            "minProperties": COUNTS,
            "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
            "dependentSchemas": by_name,
            "allOf": some,
            "anyOf": some,
            "oneOf": some,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "unevaluatedProperties": inner,
            "unevaluatedItems": inner,
            "title": st.just("t"),
            "format": st.just("email"),
        },
    )


SCHEMAS = st.recursive(st.booleans() | keywords(st.booleans()), keywords, max_leaves=10)


@given(SCHEMAS.filter(lambda schema: isinstance(schema, dict)), VALUES)
@settings(deadline=None, max_examples=200)
def test_it_says_what_jsonschema_says(schema: dict[str, Any], value: object) -> None:
    try:
        check_schema(schema)
    except BadSchema as error:
        assert "together with patternProperties" in str(error)
        return
    expected = Draft202012Validator(schema).is_valid(value)
    assert (problem_with(schema, value) is None) is expected, json.dumps([schema, value])


@given(st.dictionaries(st.sampled_from(["type", "enum", "required", "items", "anyOf", "minLength", "minimum",
                                        "properties", "uniqueItems", "title", "multipleOf", "$defs",
                                        "dependentRequired", "examples", "deprecated"]), VALUES))  # fmt: skip
@settings(deadline=None, max_examples=500)
def test_it_refuses_what_the_metaschema_refuses(schema: dict[str, Any]) -> None:
    try:
        Draft202012Validator.check_schema(schema)
        valid = True
    except SchemaError:
        valid = False
    if valid:
        check_schema(schema)
    else:
        with pytest.raises(BadSchema):
            check_schema(schema)


def test_the_compiled_schema_says_nothing_but_what_it_asserts() -> None:
    schema = {"$schema": "x", "$id": "y", "title": "z", "default": 1, "unknown": 2, "definitions": {"a": {}}}
    assert schema_compiler.compile_schema({**schema, "type": "string"}) == {"type": "string"}
