"""Events in the objects of OpenAI's Responses API, against the models of OpenAI's own package."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from grok2api.errors import RateLimited, UpstreamFailed
from grok2api.events import Citation, Event, Finish, Reasoning, Started, Text, ToolCall
from grok2api.web.api.parse_responses import ResponseRequest, parse_response
from grok2api.web.api.render_responses import ResponseStream, response_id_of, whole_response
from tests.unit.grok_streams import PATIENT
from tests.unit.openai_models import assert_known

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
CALL = ToolCall("call_1", "get_weather", '{"city":"Paris"}')
TYPED = ToolCall("call_2", "shell", "ls -l", custom=True)
ANSWER: list[Event] = [
    Started(), Reasoning("Well"), Reasoning(", then"), Citation("https://example.org/a", "Tides"), Text("Hé"),
    Text("\u2028\U0001f30a \"x\"\n"), Citation("https://example.org/b"), Text("!"), CALL, TYPED, Finish("tool_calls"),
]  # fmt: skip
DOCUMENT = {
    "model": "grok-4.1",
    "input": "Hello",
    "instructions": "Be brief.",
    "metadata": {"a": "b"},
    "tools": [{"type": "function", "name": "get_weather", "parameters": {"type": "object"}, "strict": True}],
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "text"}},
}


def asked(**more: Any) -> ResponseRequest:
    return parse_response(DOCUMENT | more, (), lambda item_id: None)


def told(body: bytes) -> list[dict[str, Any]]:
    """The events of a stream, each of which names its type twice, as OpenAI's own model takes it."""
    *blocks, rest = body.split(b"\n\n")
    assert rest == b""
    found = []
    for number, block in enumerate(blocks):
        name, data = block.split(b"\n")
        assert name.startswith(b"event: ") and data.startswith(b"data: ")
        event = orjson.loads(data[6:])
        assert (event["type"], event["sequence_number"]) == (name[7:].decode(), number)
        assert_known(EVENT.validate_python(event, strict=True))
        found.append(event)
    return found


def streamed(events: list[Event], **more: Any) -> list[dict[str, Any]]:
    renderer = ResponseStream(asked(stream=True, **more), lambda response: None)
    return told(renderer.open() + b"".join(renderer.chunks([event]) for event in events) + renderer.end())


def whole(events: list[Event], **more: Any) -> dict[str, Any]:
    response = whole_response(asked(**more), events, lambda response: None)
    assert_known(Response.model_validate(response, strict=True))
    return response


def test_a_streams_events_come_in_openais_order() -> None:
    assert [event["type"].removeprefix("response.") for event in streamed(ANSWER)] == [
        "created", "in_progress",
        "output_item.added", "reasoning_summary_part.added", *["reasoning_summary_text.delta"] * 2,
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
        "output_item.added", "content_part.added", "output_text.annotation.added", *["output_text.delta"] * 2,
        "output_text.annotation.added", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
        "output_item.added", "custom_tool_call_input.delta", "custom_tool_call_input.done", "output_item.done",
        "completed",
    ]  # fmt: skip


def test_a_stream_ends_with_the_response_that_a_whole_answer_is() -> None:
    last = streamed(ANSWER)[-1]["response"]
    complete = whole(ANSWER)
    for response in (last, complete):
        for output in response["output"]:
            assert response_id_of(output.pop("id")) == response["id"]
    changing = ("id", "created_at", "completed_at")
    assert {k: v for k, v in last.items() if k not in changing} == {
        k: v for k, v in complete.items() if k not in changing
    }


def test_the_pieces_are_the_whole() -> None:
    events = streamed(ANSWER)

    def joined(kind: str) -> str:
        return "".join(event["delta"] for event in events if event["type"] == f"response.{kind}.delta")

    assert joined("output_text") == 'Hé\u2028\U0001f30a "x"\n!'
    assert joined("reasoning_summary_text") == "Well, then"
    assert joined("function_call_arguments") == '{"city":"Paris"}'
    assert joined("custom_tool_call_input") == "ls -l"


def test_a_response_has_every_field_that_openai_requires() -> None:
    response = whole([Text("x"), Finish()])
    assert response["object"] == "response" and response["status"] == "completed"
    assert response["error"] is None and response["incomplete_details"] is None
    assert response["instructions"] == "Be brief." and response["metadata"] == {"a": "b"}
    assert response["reasoning"] == {"effort": "low", "summary": "auto"}
    assert response["tools"][0]["name"] == "get_weather" and response["tool_choice"] == "auto"
    assert response["usage"]["total_tokens"] == sum(
        response["usage"][kind] for kind in ("input_tokens", "output_tokens")
    )
    (message,) = response["output"]
    assert message["content"] == [{"type": "output_text", "text": "x", "annotations": [], "logprobs": []}]


def test_a_minimal_request_gets_openais_defaults() -> None:
    response = whole_response(
        parse_response({"model": "grok-4.1", "input": "x"}, (), lambda item_id: None),
        [Finish()],
        lambda response: None,
    )
    assert_known(Response.model_validate(response, strict=True))
    assert response["tools"] == [] and response["tool_choice"] == "auto" and response["store"] is True
    assert response["text"] == {"format": {"type": "text"}, "verbosity": "medium"}


def test_an_answer_that_was_cut_is_incomplete() -> None:
    response = whole([Text("x"), Finish("length")])
    assert response["status"] == "incomplete" and response["output"][0]["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert streamed([Text("x"), Finish("length")])[-1]["type"] == "response.incomplete"


def test_citations_stand_where_the_text_was_when_they_came() -> None:
    message = whole(ANSWER)["output"][1]
    assert [(a["url"], a["title"], a["start_index"]) for a in message["content"][0]["annotations"]] == [
        ("https://example.org/a", "Tides", 0),
        ("https://example.org/b", "https://example.org/b", 9),
    ]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UpstreamFailed("It broke."), "server_error"),
        (RateLimited("Too much."), "rate_limit_exceeded"),
        (RuntimeError("a secret"), "server_error"),
    ],
)
def test_a_failure_is_a_failed_response_and_an_error(error: Exception, code: str) -> None:
    renderer = ResponseStream(asked(stream=True), lambda response: None)
    renderer.open()
    renderer.chunks([Text("x")])
    failed, last = _from(renderer.error(error))  # nothing is said to be done
    assert failed["type"] == "response.failed" and failed["response"]["status"] == "failed"
    assert failed["response"]["error"]["code"] == code and "secret" not in str(failed)
    assert failed["response"]["output"][0]["status"] == "incomplete"
    assert last["type"] == "error" and last["error"]["message"] == last["message"]


def _from(body: bytes) -> list[dict[str, Any]]:
    events = [orjson.loads(block.split(b"\ndata: ")[1]) for block in body.split(b"\n\n")[:-1]]
    for event in events:
        assert_known(EVENT.validate_python(event, strict=True))
    return events


def test_who_keeps_a_response_hears_of_it_before_the_client() -> None:
    kept: list[dict[str, Any]] = []

    def keep(response: dict[str, Any]) -> None:
        kept.append(dict(response))
        response["store"] = False

    renderer = ResponseStream(asked(stream=True), keep)
    renderer.open()
    last = _from(renderer.chunks([Text("x"), Finish()]))[-1]
    assert kept[0]["status"] == "completed" and kept[0]["output"][0]["content"][0]["text"] == "x"
    assert last["response"]["store"] is False


@given(st.lists(st.integers(0, len(ANSWER)), max_size=8))
@PATIENT
def test_how_events_are_batched_makes_no_difference(places: list[int]) -> None:
    renderer = ResponseStream(asked(stream=True), lambda response: None)
    edges = [0, *sorted(places), len(ANSWER)]
    body = renderer.open() + b"".join(renderer.chunks(ANSWER[a:b]) for a, b in pairwise(edges))
    kinds = [event["type"] for event in _from(body)]
    assert kinds == [event["type"] for event in streamed(ANSWER)]
