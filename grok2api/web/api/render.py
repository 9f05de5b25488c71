"""Events to OpenAI's chat objects: chunks as bytes for a stream, one completion as a dict. Pure.

A chunk's head and tail are made once per stream; per piece of text there is one small JSON encode.
"""

from __future__ import annotations

import time
from typing import Any

from grok2api.events import Citation, Embedded, Event, Finish, Reasoning, Text, Thought, ToolCall
from grok2api.ids import new_id
from grok2api.messages import ChatRequest
from grok2api.web.api.errors import error_body
from grok2api.web.api.usage import AnswerCount
from grok2api.web.event_json import dumps

_MARK = "\x00"


class Answer:
    """What an answer has come to so far, apart from its form: ids, counted tokens, sources, calls."""

    def __init__(self, request: ChatRequest) -> None:
        self.id = f"chatcmpl-{new_id(96)}"
        self.created = int(time.time())
        self._request = request
        self.count = AnswerCount()
        self.length = 0
        self.calls = 0
        self.annotations: list[dict[str, Any]] = []

    def cite(self, citation: Citation) -> None:
        place = {"start_index": self.length, "end_index": self.length}
        about = {"url": citation.url, "title": citation.title or citation.url}
        self.annotations.append({"type": "url_citation", "url_citation": place | about})

    def finish_reason(self, reason: str) -> str:
        return "function_call" if self._request.legacy_functions and reason == "tool_calls" else reason

    def usage(self) -> dict[str, Any]:
        """OpenAI's `usage`, estimated."""
        used = self.count.usage(self._request)
        return {
            "prompt_tokens": used.input,
            "completion_tokens": used.output,
            "total_tokens": used.input + used.output,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": used.reasoning,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def head(self, kind: str) -> dict[str, Any]:
        """What a completion and each of its chunks begin with; kind: its `object`."""
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self._request.model,
            "system_fingerprint": None,
        }


class ChatChunks:
    """Renders a stream of `chat.completion.chunk`; a StreamRenderer."""

    def __init__(self, request: ChatRequest) -> None:
        self._answer = Answer(request)
        self._legacy = request.legacy_functions
        self._include_usage = request.include_usage
        self._text = self._around({"content": _MARK})
        self._reasoning = self._around({"reasoning_content": _MARK})

    def open(self) -> bytes:
        return self._event(self._chunk({"role": "assistant", "content": "", "refusal": None}))

    def chunks(self, events: list[Event]) -> bytes:
        answer = self._answer
        head, tail = self._text
        pieces: list[bytes] = []
        for event in events:
            kind = type(event)
            if kind is Text:
                text = event.text  # type: ignore[union-attr]
                pieces += (head, dumps(text), tail)
                answer.count.content.add(text)
                answer.length += len(text)
            elif kind is Thought:
                text = event.text  # type: ignore[union-attr]
                pieces += (head, dumps(text), tail)
                answer.count.reasoning.add(text)
                answer.length += len(text)
            elif kind is Reasoning:
                text = event.text  # type: ignore[union-attr]
                pieces += (self._reasoning[0], dumps(text), self._reasoning[1])
                answer.count.reasoning.add(text)
            elif kind is Embedded:
                text = event.text  # type: ignore[union-attr]
                pieces += (head, dumps(text), tail)
                answer.length += len(text)
            elif kind is Citation:
                answer.cite(event)  # type: ignore[arg-type]
            elif kind is ToolCall:
                pieces.append(self._call(event))  # type: ignore[arg-type]
            elif kind is Finish:
                pieces.append(self._finish(event.reason))  # type: ignore[union-attr]
        return b"".join(pieces)

    def end(self) -> bytes:
        return b"data: [DONE]\n\n"

    def error(self, error: Exception) -> bytes:
        return self._event(error_body(error))

    def _call(self, call: ToolCall) -> bytes:
        """As OpenAI streams it: the name first, with empty arguments, then those."""
        self._answer.count.call(call)
        if self._legacy:
            name, rest = {"name": call.name, "arguments": ""}, {"arguments": call.arguments}
            deltas: list[dict[str, Any]] = [{"function_call": part} for part in (name, rest)]
        else:
            index = self._answer.calls
            kind, key = ("custom", "input") if call.custom else ("function", "arguments")
            first = {"index": index, "id": call.id, "type": kind, kind: {"name": call.name, key: ""}}
            then = {"index": index, kind: {key: call.arguments}}
            deltas = [{"tool_calls": [part]} for part in (first, then)]
        self._answer.calls += 1
        return b"".join(self._event(self._chunk(delta)) for delta in deltas)

    def _finish(self, reason: str) -> bytes:
        last = b""
        if self._answer.annotations:
            last += self._event(self._chunk({"annotations": self._answer.annotations}))
        last += self._event(self._chunk({}, self._answer.finish_reason(reason)))
        if self._include_usage:
            last += self._event(self._chunk({}) | {"choices": [], "usage": self._answer.usage()})
        return last

    def _around(self, delta: dict[str, Any]) -> tuple[bytes, bytes]:
        """What stands before and after the encoded text of a chunk with this delta."""
        head, tail = self._event(self._chunk(delta)).split(dumps(_MARK))
        return head, tail

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk = self._answer.head("chat.completion.chunk") | {"choices": [choice]}
        return chunk | {"usage": None} if self._include_usage else chunk

    @staticmethod
    def _event(document: dict[str, Any]) -> bytes:
        return b"data: " + dumps(document) + b"\n\n"


def chat_completion(request: ChatRequest, events: list[Event]) -> dict[str, Any]:
    """One `chat.completion` of a whole answer."""
    answer = Answer(request)
    content: list[str] = []
    reasoning: list[str] = []
    calls: list[ToolCall] = []
    finish_reason = "stop"
    for event in events:
        match event:
            case Text(text):
                content.append(text)
                answer.count.content.add(text)
                answer.length += len(text)
            case Thought(text):
                content.append(text)
                answer.count.reasoning.add(text)
                answer.length += len(text)
            case Embedded(text):
                content.append(text)
                answer.length += len(text)
            case Reasoning(text):
                reasoning.append(text)
                answer.count.reasoning.add(text)
            case Citation():
                answer.cite(event)
            case ToolCall():
                calls.append(event)
                answer.count.call(event)
            case Finish(reason):
                finish_reason = answer.finish_reason(reason)
    text = "".join(content)
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None}
    message |= {"refusal": None, "annotations": answer.annotations}
    if reasoning:
        message["reasoning_content"] = "".join(reasoning)
    if calls and request.legacy_functions:
        message["function_call"] = {"name": calls[0].name, "arguments": calls[0].arguments}
    elif calls:
        message["tool_calls"] = [_call(call) for call in calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    return answer.head("chat.completion") | {"choices": [choice], "usage": answer.usage()}


def _call(call: ToolCall) -> dict[str, Any]:
    kind, key = ("custom", "input") if call.custom else ("function", "arguments")
    return {"id": call.id, "type": kind, kind: {"name": call.name, key: call.arguments}}
