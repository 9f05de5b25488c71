"""Events to OpenAI's Responses API: the semantic events of a stream as bytes, or one response as a dict.

One class builds the response out of events and tells each step; a stream writes the steps down, a whole answer does
not. A piece of text is the hot path: its event's head is made once per item.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from grok2api.errors import BadRequest
from grok2api.events import Citation, Embedded, Event, Finish, Reasoning, Text, ToolCall
from grok2api.web.api.errors import error_body
from grok2api.web.api.open_texts import OpenAnswer, OpenSummary, OpenText, Tell
from grok2api.web.api.parse_responses import ResponseRequest
from grok2api.web.api.usage import AnswerCount
from grok2api.web.event_json import dumps

_PREFIX = "resp_"


def new_response_id() -> str:
    return _PREFIX + secrets.token_hex(16)


def response_id_of(item_id: str) -> str:
    """The response whose item this is: an item's id has its response's in it."""
    return _PREFIX + item_id.partition("_")[2].partition("-")[0]


def as_of_responses(error: Exception) -> Exception:
    """An error of the core, which speaks of `messages`, in the words of this API."""
    if isinstance(error, BadRequest) and error.param == "messages":
        error.param = "input"
    return error


class ResponseBuilder:
    """What a response has come to so far. on_done: told of a whole one, before anybody else hears of it."""

    def __init__(
        self, request: ResponseRequest, tell: Tell, on_done: Callable[[dict[str, Any]], None]
    ) -> None:
        self._request = request
        self._tell = tell
        self._on_done = on_done
        self._count = AnswerCount()
        self._output: list[dict[str, Any]] = []
        self._open: OpenText | None = None
        self._citations: list[Citation] = []
        self.response: dict[str, Any] = {
            "id": new_response_id(),
            "object": "response",
            "created_at": int(time.time()),
            "completed_at": None,
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "model": request.chat.model,
            "output": [],
            "usage": None,
            **request.echo,
        }

    def begin(self) -> None:
        for step in ("created", "in_progress"):
            self._tell(f"response.{step}", {"response": self.response})

    def take(self, event: Event) -> None:
        match event:
            case Text(text):
                self._text(text, OpenAnswer)
                self._count.content.add(text)
            case Embedded(text):
                self._text(text, OpenAnswer)
            case Reasoning(text):
                self._text(text, OpenSummary)
                self._count.reasoning.add(text)
            case Citation():
                if isinstance(self._open, OpenAnswer):
                    self._open.cite(event, self._tell)
                else:
                    self._citations.append(event)  # it comes before the text that refers to it
            case ToolCall():
                self._close_text()
                self._call(event)
            case Finish(reason):
                self._finish(reason)

    def fail(self, error: Exception) -> None:
        body = error_body(as_of_responses(error))["error"]
        if (
            self._open is not None
        ):  # without telling that it is done: clients would read it as if it were whole
            self._output.append(self._open.end(lambda kind, fields: None, "incomplete"))
        code = (
            body["code"] if body["code"] == "rate_limit_exceeded" else "server_error"
        )  # as OpenAI's list has them
        about = {"code": code, "message": body["message"]}
        self.response |= {"status": "failed", "error": about, "output": self._output, "store": False}
        self._tell("response.failed", {"response": self.response})
        # Beside the failed response: the SDKs raise for the nested form, others know the flat one.
        flat = {key: body[key] for key in ("code", "message", "param")}
        self._tell("error", flat | {"error": body})

    def _text(self, text: str, kind: type[OpenText]) -> None:
        if type(self._open) is not kind:
            self._close_text()
            self._open = kind(self._item_id(kind.prefix), len(self._output))
            self._open.begin(self._tell)
            if isinstance(self._open, OpenAnswer):
                for citation in self._citations:
                    self._open.cite(citation, self._tell)
                self._citations = []
        assert self._open is not None  # nosec B101 # for mypy: opened above, if it was not
        self._open.add(text, self._tell)

    def _close_text(self, status: str = "completed") -> None:
        if self._open is not None:
            self._output.append(self._open.end(self._tell, status))
            self._open = None

    def _call(self, call: ToolCall) -> None:
        self._count.call(call)
        kind, key = ("custom_tool_call", "input") if call.custom else ("function_call", "arguments")
        step = f"response.{kind}_{key}"
        id_, index = self._item_id("ctc" if call.custom else "fc"), len(self._output)
        item = {
            "id": id_,
            "type": kind,
            "status": "in_progress",
            "call_id": call.id,
            "name": call.name,
            key: "",
        }
        if call.custom:
            del item["status"]  # which OpenAI's do not have
        self._tell("response.output_item.added", {"output_index": index, "item": item})
        place = {"item_id": id_, "output_index": index}
        self._tell(f"{step}.delta", place | {"delta": call.arguments})
        self._tell(f"{step}.done", place | {key: call.arguments})
        item = item | {key: call.arguments} | ({} if call.custom else {"status": "completed"})
        self._tell("response.output_item.done", {"output_index": index, "item": item})
        self._output.append(item)

    def _finish(self, reason: str) -> None:
        cut = reason == "length"
        self._close_text("incomplete" if cut else "completed")
        used = self._count.usage(self._request.chat)
        self.response |= {
            "status": "incomplete" if cut else "completed",
            "completed_at": None if cut else int(time.time()),
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "output": self._output,
            "usage": {
                "input_tokens": used.input,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": used.output,
                "output_tokens_details": {"reasoning_tokens": used.reasoning},
                "total_tokens": used.input + used.output,
            },
        }
        self._on_done(self.response)
        self._tell(f"response.{self.response['status']}", {"response": self.response})

    def _item_id(self, prefix: str) -> str:
        return f"{prefix}_{self.response['id'].removeprefix(_PREFIX)}-{len(self._output)}"


class ResponseStream:
    """Renders the events of a streamed response; a StreamRenderer. There is no `[DONE]`: the last event says it."""

    def __init__(self, request: ResponseRequest, on_done: Callable[[dict[str, Any]], None]) -> None:
        self._pieces: list[bytes] = []
        self._number = 0
        self._builder = ResponseBuilder(request, self._tell, on_done)

    def open(self) -> bytes:
        self._builder.begin()
        return self._written()

    def chunks(self, events: list[Event]) -> bytes:
        for event in events:
            self._builder.take(event)
        return self._written()

    def end(self) -> bytes:
        return b""

    def error(self, error: Exception) -> bytes:
        self._builder.fail(error)
        return self._written()

    def _tell(self, kind: str, fields: Mapping[str, Any]) -> None:
        body = dumps({"type": kind, "sequence_number": self._number, **fields})
        self._pieces += (b"event: ", kind.encode(), b"\ndata: ", body, b"\n\n")
        self._number += 1

    def _written(self) -> bytes:
        written = b"".join(self._pieces)
        self._pieces.clear()
        return written


def whole_response(
    request: ResponseRequest, events: list[Event], on_done: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """The response to a request that is not streamed."""
    builder = ResponseBuilder(request, lambda kind, fields: None, on_done)
    for event in events:
        builder.take(event)
    return builder.response
