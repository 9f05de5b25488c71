"""The JSON document of an answer, out of what models write around it, whole and while it streams."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterable, Iterator
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.errors import UpstreamFailed
from grok2api.events import Citation, Event, Finish, Reasoning, Text
from grok2api.services.filters import json_answer
from grok2api.services.filters.json_answer import FITS_MAX, STRAY_MAX, pick_json, stream_json
from grok2api.services.schemas import problem_with

VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def anything(value: object) -> str | None:
    return None


def an_object(value: object) -> str | None:
    return None if isinstance(value, dict) else "It is no object."


def with_b(value: object) -> str | None:
    return problem_with({"type": "object", "required": ["b"]}, value)


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"b": 1.10,  "a": 2}', '{"b": 1.10,  "a": 2}'),
        ('  [1, 2]\n', "[1, 2]"),
        ('```json\n{"a":  1}\n```', '{"a":  1}'),
        ('Here it is:\n\n```\n{"a": 1}\n```\nAnything else?', '{"a": 1}'),
        ('Here it is: {"a": 1}. Anything else?', '{"a": 1}'),
        ('{"a": 1}\n{"a": 2}', '{"a": 1}'),
        ('Use {braces}: {"a": 1}', '{"a": 1}'),
        ("{'a': True, 'b': [1, 2,],}", '{"a":true,"b":[1,2]}'),
        ('```json\n{"a": "é", // one\n}\n```', '{"a":"é"}'),
        ('{"a": {"b": [1, 2]', '{"a":{"b":[1,2]}}'),
        ('{"a": {"b": 1}, "c": 2,}', '{"a":{"b":1},"c":2}'),
        ('{"a": "two\nlines"}', '{"a":"two\\nlines"}'),
        ('{"a": NaN}', '{"a":null}'),
    ],
)  # fmt: skip
def test_the_document_is_found(text: str, document: str) -> None:
    assert pick_json(text, anything) == (document, "")


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('As [1] says: {"a": 1}', '{"a": 1}'),
        ('[{"a": 1}]', '{"a": 1}'),
        ('```json\n[1]\n```\n```json\n{"a": 1}\n```', '{"a": 1}'),
    ],
)
def test_the_first_that_fits_wins(text: str, document: str) -> None:
    assert pick_json(text, an_object) == (document, "")


def test_a_document_within_another_is_the_last_resort() -> None:
    assert pick_json('{"answer": {"b": 1}}', with_b) == ('{"b": 1}', "")
    assert pick_json('{"b": {"b": 1},}', with_b) == ('{"b":{"b":1}}', "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "There is no JSON document in the answer."),
        ("I cannot do that.", "There is no JSON document in the answer."),
        ("42", "There is no JSON document in the answer."),
        ('"text"', "There is no JSON document in the answer."),
        ('{"a": 1}', "$: 'b' is a required property"),
        ('[1] {"a": 1}', "$: must be object, not array"),
    ],
)
def test_the_problem_is_the_one_of_the_first_document(text: str, problem: str) -> None:
    assert pick_json(text, with_b) == (None, problem)


def test_other_values_will_do_when_no_container_is_wanted() -> None:
    assert pick_json(" 42 ", anything, container=False) == ("42", "")
    assert pick_json('```\n"a"\n```', anything, container=False) == ('"a"', "")


def test_few_documents_are_held_against_the_schema() -> None:
    seen: list[object] = []

    def unfit(value: object) -> str:
        seen.append(value)
        return "No."

    assert pick_json(" ".join(f'{{"a": {n}}}' for n in range(99)), unfit) == (None, "No.")
    assert len(seen) == FITS_MAX


@given(st.lists(VALUES, max_size=4) | st.dictionaries(st.text(max_size=4), VALUES, max_size=4), st.booleans())
@settings(deadline=None)
def test_any_document_is_given_as_it_was_written(value: object, indent: bool) -> None:
    document = json.dumps(value, indent=2 if indent else None, ensure_ascii=False)
    assert pick_json(document, anything) == (document, "")
    assert pick_json(f"Sure:\n\n```json\n{document}\n```\n", lambda v: None if v == value else "no") == (
        document,
        "",
    )


@pytest.mark.parametrize(
    "piece",
    [
        "{",
        "[",
        '{"a":',
        "{'a':",
        '["',
        "```\n",
        "`",
        '"',
        '{"a":1} ',
        "[[1],",
        "```json\n{'a':1\n```\n",
        '{"a":[1],',
        "x{",
    ],
)
def test_hostile_answers_take_bounded_time(piece: str) -> None:
    for size in (100_000, 1_000_000):
        before = time.process_time()
        pick_json((piece * size)[:size], lambda value: "no")
        assert time.process_time() - before < 5 * 1.5


def streamed(events: Iterable[Event]) -> str:
    return "".join(event.text for event in stream_json(events) if isinstance(event, Text))


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('```json\n{"a": "}```"}\n```\nThat was it.', '{"a": "}```"}'),
        ('Sure: [{"a": "\\"]"}, 2] and {"b": 3}', '[{"a": "\\"]"}, 2]'),
        ('{"a": {"b": 1', '{"a": {"b": 1'),
        ("{} {}", "{}"),
        ("I cannot do that.", "I cannot do that."),
        ("```\nno\n```", "```\nno\n```"),
        ("", ""),
    ],
)
def test_the_document_streams_without_what_is_around_it(text: str, document: str) -> None:
    assert streamed([Text(text)] if text else []) == document
    assert streamed([*map(Text, text), Finish()]) == document


def test_pieces_pass_as_they_come() -> None:
    answer: list[Event] = [
        Text("Sure: "), Reasoning("hm"), Text('{"a"'), Text(": 1"), Citation("u"), Text("} bye"), Text("!"), Finish(),
    ]  # fmt: skip
    assert list(stream_json(answer)) == [
        Reasoning("hm"), Text('{"a"'), Text(": 1"), Citation("u"), Text("}"), Finish(),
    ]  # fmt: skip


def test_stray_text_is_given_before_the_end_and_before_an_error() -> None:
    assert list(stream_json([Text("No"), Text("."), Finish("length")])) == [Text("No."), Finish("length")]

    def failing() -> Iterator[Event]:
        yield Text("No")
        raise UpstreamFailed("cut off")

    seen: list[Event] = []
    with pytest.raises(UpstreamFailed):
        for event in stream_json(failing()):
            seen.append(event)
    assert seen == [Text("No")]


def test_much_stray_text_flows_unchanged() -> None:
    text = "x" * STRAY_MAX + '{"a": 1} y'
    assert streamed([Text(text)]) == streamed(map(Text, text)) == text
    assert streamed([Text(text[1:])]) == streamed(map(Text, text[1:])) == '{"a": 1}'


@given(
    st.text('{}[]"\\ a`\n', max_size=60),
    st.lists(st.integers(0, 60), max_size=8),
    st.sampled_from([5, 2**16]),
)
@settings(deadline=None, max_examples=500)
def test_the_split_makes_no_difference(text: str, cuts: list[int], stray: int) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    with mock.patch.object(json_answer, "STRAY_MAX", stray):
        whole = streamed([Text(text)] if text else [])
        assert streamed(Text(text[start:end]) for start, end in itertools.pairwise(places)) == whole
    assert whole in text
