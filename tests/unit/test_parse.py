"""A chat request's JSON: what is understood, and which field each refusal names."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.errors import BadRequest
from grok2api.messages import AnswerFormat, ChatRequest, Message, Role, ToolUse
from grok2api.web.api.parse import parse_chat
from grok2api.web.body import decode_object
from tests.unit.grok_streams import PATIENT

HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]


def chat(**fields: object) -> ChatRequest:
    return parse_chat({"model": "grok-4.1", "messages": HELLO} | fields)


def refused(**fields: object) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        chat(**fields)
    assert caught.value.message and len(caught.value.message) < 400
    return caught.value


def message(**fields: object) -> list[dict[str, object]]:
    return [{"role": "user", "content": "x"} | fields]


# What is understood


def test_the_least_request_is_not_streaming_and_shows_thinking() -> None:
    assert chat() == ChatRequest("grok-4.1", (Message(Role.USER, "Hello"),))


def test_every_role_content_and_name_is_read() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    asked = chat(
        messages=[
            {"role": "system", "content": "s"},
            {"role": "developer", "content": parts},
            {"role": "user", "content": "u", "name": "Ann"},
            {"role": "assistant", "content": None, "tool_calls": []},
            {"role": "assistant"},
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "no"}],
            },
            {"role": "assistant", "content": None, "refusal": "never", "audio": {"id": "x"}},
            {"role": "function", "content": "f", "name": "sum"},
        ]
    )
    assert asked.messages == (
        Message(Role.SYSTEM, "s"), Message(Role.DEVELOPER, "one\ntwo"), Message(Role.USER, "u", "Ann"),
        Message(Role.ASSISTANT, ""), Message(Role.ASSISTANT, ""), Message(Role.ASSISTANT, "a\nno"),
        Message(Role.ASSISTANT, "never"), Message(Role.TOOL, "f", "sum"),
    )  # fmt: skip


CALL: dict[str, Any] = {"id": "c1", "type": "function", "function": {"name": "sum", "arguments": '{"a":1}'}}


def called(*calls: object, **fields: object) -> list[dict[str, object]]:
    return [{"role": "assistant", "tool_calls": list(calls)} | fields]


def test_calls_and_their_results_are_read() -> None:
    custom = {"id": "c2", "type": "custom", "custom": {"name": "run", "input": "x = 1"}}
    asked = chat(
        messages=[
            *called(CALL, custom, content="wait", function_call={"name": "old", "arguments": ""}),
            {"role": "tool", "content": [{"type": "text", "text": "3"}], "tool_call_id": "c1"},
            {"role": "tool", "content": None, "tool_call_id": "c2"},
        ]
    )
    uses = (
        ToolUse("c1", "sum", '{"a":1}'), ToolUse("c2", "run", "x = 1", custom=True), ToolUse("", "old", "")
    )  # fmt: skip
    assert asked.messages == (
        Message(Role.ASSISTANT, "wait", tool_uses=uses),
        Message(Role.TOOL, "3", tool_call_id="c1"),
        Message(Role.TOOL, "", tool_call_id="c2"),
    )


def test_a_call_without_a_type_has_the_one_of_its_form() -> None:
    asked = chat(
        messages=called(
            {"id": "c1", "function": {"name": "f", "arguments": ""}},
            {"id": "c2", "custom": {"name": "g", "input": ""}},
        )
    )
    assert asked.messages[0].tool_uses == (ToolUse("c1", "f", ""), ToolUse("c2", "g", "", custom=True))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"stream": True}, {"stream": True}),
        ({"stream": None, "n": None, "stream_options": None}, {}),
        (
            {"stream": True, "stream_options": {"include_usage": True}},
            {"stream": True, "include_usage": True},
        ),
        ({"stream": True, "stream_options": {}}, {"stream": True}),
        ({"stream": True, "stream_options": {"include_usage": None}}, {"stream": True}),
        ({"n": 1}, {}),
        ({"reasoning_effort": "none"}, {"hide_thinking": True}),
        ({"n": 1.0}, {}),
        ({"stream": True, "stream_options": {"include_obfuscation": True}}, {"stream": True}),
        ({"reasoning_effort": "high"}, {"ignored": ("reasoning_effort",)}),
        ({"temperature": 0.5, "user": None, "seed": 1}, {"ignored": ("seed", "temperature")}),
        ({"stop": "x"}, {"stop": ("x",)}),
        ({"stop": ["x", " ", "\n", "x"]}, {"stop": ("x", " ", "\n", "x")}),
        ({"stop": []}, {}),
        ({"stop": None}, {}),
        ({"max_tokens": 5}, {"max_tokens": 5}),
        ({"max_tokens": 5.0}, {"max_tokens": 5}),
        ({"max_tokens": 5, "max_completion_tokens": 9}, {"max_tokens": 9}),
        ({"max_tokens": 5, "max_completion_tokens": None}, {"max_tokens": 5}),
        ({"parallel_tool_calls": True}, {}),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
        ({"response_format": {"type": "text"}}, {}),
        ({"response_format": {"type": "json_object"}}, {"answer_format": AnswerFormat()}),
        ({"tools": [], "functions": [], "tool_choice": "auto", "function_call": "none"}, {}),
    ],
)
def test_parameters_are_honoured_or_named(fields: dict[str, object], expected: dict[str, object]) -> None:
    plain = chat()
    assert chat(**fields) == replace(plain, **expected)  # type: ignore[arg-type]  # the names are its fields


def test_a_schema_for_the_answer_is_read() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    form = {"name": "sum_1", "schema": schema, "strict": True, "description": "A sum."}
    asked = chat(response_format={"type": "json_schema", "json_schema": form})
    assert asked.answer_format == AnswerFormat(schema, "sum_1", "A sum.", strict=True)
    asked = chat(response_format={"type": "json_schema", "json_schema": {"name": "x", "strict": None}})
    assert asked.answer_format == AnswerFormat(name="x")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("x-y_z.1", "x-y_z.1"),
        ("a\r\nSet-Cookie: b", "a??Set-Cookie??b"),
        ("a, b", "a??b"),
        ("ключ", "????"),
        ("x" * 5000, "x" * 64),
    ],
)
def test_ignored_names_may_stand_in_a_header(name: str, shown: str) -> None:
    assert chat(**{name: 1}).ignored == (shown,)


def test_the_list_of_ignored_names_has_an_end() -> None:
    assert len(chat(**{f"p{number}": 1 for number in range(5000)}, **{"": 1}).ignored) == 50


# What is refused, and where


def answer_schema(**fields: object) -> dict[str, object]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": {}} | fields}


def use(**fields: object) -> dict[str, object]:
    return CALL | {"function": CALL["function"] | fields}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": 4}, "model"),
        ({"stream": 1}, "stream"),
        ({"stream": "true"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": False, "stream_options": {}}, "stream_options"),
        ({"stream": True, "stream_options": []}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"n": 2}, "n"),
        ({"n": 0}, "n"),
        ({"n": "1"}, "n"),
        ({"n": True}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": [1]}, "n"),
        ({"stop": ""}, "stop"),
        ({"stop": 1}, "stop"),
        ({"stop": {}}, "stop"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": ["a", ""]}, "stop[1]"),
        ({"stop": ["a", None]}, "stop[1]"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"max_tokens": 1.5, "max_completion_tokens": 5}, "max_tokens"),
        ({"max_completion_tokens": 0}, "max_completion_tokens"),
        ({"logprobs": False, "top_logprobs": 1}, "top_logprobs"),
        ({"stream_options": {"include_usage": "x"}}, "stream_options.include_usage"),
        (
            {"stream": True, "stream_options": {"include_obfuscation": 1}},
            "stream_options.include_obfuscation",
        ),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": ["text"]}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
        ({"response_format": answer_schema(name="a b")}, "response_format.json_schema.name"),
        ({"response_format": answer_schema(strict=1)}, "response_format.json_schema.strict"),
        ({"response_format": answer_schema(description=1)}, "response_format.json_schema.description"),
        ({"response_format": answer_schema(schema=[])}, "response_format.json_schema.schema"),
        ({"response_format": answer_schema(schema={"type": 5})}, "response_format.json_schema.schema"),
        ({"messages": None}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": HELLO * 10_001}, "messages"),
        ({"messages": message(content=" \n")}, "messages"),
        ({"messages": message(content=None)}, "messages"),
        ({"messages": ["Hello"]}, "messages[0]"),
        ({"messages": [*HELLO, None]}, "messages[1]"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": message(role="function")}, "messages[0].name"),
        ({"messages": message(role="function", name=None)}, "messages[0].name"),
        ({"messages": message(role="function", name="f", content=5)}, "messages[0].content"),
        ({"messages": message(role="tool")}, "messages[0].tool_call_id"),
        ({"messages": message(role="tool", tool_call_id=5)}, "messages[0].tool_call_id"),
        ({"messages": message(role="tool", tool_call_id="c1")}, "messages[0].tool_call_id"),
        ({"messages": [*message(role="tool", tool_call_id="c1"), *called(CALL)]}, "messages[0].tool_call_id"),
        ({"messages": [*called(CALL), *message(role="tool", tool_call_id="c2")]}, "messages[1].tool_call_id"),
        ({"messages": called()}, "messages"),
        ({"messages": message(role="assistant", tool_calls={})}, "messages[0].tool_calls"),
        ({"messages": called("x")}, "messages[0].tool_calls[0]"),
        ({"messages": called(CALL, {})}, "messages[0].tool_calls[1].id"),
        ({"messages": called(CALL | {"id": 1})}, "messages[0].tool_calls[0].id"),
        ({"messages": called(CALL | {"type": "web"})}, "messages[0].tool_calls[0].type"),
        ({"messages": called(CALL | {"type": []})}, "messages[0].tool_calls[0].type"),
        ({"messages": called(CALL | {"function": None})}, "messages[0].tool_calls[0].function"),
        ({"messages": called(CALL | {"type": "custom"})}, "messages[0].tool_calls[0].custom"),
        ({"messages": called(use(name=1))}, "messages[0].tool_calls[0].function.name"),
        ({"messages": called(use(arguments={}))}, "messages[0].tool_calls[0].function.arguments"),
        ({"messages": message(role="assistant", function_call="f")}, "messages[0].function_call"),
        ({"messages": message(role="assistant", function_call={})}, "messages[0].function_call.name"),
        (
            {"messages": message(role="assistant", function_call={"name": "f", "arguments": 1})},
            "messages[0].function_call.arguments",
        ),
        ({"messages": message(role="assistant", refusal=1)}, "messages[0].refusal"),
        ({"messages": message(role="assistant", audio="x")}, "messages[0].audio"),
        ({"messages": message(role="assistant", audio={})}, "messages[0].audio.id"),
        ({"messages": message(content=[{"type": "refusal", "refusal": "x"}])}, "messages[0].content[0].type"),
        (
            {"messages": message(role="assistant", content=[{"type": "refusal", "text": "x"}])},
            "messages[0].content[0].refusal",
        ),
        ({"messages": message(role="User")}, "messages[0].role"),
        ({"messages": message(role=["user"])}, "messages[0].role"),
        ({"messages": message(name=1)}, "messages[0].name"),
        ({"messages": message(content=1)}, "messages[0].content"),
        ({"messages": message(content={"type": "text"})}, "messages[0].content"),
        ({"messages": message(content=["x"])}, "messages[0].content[0]"),
        ({"messages": message(content=[{"text": "x"}])}, "messages[0].content[0].type"),
        ({"messages": message(content=[{"type": "input_audio"}])}, "messages[0].content[0].type"),
        ({"messages": message(content=[{"type": "image_url"}])}, "messages[0].content[0].image_url"),
        (
            {"messages": message(content=[{"type": "image_url", "image_url": {}}])},
            "messages[0].content[0].image_url.url",
        ),
        (
            {"messages": message(content=[{"type": "image_url", "image_url": "ftp://host/a.png"}])},
            "messages[0].content[0].image_url",
        ),
        (
            {
                "messages": message(
                    content=[{"type": "image_url", "image_url": {"url": "data:,a", "detail": "x"}}]
                )
            },
            "messages[0].content[0].image_url.detail",
        ),
        (
            {"messages": message(role="system", content=[{"type": "image_url", "image_url": "data:,a"}])},
            "messages[0].content[0].image_url",
        ),
        ({"messages": message(content=[{"type": "x" * 5000}])}, "messages[0].content[0].type"),
        ({"messages": message(content=[{"type": list(range(5000))}])}, "messages[0].content[0].type"),
        ({"messages": message(content=[{"type": "text"}])}, "messages[0].content[0].text"),
        ({"messages": message(content=[{"type": "text", "text": 1}])}, "messages[0].content[0].text"),
    ],
)
def test_a_refusal_names_the_field(fields: dict[str, object], param: str) -> None:
    error = refused(**fields)
    assert error.param == param
    assert f"`{param}`" in error.message or param == "messages" or param.endswith("].type")


def test_a_part_that_is_not_supported_is_named() -> None:
    assert "'input_audio'" in refused(messages=message(content=[{"type": "input_audio"}])).message


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[]", b"null", b'"x"', b"1", b'{"a":1}{}', b"[" * 100_000]
)
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest) as caught:
        decode_object(body)
    assert caught.value.param is None


NAMES = (
    "model", "messages", "stream", "stream_options", "include_usage", "n", "reasoning_effort", "role", "content",
    "name", "type", "text", "tools", "tool_choice", "tool_calls", "tool_call_id", "function", "custom", "arguments",
    "id", "input", "functions", "function_call", "response_format", "json_schema", "schema", "format", "grammar",
    "stop", "max_tokens",
)  # fmt: skip
WORDS = ("user", "assistant", "system", "text", "image_url", "none", "grok-4.1", "tool", "function", "custom")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(
        st.characters(codec="utf-8"), max_size=3), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
PART = st.fixed_dictionaries({"type": st.just("text"), "text": st.sampled_from(WORDS)}) | JSON
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(WORDS), "content": st.sampled_from(WORDS) | st.lists(PART, max_size=3) | JSON},
    optional=dict.fromkeys(("name", "tool_calls", "function_call", "tool_call_id"), JSON),
)
DOCUMENT = st.fixed_dictionaries(
    {"model": st.just("grok-4.1") | JSON, "messages": st.lists(MESSAGE | JSON, max_size=3) | JSON},
    optional={"stream": JSON, "stream_options": JSON, "n": JSON, "reasoning_effort": JSON}
    | dict.fromkeys(
        ("tools", "tool_choice", "functions", "function_call", "response_format", "stop", "max_tokens"), JSON
    ),
)


@given(DOCUMENT | st.dictionaries(st.sampled_from(NAMES), JSON) | JSON)
@settings(PATIENT, max_examples=200)
def test_any_document_is_a_request_or_a_bad_one(document: object) -> None:
    try:
        asked = parse_chat(decode_object(json.dumps(document).encode()))
    except BadRequest as error:
        assert error.message
        error.message.encode("utf-8")
    else:
        assert isinstance(asked, ChatRequest) and asked.messages and asked.model
        ", ".join(asked.ignored).encode("ascii")


@pytest.mark.parametrize("place", ["role", "content", "name", "type", "text"])
def test_a_document_may_be_as_deep_as_the_decoder_lets_it_be(place: str) -> None:
    deep = orjson.loads(b"[" * 1000 + b"]" * 1000)
    fields = (
        {place: deep}
        if place in ("role", "content", "name")
        else {"content": [{"type": "text"} | {place: deep}]}
    )
    assert refused(messages=message(**fields)).param


def test_a_turn_may_be_several_messages() -> None:
    def turn(role: str, *content: object) -> dict[str, object]:
        return {"role": role, "content": list(content)}

    def shown(url: str) -> dict[str, object]:
        return {"type": "image_url", "image_url": {"url": url}}

    words = {"type": "text", "text": "what is it?"}
    request = chat(
        messages=[
            turn("user", words, shown("https://a/0.png")),
            {"role": "assistant", "content": "an otter"},
            turn("user", shown("https://a/1.png")),
            turn("user", shown("https://a/2.png"), words),
            {"role": "system", "content": "Be brief."},
        ]
    )
    assert [picture.url for picture in request.attached] == ["https://a/1.png", "https://a/2.png"]
    assert len(request.asked_with) == 3
    assert chat(messages=[{"role": "system", "content": "Be brief."}]).asked_with == ()
