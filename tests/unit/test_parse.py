"""A chat request's JSON: what is understood, and which field each refusal names."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.errors import BadRequest
from grok2api.messages import ChatRequest, Message, Role
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
            {"role": "tool", "content": [], "tool_call_id": "1"},
        ]
    )
    assert asked.messages == (
        Message(Role.SYSTEM, "s"), Message(Role.DEVELOPER, "one\ntwo"), Message(Role.USER, "u", "Ann"),
        Message(Role.ASSISTANT, ""), Message(Role.ASSISTANT, ""), Message(Role.TOOL, ""),
    )  # fmt: skip


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
        ({"reasoning_effort": "high"}, {}),
        ({"temperature": 0.5, "user": None, "seed": 1}, {"ignored": ("seed", "temperature")}),
        ({"stop": ["x"], "max_tokens": 5, "tools": []}, {"ignored": ("max_tokens", "stop", "tools")}),
    ],
)
def test_parameters_are_honoured_or_named(fields: dict[str, object], expected: dict[str, object]) -> None:
    plain = chat()
    for name in ("stream", "include_usage", "hide_thinking", "ignored"):
        assert getattr(chat(**fields), name) == expected.get(name, getattr(plain, name))


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
        ({"messages": message(role="function")}, "messages[0].role"),
        ({"messages": message(role="User")}, "messages[0].role"),
        ({"messages": message(role=["user"])}, "messages[0].role"),
        ({"messages": message(name=1)}, "messages[0].name"),
        ({"messages": message(content=1)}, "messages[0].content"),
        ({"messages": message(content={"type": "text"})}, "messages[0].content"),
        ({"messages": message(content=["x"])}, "messages[0].content[0]"),
        ({"messages": message(content=[{"text": "x"}])}, "messages[0].content[0].type"),
        ({"messages": message(content=[{"type": "image_url"}])}, "messages[0].content[0].type"),
        ({"messages": message(content=[{"type": "x" * 5000}])}, "messages[0].content[0].type"),
        ({"messages": message(content=[{"type": list(range(5000))}])}, "messages[0].content[0].type"),
        ({"messages": message(content=[{"type": "text"}])}, "messages[0].content[0].text"),
        ({"messages": message(content=[{"type": "text", "text": 1}])}, "messages[0].content[0].text"),
    ],
)
def test_a_refusal_names_the_field(fields: dict[str, object], param: str) -> None:
    error = refused(**fields)
    assert error.param == param
    assert f"`{param}`" in error.message or param == "messages" or param.startswith(("stream", "messages["))


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
    "name", "type", "text",
)  # fmt: skip
WORDS = ("user", "assistant", "system", "text", "image_url", "none", "grok-4.1")
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
    optional={"name": JSON},
)
DOCUMENT = st.fixed_dictionaries(
    {"model": st.just("grok-4.1") | JSON, "messages": st.lists(MESSAGE | JSON, max_size=3) | JSON},
    optional={"stream": JSON, "stream_options": JSON, "n": JSON, "reasoning_effort": JSON},
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
