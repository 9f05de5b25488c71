"""Events to OpenAI's chat objects: chunks as bytes for a stream, one completion as a dict. Pure.

A chunk's head and tail are made once per stream; per piece of text there is one small JSON encode.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

import orjson

from grok2api.events import Citation, Event, Finish, Reasoning, Text
from grok2api.messages import ChatRequest, Message
from grok2api.text_tokens import TokenCount
from grok2api.web.api.errors import error_body

_MARK = "\x00"


class Answer:
    """What an answer has come to so far, apart from its form: ids, counted tokens, sources."""

    def __init__(self, model: str, messages: tuple[Message, ...]) -> None:
        self.id = f"chatcmpl-{secrets.token_hex(12)}"
        self.created = int(time.time())
        self.model = model
        self._messages = messages
        self.content = TokenCount()
        self.reasoning = TokenCount()
        self.length = 0
        self.annotations: list[dict[str, Any]] = []

    def cite(self, citation: Citation) -> None:
        place = {"start_index": self.length, "end_index": self.length}
        about = {"url": citation.url, "title": citation.title or citation.url}
        self.annotations.append({"type": "url_citation", "url_citation": place | about})

    def usage(self) -> dict[str, Any]:
        """OpenAI's `usage`, estimated (see text_tokens.py)."""
        asked = TokenCount()
        for message in self._messages:
            asked.add(message.text)
        completion = self.content.tokens + self.reasoning.tokens
        return {
            "prompt_tokens": asked.tokens,
            "completion_tokens": completion,
            "total_tokens": asked.tokens + completion,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": self.reasoning.tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


class ChatChunks:
    """Renders a stream of `chat.completion.chunk`; a StreamRenderer."""

    def __init__(self, request: ChatRequest) -> None:
        self._answer = Answer(request.model, request.messages)
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
                pieces += (head, orjson.dumps(text), tail)
                answer.content.add(text)
                answer.length += len(text)
            elif kind is Reasoning:
                text = event.text  # type: ignore[union-attr]
                pieces += (self._reasoning[0], orjson.dumps(text), self._reasoning[1])
                answer.reasoning.add(text)
            elif kind is Citation:
                answer.cite(event)  # type: ignore[arg-type]
            elif kind is Finish:
                pieces.append(self._finish(event.reason))  # type: ignore[union-attr]
        return b"".join(pieces)

    def error(self, error: Exception) -> bytes:
        return self._event(error_body(error))

    def _finish(self, reason: str) -> bytes:
        last = b""
        if self._answer.annotations:
            last += self._event(self._chunk({"annotations": self._answer.annotations}))
        last += self._event(self._chunk({}, reason))
        if self._include_usage:
            last += self._event(self._chunk({}) | {"choices": [], "usage": self._answer.usage()})
        return last

    def _around(self, delta: dict[str, Any]) -> tuple[bytes, bytes]:
        """What stands before and after the encoded text of a chunk with this delta."""
        head, tail = self._event(self._chunk(delta)).split(orjson.dumps(_MARK))
        return head, tail

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        chunk: dict[str, Any] = {
            "id": self._answer.id,
            "object": "chat.completion.chunk",
            "created": self._answer.created,
            "model": self._answer.model,
            "system_fingerprint": None,
            "choices": [choice],
        }
        return chunk | {"usage": None} if self._include_usage else chunk

    @staticmethod
    def _event(document: dict[str, Any]) -> bytes:
        return b"data: " + orjson.dumps(document) + b"\n\n"


def chat_completion(request: ChatRequest, events: list[Event]) -> dict[str, Any]:
    """One `chat.completion` of a whole answer."""
    answer = Answer(request.model, request.messages)
    content: list[str] = []
    reasoning: list[str] = []
    finish_reason = "stop"
    for event in events:
        match event:
            case Text(text):
                content.append(text)
                answer.content.add(text)
                answer.length += len(text)
            case Reasoning(text):
                reasoning.append(text)
                answer.reasoning.add(text)
            case Citation():
                answer.cite(event)
            case Finish(reason):
                finish_reason = reason
    message: dict[str, Any] = {"role": "assistant", "content": "".join(content), "refusal": None}
    message["annotations"] = answer.annotations
    if reasoning:
        message["reasoning_content"] = "".join(reasoning)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": request.model,
        "system_fingerprint": None,
        "choices": [choice],
        "usage": answer.usage(),
    }
