"""What language models mean by the JSON that they write, and what cannot be known."""

from __future__ import annotations

import json
import math
import time
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.services.json_scan import Nesting, spans
from grok2api.services.lenient_json import DEPTH_MAX, LENIENT_MAX, dump, lenient_loads, strict_loads
from tests.full import only_full

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [1, 2.5, null] ", [1, 2.5, None]),
        ('"text"', "text"),
        ("{}", {}),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ('["\\ud800"]', ["\ud800"]),
        # what is around it
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('Sure, here it is:\n```\n{"a": 1,}\n```\nAnything else?', {"a": 1}),
        ('~~~json\n{"a": 1}\n~~~', {"a": 1}),
        ('The answer is {"a": 1}, as you see.', {"a": 1}),
        ('As [1] says: {"a": 1}', {"a": 1}),
        ("# a comment\n{'a': 1}", {"a": 1}),
        # what is in it
        ("{'a': 'it\\'s', 'b': \"it's\"}", {"a": "it's", "b": "it's"}),
        ("{'a': True, 'b': False, 'c': None}", {"a": True, "b": False, "c": None}),
        ('{"a": 1, "b": [1, 2, ], }', {"a": 1, "b": [1, 2]}),
        ('{"a": 1, // one\n "b": 2 /* two */}', {"a": 1, "b": 2}),
        ("{a: 1, b_c: 'd'}", {"a": 1, "b_c": "d"}),
        ('{“a”: “b”}', {"a": "b"}),
        ('{"a": "two\nlines\tand a tab"}', {"a": "two\nlines\tand a tab"}),
        ('{"a": "say "hi" now", "b": 1}', {"a": "say \"hi\" now", "b": 1}),
        ('{"a": "{[\\"", "b": 1,}', {"a": '{["', "b": 1}),
        # its end
        ('{"a": {"b": [1, 2', {"a": {"b": [1, 2]}}),
        ('{"a": {"b": "c"}', {"a": {"b": "c"}}),
        ('{"a": {"b": "c"},\n```', {"a": {"b": "c"}}),
        ("{'a': {'b': 1}", {"a": {"b": 1}}),
        # the outer one is meant
        ('{"a": {"b": 1}, "c": 2,}', {"a": {"b": 1}, "c": 2}),
    ],
)  # fmt: skip
def test_what_models_write_is_understood(text: str, value: object) -> None:
    assert lenient_loads(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "hello", "```", "{", "[", "{{{{", "[[[", "{x y z}", "[citation needed]", "see [1] and [2]", '{"a"}',
        "undefined", "“a”", "```python\nprint(1)\n```", "{% if x %}", "f(x) = {x | x > 0}", "/* */",
        '{"a": "cut off in the mid', '{"a": "5" tall"}', '["a", "b',
    ],
)  # fmt: skip
def test_rubbish_and_what_is_uncertain_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        lenient_loads(text)


def test_repaired_values_are_made_of_plain_types() -> None:
    def plain(value: Any) -> None:
        assert type(value) in (dict, list, str, int, float, bool, type(None))
        for part in (
            [*value, *value.values()] if isinstance(value, dict) else value if type(value) is list else ()
        ):
            plain(part)

    plain(lenient_loads("{'a': ['b', {'c': 'd e', f: 'g'}], 'h': 1, 'i': None}"))


@pytest.mark.parametrize("depth", [DEPTH_MAX - 1, DEPTH_MAX + 1, 500, 5000, 100_000])
def test_depth_is_limited(depth: int) -> None:
    text = "[" * depth + "]" * depth
    if depth < DEPTH_MAX:
        assert dump(lenient_loads(text)) == text
    else:
        with pytest.raises(ValueError):
            lenient_loads(text)


def test_long_texts_are_read_strictly() -> None:
    long = "x" * LENIENT_MAX
    assert lenient_loads(json.dumps([long])) == [long]
    with pytest.raises(ValueError):
        lenient_loads(f"['{long}']")


@pytest.mark.parametrize(
    "piece",
    ["{", "[", '{"a":', '["', "['", "{'", '{"', "[(", "{a:{", "{'a': ", "{'a': 'b', ", "{a b ", "/* ", "// ",
     "#", "```\n", "{'a': 'x\"y' }", '"', "'", "[{'k': 'v', 'n': None},", "\\", '{"a": "b" "c" ', "(", "{'a':(",
     "[1,", ": "],
)  # fmt: skip
@pytest.mark.parametrize("head", ["", only_full("{'a': '"), '{"a": "', only_full("[")])
@pytest.mark.parametrize("size", [60_000, LENIENT_MAX])
def test_hostile_texts_take_bounded_time(piece: str, head: str, size: int) -> None:
    text = (head + piece * size)[:size]
    before = time.process_time()
    with suppress(ValueError):
        lenient_loads(text)
    assert time.process_time() - before < 5 * 0.8


@given(VALUES)
@settings(deadline=None)
def test_valid_json_means_itself(value: object) -> None:
    text = json.dumps(value)
    assert lenient_loads(text) == strict_loads(text) == json.loads(text)
    assert json.loads(dump(value)) == value


@given(st.text("{}[]\":,\\'`\n aT1/#", max_size=40))
@settings(deadline=None, max_examples=500)
def test_any_text_is_a_value_or_an_error(text: str) -> None:
    try:
        value = lenient_loads(text)
    except ValueError:
        return
    json.loads(dump(value), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, "é", None]}, '{"a":[1,"é",null]}'),
        (10**30, "1" + "0" * 30),
        ([math.nan, math.inf, {"a": -math.inf, "b": 10**20}], '[null,null,{"a":null,"b":100000000000000000000}]'),
        (["\ud800", "é"], '["\\ud800","\\u00e9"]'),
    ],
)  # fmt: skip
def test_what_is_written_is_always_valid(value: object, text: str) -> None:
    assert dump(value) == text
    json.loads(text, parse_constant=pytest.fail)
    text.encode()


DOCUMENT = '{"a{": ["]", {"\\"}": "\\\\"}], "b": "[`<"}'


@given(st.lists(st.integers(0, len(DOCUMENT)), max_size=10))
def test_the_end_of_a_document_is_found_in_any_split(cuts: list[int]) -> None:
    nesting = Nesting("<")
    whole = DOCUMENT + " tail"
    places = [0, *sorted(cuts), len(whole)]
    seen = 0
    for start, end in pairwise(places):
        piece, at = whole[start:end], 0
        while at < len(piece) and not nesting.complete:
            at = nesting.advance(piece, at)
            at += piece[at : at + 1] == "<"
        seen = start + at
        if nesting.complete:
            break
    assert seen == len(DOCUMENT)


def test_spans_are_the_documents_one_after_another() -> None:
    text = 'a {"b": [1]} "[2]" } [3] {"cut": "}'
    assert [text[start:end] for start, end in spans(text)] == ['{"b": [1]}', "[2]", "[3]", '{"cut": "}']
