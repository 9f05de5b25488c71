"""Calls of tools as language models write them, among text, in any split, also when they are wrong."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.errors import UpstreamFailed
from grok2api.events import BrokenCall, Citation, Event, Finish, Reasoning, Started, Text, ToolCall
from grok2api.messages import Tool
from grok2api.services.filters import held_calls, tools
from grok2api.services.filters.tools import CallReader, new_call_id, parse_calls
from grok2api.services.tool_calls import CALLS_MAX, Toolbox
from tests.full import only_full

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER, CLOCK, PATCH = Tool("get_weather", "", CITY), Tool("get-time"), Tool("apply_patch", custom=True)
TOOLS = (WEATHER, CLOCK, PATCH, Tool("list_files"), Tool("listFiles"))

PARIS = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
TIME = '{"name": "get-time", "arguments": {}}'


def read(events: Iterable[Event], parallel: bool = True, declared: tuple[Tool, ...] = TOOLS) -> list[Event]:
    """The events, with neighbouring texts joined; ids are numbers."""
    numbers = map(str, itertools.count(1))
    told: list[Event] = []
    for event in parse_calls(events, declared, parallel=parallel, new_id=lambda: next(numbers)):
        if isinstance(event, Text) and told and isinstance(told[-1], Text):
            event = Text(told.pop().text + event.text)  # type: ignore[union-attr]
        told.append(event)
    return told


def shown(text: str, **options: Any) -> list[object]:
    """What becomes of an answer: texts as they are, a call as `(name, arguments)`, a broken one as its event."""
    events = read([Text(text), Finish()], **options)
    called = any(isinstance(event, ToolCall) for event in events)
    assert events[-1] == Finish("tool_calls" if called else "stop")
    return [plain(event) for event in events[:-1]]


def plain(event: Event) -> object:
    if isinstance(event, ToolCall):
        return event.name, event.arguments
    return event.text if isinstance(event, Text) else event


CALL = ("get_weather", '{"city":"Paris"}')
NOW = ("get-time", "{}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # the way they are asked to
        (f"<tool_call>\n{PARIS}\n</tool_call>", [CALL]),
        (f"<tool_call>{PARIS}</tool_call><tool_call>{TIME}</tool_call>", [CALL, NOW]),
        (f"\n<tool_call>\n{PARIS}\n</tool_call>\n\n<tool_call>\n{TIME}\n</tool_call>\n", [CALL, NOW]),
        (f"I look it up.\n\n<tool_call>\n{PARIS}\n</tool_call>\n", ["I look it up.\n\n", CALL]),
        (f"<tool_call>{PARIS}</tool_call>\nDone.", [CALL, "\nDone."]),
        (f"A<tool_call>{PARIS}</tool_call>B<tool_call>{TIME}</tool_call>C", ["A", CALL, "B", NOW, "C"]),
        # other tags
        (f"<TOOL_CALL>{PARIS}</Tool_Call>", [CALL]),
        (f'< tool_call id="1" >{PARIS}< / tool_call >', [CALL]),
        (f"<function_call>{PARIS}</function_call>", [CALL]),
        (f"<tool_calls>[{PARIS}, {TIME}]</tool_calls>", [CALL, NOW]),
        (f"<tool_calls>\n<tool_call>{PARIS}</tool_call>\n<tool_call>{TIME}</tool_call>\n</tool_calls>", [CALL, NOW]),
        (f"<tool_call>{PARIS}</function_call>", [CALL]),
        # in a fence
        (f"```json\n<tool_call>{PARIS}</tool_call>\n```", [CALL]),
        (f"Sure:\n```xml\n<tool_call>\n{PARIS}\n</tool_call>\n```\nDone.", ["Sure:\n", CALL, "\nDone."]),
        (f"```\n<tool_call>{PARIS}</tool_call>\n<tool_call>{TIME}</tool_call>\n```\n", [CALL, NOW]),
        (f"```\n<tool_call>{PARIS}</tool_call>\nand `code`", [CALL, "\nand `code`"]),
        (f"```\n<tool_call>{PARIS}</tool_call>\n`code`", [CALL, "\n`code`"]),
        ("```json\n{'name': 'get_weather', 'arguments': {'city': 'Paris',}}\n```", [CALL]),
        ("{'name': 'get_weather', 'arguments': {'city': 'Paris'}}", [CALL]),
        # no tags
        (f"```json\n{PARIS}\n```", [CALL]),
        (f"Sure:\n```tool_call\n{PARIS}\n```\n", ["Sure:\n", CALL]),
        (f"```\n[{PARIS},\n{TIME}]\n```", [CALL, NOW]),
        (f"```json\n{PARIS}\n{TIME}\n```\nDone.", [CALL, NOW, "\nDone."]),
        (f"  ````JSON\n\n  {PARIS}````", [CALL]),
        (PARIS, [CALL]),
        (f"\n\n  {PARIS}\n", [CALL]),
        (f"[{PARIS}, {TIME}]", [CALL, NOW]),
        (f"{PARIS}\n{TIME}", [CALL, NOW]),
        (f"{PARIS} That was it.", [CALL, " That was it."]),
        (f'{{"tool_calls": [{{"id": "x", "type": "function", "function": {PARIS}}}]}}', [CALL]),
        # other words
        ('<tool_call>{"name": "get_weather", "parameters": {"city": "Paris"}}</tool_call>', [CALL]),
        ('<tool_call>{"tool": "get_weather", "args": {"city": "Paris"}}</tool_call>', [CALL]),
        ('<tool_call>{"function": "get_weather", "input": {"city": "Paris"}}</tool_call>', [CALL]),
        (f'<tool_call>{{"type": "function", "function": {PARIS}}}</tool_call>', [CALL]),
        ('{"type": "tool_use", "id": "t", "name": "get_weather", "input": {"city": "Paris"}}', [CALL]),
        ('<tool_call>{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}</tool_call>', [CALL]),
        ('{"arguments": {"city": "Paris"}, "name": "get_weather"}', [CALL]),
        ('<tool_call>{"name": "get-time"}</tool_call>', [NOW]),
        ('<tool_call>{"name": "get-time", "arguments": null}</tool_call>', [NOW]),
        ('<tool_call>{"name": "get-time", "arguments": ""}</tool_call>', [NOW]),
        ('<tool_call>{"name": "functions.get_time", "arguments": {}}</tool_call>', [NOW]),
        ('{"name": "GetTime", "arguments": {}}', [NOW]),
        # careless JSON
        ("<tool_call>{'name': 'get_weather', 'arguments': {'city': 'Paris',},}</tool_call>", [CALL]),
        ("<tool_call>{name: 'get_weather', arguments: {city: 'Paris'}} // now</tool_call>", [CALL]),
        (f"<tool_call>{PARIS[:-1]}</tool_call>", [CALL]),
        (f"<tool_call>```json\n{PARIS}\n```</tool_call>", [CALL]),
        (f"<tool_call>Now:\n{PARIS}\n{TIME}\n</tool_call>", [CALL, NOW]),
        ('<tool_call>{"name": "get_weather", "arguments": {"city": "a\nb"}}</tool_call>',
         [("get_weather", '{"city":"a\\nb"}')]),
        ('<tool_call>{"name": "get_weather", "arguments": {"city": "the "big" one"}}</tool_call>',
         [("get_weather", '{"city":"the \\"big\\" one"}')]),
        # no end
        (f"<tool_call>\n{PARIS}", [CALL]),
        (f"<tool_call>\n{PARIS[:-2]}\n", [CALL]),
        (f"<tool_call>```json\n{PARIS}\n```\n", [CALL]),
        (f"<tool_call>{PARIS}\n<tool_call>{TIME}</tool_call>", [CALL, NOW]),
        (f"<tool_call>{PARIS}\n\nI have called it.", [CALL, "\n\nI have called it."]),
        (f"```json\n{PARIS}\n", [CALL]),
        (PARIS[:-1], [CALL]),
        # tags within strings
        ('<tool_call>{"name": "get_weather", "arguments": {"city": "</tool_call> <tool_call>"}}</tool_call>.',
         [("get_weather", '{"city":"</tool_call> <tool_call>"}'), "."]),
        ('<tool_call>{"name": "get_weather", "arguments": {"city": "\\"</tool_call>\\n"}}</tool_call>',
         [("get_weather", '{"city":"\\"</tool_call>\\n"}')]),
        ('```json\n{"name": "get_weather", "arguments": {"city": "```"}}\n```', [("get_weather", '{"city":"```"}')]),
        # talk about the tag
        (f"The `<tool_call>` tag: <tool_call>{PARIS}</tool_call>", ["The `<tool_call>` tag: ", CALL]),
        # what is written stays so
        ('<tool_call>{"name": "get-time", "arguments": {"b": 1.10, "a": 123456789012345678901, "é": 1E5}}</tool_call>',
         [("get-time", '{"b":1.10,"a":123456789012345678901,"é":1E5}')]),
        # free text
        ('<tool_call>{"name": "apply_patch", "arguments": {"input": "*** Begin\\n"}}</tool_call>',
         [("apply_patch", "*** Begin\n")]),
        ('<tool_call>{"name": "apply_patch", "arguments": "*** Begin"}</tool_call>', [("apply_patch", "*** Begin")]),
        ('<tool_call>{"name": "apply_patch", "input": "{\\"a\\": 1}"}</tool_call>', [("apply_patch", '{"a": 1}')]),
        ('<tool_call>{"name": "apply_patch", "arguments": "{\\"input\\": \\"x\\"}"}</tool_call>',
         [("apply_patch", "x")]),
    ],
)  # fmt: skip
def test_calls_as_models_write_them(text: str, expected: list[object]) -> None:
    assert shown(text) == expected
    assert read([*map(Text, text), Finish()]) == read([Text(text), Finish()])


@pytest.mark.parametrize(
    "text",
    [
        "Plain text.",
        "\n",
        '```json\n{"city": "Paris"}\n```\n',
        "```python\nprint({'name': 'get_weather'})\n```",
        '```\n{"name": "Bob", "age": 3}\n```',
        '```json\n[{"name": "get_weather", "description": "…", "parameters": {}}]\n```',
        '{"name": "Bob", "arguments": {}}',
        '{"answer": 42}',
        '{"type": "object", "properties": {}}',
        '{"id": 5, "title": "get_weather"}',
        '{"name": 5}',
        '{"name": {"get_weather": 1}}',
        '{"function": ["get_weather"]}',
        '{"input": [1, 2]}',
        '{"tool_calls": []}',
        "{}",
        "[]",
        "[1] says so.",
        "[[get_weather]]",
        f"Not at the start: {PARIS}",
        f"Inline ```json\n{PARIS}\n```",
        f"- <b>{PARIS}</b>",
        "A < B, <tool, <tool_callers>, </tool_call>, <tool_call/> and <tool_call",
        "The tag `<tool_call>` begins and `</tool_call>` ends a call.",
        "The tag `<tool_call>` begins a call.",
        "<tool_call> is how a call begins. " + "Then come more words about it. " * 60,
        "```js",
        "``",
        "x\n```json\n{",
        '{"na',
    ],
)
def test_everything_else_comes_through_to_the_character(text: str) -> None:
    assert shown(text) == [text]
    assert "".join(event.text for event in read([*map(Text, text)]) if isinstance(event, Text)) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<tool_call>get_weather(Paris)</tool_call>", "There is no JSON object in the call."),
        ("<tool_call></tool_call>", "There is no JSON object in the call."),
        ('<tool_call>{"name": "get_whether"}</tool_call>',
         'There is no tool "get_whether". The tools are: get_weather, get-time, apply_patch, list_files, listFiles.'),
        ('<tool_call>{"name": "LIST-FILES"}</tool_call>', 'There is no tool "LIST-FILES". The tools are: '),
        ('<tool_call>{"city": "Paris"}</tool_call>', 'The call has no "name".'),
        ("<tool_call>[1]</tool_call>", "A call must be a JSON object."),
        ('<tool_call>{"name": "get_weather", "city": "Paris"}</tool_call>',
         'The call has no "arguments"; put "city" and the like into them.'),
        ('<tool_call>{"name": "get_weather", "arguments": {"city": {"a": 1}}}</tool_call>',
         "The arguments of get_weather do not fit: $.city: must be string, not object."),
        ('<tool_call>{"name": "get_weather"}</tool_call>',
         "The arguments of get_weather do not fit: $: 'city' is a required property."),
        ('<tool_call>{"name": "get-time", "arguments": [1]}</tool_call>',
         "The arguments of get-time must be a JSON object."),
        ('<tool_call>{"name": "get-time", "arguments": "now"}</tool_call>',
         "The arguments of get-time must be a JSON object."),
        ('<tool_call>{"name": "apply_patch", "arguments": {"text": "x"}}</tool_call>',
         'The arguments of apply_patch must be {"input": "text"}.'),
        ('<tool_call>{"name": "apply_patch"}</tool_call>', 'The arguments of apply_patch must be {"input": "text"}.'),
        ('<tool_call>{"name": "get_weather", "arguments": {"city": "5" tall"}}</tool_call>',
         "The JSON of the call cannot be read: no JSON object or list."),
        (f'<tool_call>{PARIS}{{"name": "other"}}</tool_call>', 'There is no tool "other".'),
        ('<tool_call>{"name": "get_weather", "arguments": {"city": "Par', "The call is cut off before its end."),
        ('```json\n{"name": "get_weather", "arguments": {}}\n```', "The arguments of get_weather do not fit: "),
        ('{"name": "get_weather", "arguments": {"city": []}}', "The arguments of get_weather do not fit: "),
        ('{"name": "get_weather", "arguments": {"city": "Par', "The call is cut off before its end."),
        (f"<tool_calls>[{','.join([TIME] * (CALLS_MAX + 1))}]</tool_calls>", "There are more than 128 calls."),
    ],
)  # fmt: skip
def test_a_broken_call_says_what_is_wrong(text: str, problem: str) -> None:
    for split in ([text], list(text)):
        broken, finish = read([*map(Text, split), Finish()])
        assert isinstance(broken, BrokenCall) and broken.text == text and finish == Finish("stop")
        assert broken.problem.startswith(problem)
    if text.endswith(">"):
        assert read([Text("A\n"), *map(Text, text), Text("\nB")]) == [Text("A\n"), broken, Text("\nB")]


SLIPS = Tool(
    "slips",
    parameters={
        "type": "object",
        "properties": {
            "n": {"type": "integer", "maximum": 9},
            "s": {"type": "string"},
            "l": {"type": "array", "items": {"type": "string"}},
            "o": {"type": "object"},
            "x": {"type": "number"},
        },
    },
)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"n": "5", "x": 1.10}', '{"n":5,"x":1.10}'),
        ('{"s": 1.10, "n": null}', '{"s":"1.10"}'),
        ('{"l": "[1.0]", "o": "{\\"a\\": 1E5}"}', '{"l":["1.0"],"o":{"a":1E5}}'),
        ("{'l': 'x', 'x': 2.5}", '{"l":["x"],"x":2.5}'),
    ],
)
def test_slips_of_type_are_mended(arguments: str, expected: str) -> None:
    text = f'<tool_call>{{"name": "slips", "arguments": {arguments}}}</tool_call>'
    assert shown(text, declared=(SLIPS,)) == [("slips", expected)]


def test_of_what_cannot_be_mended_the_first_problem_is_told() -> None:
    deep = json.dumps("[" * 190 + "]" * 190)
    for arguments, problem in [
        ('{"n": "10"}', "$.n: must be integer, not string"),
        ('{"n": "5", "s": []}', "$.n: must be integer, not string; $.s: must be string, not array"),
        (f'{{"l": {deep}}}', "$.l: must be array, not string"),
    ]:
        text = f'<tool_call>{{"name": "slips", "arguments": {arguments}}}</tool_call>'
        assert shown(text, declared=(SLIPS,)) == [
            BrokenCall(text, f"The arguments of slips do not fit: {problem}.")
        ]


def test_when_quotes_are_broken_the_first_closing_tag_counts() -> None:
    broken = '<tool_call>{"name": "get_weather", "arguments": {"city": "5" tall"}}</tool_call>'
    for between in (" ", "\n", ""):
        first, *others = shown(f"{broken}{between}<tool_call>{PARIS}</tool_call>")
        assert isinstance(first, BrokenCall) and first.text == broken
        assert others == [CALL] if not between else others == [between, CALL]


def test_an_answer_cut_off_by_its_length_has_no_guessed_call() -> None:
    events = read([Text(f"<tool_call>{PARIS[:-1]}"), Finish("length")])
    assert events == [
        BrokenCall(f"<tool_call>{PARIS[:-1]}", "The call is cut off before its end."),
        Finish("length"),
    ]
    whole = read([Text(f"<tool_call>{PARIS}"), Finish("length")])
    assert [plain(event) for event in whole] == [CALL, Finish("length")]


def test_without_parallel_calls_the_answer_ends_after_the_first_valid_one() -> None:
    def answer() -> Iterator[Event]:
        yield Text("A <tool_call>nothing</tool_call>")
        yield Text(f"<tool_call>[{PARIS},{TIME}]</tool_call> B <tool_call>{TIME}</tool_call>")
        raise AssertionError("more was read")

    closed: list[bool] = []
    events = list(parse_calls(answer(), TOOLS, parallel=False, close=lambda: closed.append(True)))
    assert [type(event) for event in events] == [Text, BrokenCall, ToolCall, Finish]
    assert events[-1] == Finish("tool_calls") and closed == [True]
    assert read([Text(f"<tool_call>{PARIS}"), Finish()], parallel=False)[1:] == [Finish("tool_calls")]
    assert read([Text(f"<tool_call>{PARIS}"), Finish("length")], parallel=False)[1:] == [Finish("length")]


def test_other_events_pass_at_once_and_break_no_call() -> None:
    answer: list[Event] = [
        Started(), Reasoning("hm"), Text("A<tool_call>" + PARIS[:20]), Reasoning("well"), Citation("u"),
        Text(PARIS[20:] + "</tool"), Reasoning("so"), Text("_call>"), Finish(),
    ]  # fmt: skip
    assert read(answer) == [
        Started(), Reasoning("hm"), Text("A"), Reasoning("well"), Citation("u"), Reasoning("so"),
        ToolCall("1", *CALL), Finish("tool_calls"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "held", [f"<tool_call>{PARIS}", "<tool_c", '```json\n{"name": "get_weather"', '{"na', "\n"]
)
def test_before_an_error_what_is_held_comes_out_as_text(held: str) -> None:
    def failing() -> Iterator[Event]:
        yield Text(held)
        raise UpstreamFailed("cut off")

    seen: list[Event] = []
    with pytest.raises(UpstreamFailed):
        for event in parse_calls(failing(), TOOLS):
            seen.append(event)
    assert seen == [Text(held)]


def test_without_tools_nothing_is_a_call() -> None:
    answer: list[Event] = [Text(f"<tool_call>{PARIS}</tool_call>"), Finish()]
    assert list(parse_calls(answer, ())) == answer


def test_a_finish_for_another_reason_stays() -> None:
    assert read([Text("Hi"), Finish("length")]) == [Text("Hi"), Finish("length")]
    assert read([Text(f"<tool_call>{PARIS}</tool_call>"), Finish("length")])[-1] == Finish("length")


def test_each_call_has_an_id_of_its_own() -> None:
    calls = list(parse_calls([Text(f"<tool_call>[{TIME},{TIME}]</tool_call>")], TOOLS))
    ids = {call.id for call in calls if isinstance(call, ToolCall)}
    assert len(ids) == 2 and all(each.startswith("call_") for each in ids) and len(new_call_id()) == 29


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("get_weather", "get_weather"),
        ("Get-Weather", "get_weather"),
        ("getWeather", "get_weather"),
        ("functions.get_weather", "get_weather"),
        ("get_time", "get-time"),
        ("list_files", "list_files"),
        ("listFiles", "listFiles"),
        ("List_Files", None),
        ("weather", None),
        ("", None),
    ],
)
def test_names_that_can_only_mean_one_tool_are_found(name: str, found: str | None) -> None:
    tool = Toolbox(TOOLS).find(name)
    assert (tool.name if tool else None) == found


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("abc", 0),
        ("a <", 1),
        ("a <tool_ca", 8),
        ("a <tool_cz", 0),
        ("a </tool_call", 0),
        ("a\n``", 2),
        ("a ``", 0),
        ("a\n```jso", 6),
        ("a\n```python", 0),
        ("a\n```python\n", 0),
        ("a\n```json\n", 8),
        ('a\n```json\n{"na', 12),
        ('a\n```json\n{"nap"', 0),
        ('a\n```json\n{"name": "get_weather", "arg', 36),
        ('a\n```json\n{"name": "Bob"', 0),
        ('{"name"', 7),
        ('{"city"', 0),
        ('{"arguments": {"name": "Bob"}, ', 31),
        ("[1", 0),
        ("[{", 2),
    ],
)
def test_no_more_is_held_than_may_become_a_call(text: str, held: int) -> None:
    reader = CallReader(TOOLS, True, new_call_id)
    shown_now = "".join(event.text for char in text for event in reader.feed(char) if isinstance(event, Text))
    assert shown_now == text[: len(text) - held]


def test_a_call_that_is_too_long_is_text() -> None:
    long = '<tool_call>{"name": "get-time", "arguments": {"a": "' + "x" * held_calls.LENGTH_MAX
    answer: list[Event] = [
        *(Text(long[at : at + 1000]) for at in range(0, len(long), 1000)),
        Text('"}}</tool_call> and'),
        Finish(),
    ]
    events = read(answer)
    assert events == [Text(long + '"}}</tool_call> and'), Finish()]


FRAGMENTS = [
    "<tool_call>", "</tool_call>", "<tool_calls>", "</tool_calls>", "<Function_Call >", "<tool", "</", "<", ">",
    PARIS, TIME, '{"name": "get_weather", ', '"arguments": ', '{"city": "', 'Paris"}', "}", "{", "[", "]", ",", '"',
    "\\", "'", "```", "```json\n", "`", "\n", " ", "  \t", "text", "{'name': 'get-time'}", '{"name": "Bob"}', ":",
    '"name"', '"x"', '"get-time"', "é", "1", '{"name": "get_weather", "arguments": {"city": "5" tall"}}',
    '{"name": "get_weather", "arguments": {"city": "</tool_call>"}}', f"```json\n<tool_call>{PARIS}</tool_call>",
    "\n```", "{'name': 'get-time'}",
]  # fmt: skip
ANSWERS = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)
PROPERTY = settings(max_examples=500, deadline=None)


def pieces(text: str, cuts: Iterable[int]) -> list[str]:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    return [text[start:end] for start, end in itertools.pairwise(places)]


def limits(length: int) -> Any:
    small = min(length, 40)
    return mock.patch.multiple(held_calls, LENGTH_MAX=length, PROSE_MAX=small)


@PROPERTY
@given(
    ANSWERS,
    st.lists(st.integers(0, 300), max_size=12),
    st.sampled_from([2**20, 2**20, 120, 30]),
    st.booleans(),
)
def test_the_split_makes_no_difference(text: str, cuts: list[int], length: int, parallel: bool) -> None:
    with limits(length), mock.patch.object(tools, "_SPACE_MAX", min(length, 40)):
        whole = read([Text(text), Finish()] if text else [Finish()], parallel)
        for split in (pieces(text, cuts), list(text)):
            assert read([*map(Text, split), Finish()], parallel) == whole
            assert Text("") not in whole


@PROPERTY
@given(ANSWERS, st.integers(1, 20), st.sampled_from([2**20, 60]))
def test_nothing_is_lost(text: str, size: int, length: int) -> None:
    """The texts and broken calls stand in the answer in this order; between them is only what became a call."""
    with limits(length):
        events = read(map(Text, pieces(text, range(0, len(text), size))))
    called = r"[\s\S]*\{[\s\S]*"
    pattern = "".join(
        re.escape(event.text) if isinstance(event, Text | BrokenCall) else called
        for event, before in zip(events, [None, *events], strict=False)
        if not (isinstance(event, ToolCall) and isinstance(before, ToolCall))
    )
    assert re.fullmatch(pattern, text)
    if not any(isinstance(event, ToolCall) for event in events):
        assert "".join(event.text for event in events if isinstance(event, Text | BrokenCall)) == text


@PROPERTY
@given(st.dictionaries(st.text(max_size=5), st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3), max_leaves=5)), st.integers(1, 9))  # fmt: skip
def test_any_arguments_arrive(arguments: dict[str, Any], size: int) -> None:
    body = json.dumps({"name": "get-time", "arguments": arguments}, ensure_ascii=False, indent=1)
    for text in (f"<tool_call>{body}</tool_call>", f"```json\n{body}\n```", body):
        call, finish = read([*map(Text, pieces(text, range(0, len(text), size))), Finish()])
        assert isinstance(call, ToolCall) and json.loads(call.arguments) == arguments
        assert finish == Finish("tool_calls")


LONG = json.dumps({"name": "get-time", "arguments": {"text": 'ab\n"' * 40_000}})


@pytest.mark.parametrize(
    "text",
    [
        f"<tool_call>{LONG}</tool_call>",
        f"```json\n{LONG}\n```",
        LONG,
        '<tool_call>{"name": "get-time", "arguments": {"a": [' + "1," * 100_000 + "1]}}</tool_call>",
        '```json\n{"arguments": {"a": [' + "1," * 100_000 + '1]}, "name": "get-time"}\n```',
    ],
)
def test_a_long_call_in_small_pieces_takes_little_time(text: str) -> None:
    answer = [Text(char) for char in text]
    before = time.process_time()
    (call,) = parse_calls(answer, TOOLS)
    assert isinstance(call, ToolCall)
    assert time.process_time() - before < 5 * 0.35


@pytest.mark.parametrize(
    "text",
    [
        "<" * 300_000,
        "`" * 300_000,
        "```\n" * 75_000,
        " " * 300_000,
        "\n```json\n{" * 30_000,
        "<tool_call>" * 30_000,
        "<tool_call>{" * 30_000,
        '<tool_call>{"' * 30_000,
        '<tool_call>{"</tool_call>' + '<tool_call>{\\"</tool_call>' * 12_000,
        '<tool_call>{"name":"get-time"}</tool_call>' * 8000,
        "<tool_call>{'name': 'get-time', 'a': 'b \"c'}</tool_call>" * 5000,
        '<tool_call>{"a":"' + "x" * 2_000_000,
    ],
)
@pytest.mark.parametrize("size", [1, only_full(50), 10**9])
def test_hostile_answers_take_bounded_time(text: str, size: int) -> None:
    answer = [Text(text[at : at + size]) for at in range(0, len(text), size)]
    before = time.process_time()
    for _ in parse_calls(answer, TOOLS):
        pass
    assert time.process_time() - before < 5 * 1.5


def test_ordinary_text_costs_next_to_nothing() -> None:
    answer: list[Event] = [Text(" word"), Text("{x}")] * 100_000
    before = time.process_time()
    assert list(parse_calls(answer, TOOLS)) == answer
    assert time.process_time() - before < 5 * 0.05
