"""Tool calls in OpenAI's chat objects, streamed and whole, in today's form and in that of `functions`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from grok2api.events import Event, Finish, Text, ToolCall
from grok2api.messages import ChatRequest, Message, Role, Tool
from grok2api.web.api.render import chat_completion
from tests.unit.openai_models import assert_known
from tests.unit.test_render import streamed

CALL = ToolCall("call_1", "get_weather", '{"city":"Paris"}')
OTHER = ToolCall("call_2", "get_time", "{}")
TYPED = ToolCall("call_3", "shell", "ls -l", custom=True)
END = Finish("tool_calls")
ASKED = ChatRequest("grok-4.1", (Message(Role.USER, "x"),), tools=(Tool("get_weather"),))
LEGACY = replace(ASKED, legacy_functions=True)


def deltas(events: list[Event], asked: ChatRequest = ASKED) -> list[Any]:
    """What each chunk after the first adds, and the reason that ends it."""
    chunks = streamed(replace(asked, stream=True), [events])
    for chunk in chunks:
        assert_known(ChatCompletionChunk.model_validate(chunk, strict=True))
    choices = [chunk["choices"][0] for chunk in chunks[1:]]
    assert all(choice["finish_reason"] is None for choice in choices[:-1])
    return [choice["delta"] for choice in choices[:-1]] + [choices[-1]["finish_reason"]]


def message(events: list[Event], asked: ChatRequest = ASKED) -> Any:
    completion = chat_completion(asked, events)
    assert_known(ChatCompletion.model_validate(completion, strict=True))
    return completion["choices"][0]["message"], completion["choices"][0]["finish_reason"]


def test_a_streamed_call_names_itself_first_and_brings_its_arguments_then() -> None:
    assert deltas([Text("Let me look."), CALL, OTHER, END]) == [
        {"content": "Let me look."},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": ""},
                }
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":"Paris"}'}}]},
        {
            "tool_calls": [
                {
                    "index": 1,
                    "id": "call_2",
                    "type": "function",
                    "function": {"name": "get_time", "arguments": ""},
                }
            ]
        },
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        "tool_calls",
    ]


def test_a_whole_call_has_null_content_where_nothing_was_said() -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
    }
    said, reason = message([CALL, END])
    assert (said["content"], said["tool_calls"], reason) == (None, [call], "tool_calls")
    said, _ = message([Text("Let me look."), CALL, END])
    assert (said["content"], said["tool_calls"]) == ("Let me look.", [call])


def test_without_calls_there_is_no_list_of_them() -> None:
    said, reason = message([Finish()])
    assert "tool_calls" not in said and (said["content"], reason) == ("", "stop")


def test_the_functions_of_old_get_their_own_form() -> None:
    assert deltas([CALL, END], LEGACY) == [
        {"function_call": {"name": "get_weather", "arguments": ""}},
        {"function_call": {"arguments": '{"city":"Paris"}'}},
        "function_call",
    ]
    said, reason = message([CALL, END], LEGACY)
    assert said["function_call"] == {"name": "get_weather", "arguments": '{"city":"Paris"}'}
    assert "tool_calls" not in said and reason == "function_call"


def test_a_custom_tool_gets_its_text() -> None:
    said, _ = message([TYPED, END])
    assert said["tool_calls"] == [
        {"id": "call_3", "type": "custom", "custom": {"name": "shell", "input": "ls -l"}}
    ]
    renderer = streamed(replace(ASKED, stream=True), [[TYPED, END]])
    first, then = (chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in renderer[1:3])
    assert first == {"index": 0, "id": "call_3", "type": "custom", "custom": {"name": "shell", "input": ""}}
    assert then == {"index": 0, "custom": {"input": "ls -l"}}


@pytest.mark.parametrize("events", [[CALL, END], [Text("x"), CALL, END]])
def test_calls_are_counted_in_usage(events: list[Event]) -> None:
    with_call = chat_completion(ASKED, events)["usage"]["completion_tokens"]
    without = chat_completion(ASKED, [e for e in events if isinstance(e, Text)])["usage"]["completion_tokens"]
    assert with_call - without in (6, 7)


def test_tools_are_counted_in_what_was_asked() -> None:
    with_tools = chat_completion(ASKED, [END])["usage"]["prompt_tokens"]
    assert with_tools > chat_completion(replace(ASKED, tools=()), [END])["usage"]["prompt_tokens"]
