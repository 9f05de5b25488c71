"""Events in OpenAI's chat objects, against the models of OpenAI's own package."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from grok2api.errors import RateLimited, UpstreamFailed
from grok2api.events import Citation, Event, Finish, Reasoning, Started, Text
from grok2api.messages import ChatRequest, Message, Role
from grok2api.web.api.render import ChatChunks, chat_completion
from tests.unit.grok_streams import PATIENT
from tests.unit.openai_models import assert_known

ANSWER: list[Event] = [
    Started(), Reasoning("Well"), Reasoning(", then"), Text("Hé"), Citation("https://example.org/a", "Tides"),
    Text("\u2028\U0001f30a \"x\"\n"), Citation("https://example.org/b"), Finish(),
]  # fmt: skip
CONTENT, REASONING = 'Hé\u2028\U0001f30a "x"\n', "Well, then"


def request(*, stream: bool = True, include_usage: bool = False, model: str = "grok-4.1") -> ChatRequest:
    messages = (Message(Role.SYSTEM, "Be brief."), Message(Role.USER, "你好 there"))
    return ChatRequest(model, messages, stream=stream, include_usage=include_usage)


def documents(body: bytes) -> list[dict[str, Any]]:
    """The JSON of each event of a stream, which must be events and nothing else."""
    *parts, rest = body.split(b"\n\n")
    assert rest == b""
    assert all(part.startswith(b"data: ") and b"\n" not in part for part in parts)
    return [orjson.loads(part[6:]) for part in parts]


def streamed(asked: ChatRequest, batches: list[list[Event]]) -> list[dict[str, Any]]:
    renderer = ChatChunks(asked)
    return documents(renderer.open() + b"".join(map(renderer.chunks, batches)))


def deltas(chunks: list[dict[str, Any]], key: str) -> str:
    return "".join(c["choices"][0]["delta"].get(key) or "" for c in chunks if c["choices"])


# Chunks


@pytest.mark.parametrize("include_usage", [False, True])
def test_every_chunk_is_one_of_openais(include_usage: bool) -> None:
    for chunk in streamed(request(include_usage=include_usage), [ANSWER]):
        assert_known(ChatCompletionChunk.model_validate(chunk, strict=True))


def test_all_chunks_share_one_id_time_and_model() -> None:
    before = int(time.time())
    chunks = streamed(request(model="grok-4-fast"), [ANSWER])
    assert {chunk["model"] for chunk in chunks} == {"grok-4-fast"}
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    (created,) = {chunk["created"] for chunk in chunks}
    (name,) = {chunk["id"] for chunk in chunks}
    assert before <= created <= time.time() and name.startswith("chatcmpl-")
    assert streamed(request(), [])[0]["id"] != streamed(request(), [])[0]["id"]


def test_the_role_is_said_once_and_first() -> None:
    chunks = streamed(request(), [ANSWER])
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert not any("role" in chunk["choices"][0]["delta"] for chunk in chunks[1:])


def test_the_last_chunk_has_the_reason_and_an_empty_delta() -> None:
    *chunks, last = streamed(request(), [[Text("x"), Finish("length")]])
    assert last["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "length"}]
    assert all(chunk["choices"][0]["finish_reason"] is None for chunk in chunks)


def test_texts_arrive_to_the_character() -> None:
    chunks = streamed(request(), [ANSWER])
    assert (deltas(chunks, "content"), deltas(chunks, "reasoning_content")) == (CONTENT, REASONING)


def test_reasoning_and_content_never_share_a_delta() -> None:
    for chunk in streamed(request(), [ANSWER]):
        assert not {"content", "reasoning_content"} <= chunk["choices"][0]["delta"].keys()


def test_sources_stand_in_the_last_delta_but_one() -> None:
    chunks = streamed(request(), [ANSWER])
    assert chunks[-2]["choices"][0]["delta"] == {
        "annotations": [
            {
                "type": "url_citation",
                "url_citation": {"start_index": at, "end_index": at, "url": url, "title": title},
            }
            for at, url, title in ((2, "https://example.org/a", "Tides"), (9, *["https://example.org/b"] * 2))
        ]
    }


def test_without_include_usage_no_chunk_has_usage() -> None:
    assert not any("usage" in chunk for chunk in streamed(request(), [ANSWER]))


def test_with_include_usage_one_last_chunk_without_choices_has_it_and_the_others_null() -> None:
    *chunks, last = streamed(request(include_usage=True), [ANSWER])
    assert all(chunk["usage"] is None and chunk["choices"] for chunk in chunks)
    assert last["choices"] == [] and last["usage"]["total_tokens"] > 0


def test_what_has_no_form_makes_no_chunk() -> None:
    renderer = ChatChunks(request())
    assert renderer.chunks([Started(), Citation("u")]) == b"" == renderer.chunks([])


@given(st.lists(st.integers(0, len(ANSWER)), max_size=8), st.booleans())
@PATIENT
def test_how_events_are_batched_makes_no_difference(places: list[int], include_usage: bool) -> None:
    edges = [0, *sorted(places), len(ANSWER)]
    batches = [ANSWER[start:end] for start, end in pairwise(edges)]
    asked = request(include_usage=include_usage)
    assert [c["choices"] for c in streamed(asked, batches)] == [
        c["choices"] for c in streamed(asked, [ANSWER])
    ]


@given(
    st.lists(st.text(st.characters(codec="utf-8"), min_size=1)),
    st.text(st.characters(codec="utf-8"), max_size=9),
)
@PATIENT
def test_any_text_and_any_models_name_can_be_sent(texts: list[str], model: str) -> None:
    chunks = streamed(request(model=f"grok {model}"), [[*map(Text, texts), Finish()]])
    assert deltas(chunks, "content") == "".join(texts)
    assert {chunk["model"] for chunk in chunks} == {f"grok {model}"}


def test_an_error_is_an_event_with_openais_envelope() -> None:
    renderer = ChatChunks(request())
    (document,) = documents(renderer.error(RateLimited("Too much.")))
    assert document == {
        "error": {
            "message": "Too much.",
            "type": "rate_limit_error",
            "param": None,
            "code": "rate_limit_exceeded",
        }
    }
    (document,) = documents(renderer.error(UpstreamFailed("It broke.\n\ndata: x")))
    assert document["error"]["message"] == "It broke.\n\ndata: x"
    (document,) = documents(renderer.error(RuntimeError("a secret")))
    assert "secret" not in document["error"]["message"] and document["error"]["code"] == "internal_error"


# Whole


def test_a_completion_is_openais() -> None:
    completion = chat_completion(request(stream=False), ANSWER)
    model = ChatCompletion.model_validate(completion, strict=True)
    assert_known(model)
    assert model.choices[0].message.content == CONTENT and model.choices[0].finish_reason == "stop"
    assert completion["choices"][0]["message"]["reasoning_content"] == REASONING


def test_every_field_that_openai_requires_is_there() -> None:
    completion = chat_completion(request(stream=False), [Text("x"), Finish()])
    assert completion.keys() >= {"id", "object", "created", "model", "choices", "usage"}
    (choice,) = completion["choices"]
    assert choice.keys() == {"index", "message", "logprobs", "finish_reason"}
    assert choice["message"] == {"role": "assistant", "content": "x", "refusal": None, "annotations": []}
    assert completion["object"] == "chat.completion" and completion["model"] == "grok-4.1"


def test_streaming_or_not_the_answer_is_the_same() -> None:
    chunks = streamed(request(include_usage=True), [ANSWER])
    whole = chat_completion(request(stream=False), ANSWER)
    message = whole["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == (CONTENT, REASONING)
    assert message["annotations"] == chunks[-3]["choices"][0]["delta"]["annotations"]
    assert whole["usage"] == chunks[-1]["usage"]


def test_usage_counts_what_was_asked_said_and_thought() -> None:
    usage = chat_completion(request(stream=False), [Reasoning("12345678"), Text("你好"), Finish()])["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (6, 4, 10)
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 2
    assert usage["prompt_tokens_details"]["cached_tokens"] == 0


def test_the_finish_reason_is_the_events() -> None:
    completion = chat_completion(request(stream=False), [Text("x"), Finish("length")])
    assert completion["choices"][0]["finish_reason"] == "length"
