"""From a parsed request to an HTTP answer, streamed or whole: what all endpoints that ask a model have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from flask import Response, request

from grok2api.cancellation import Cancellation
from grok2api.events import Event
from grok2api.messages import ChatRequest
from grok2api.services.tracing import Trace
from grok2api.web.api.guard import check_model
from grok2api.web.api.recording import Recording
from grok2api.web.json_response import json_response
from grok2api.web.pump import ClientGone, Pump
from grok2api.web.services import get_services
from grok2api.web.sse import StreamRenderer, stream_response

#: How long a streaming request waits for a true status before it is answered 200 and heartbeats.
STATUS_WAIT_S = 15.0

#: What a link may begin with; the host is the client's word.
_ADDRESS = re.compile(r"https?://[\w.:\[\]~%/-]+", re.ASCII)


def answer(
    chat: ChatRequest, streamed: Callable[[], StreamRenderer], whole: Callable[[list[Event]], dict[str, Any]]
) -> Response:
    """Asks upstream and answers in the form of one of the renderers. The status waits for the first content.

    Raises what can be told before anything was sent.
    """
    services = get_services()
    check_model(chat.model)
    services.completion.check(chat)
    chat = replace(chat, media_base=media_base())
    return run(
        lambda end, trace: services.completion.answer(chat, end, trace),
        kind="chat",
        model=chat.model,
        ignored=chat.ignored,
        whole=whole,
        streamed=streamed if chat.stream else None,
    )


def run(
    make_events: Callable[[Cancellation, Trace], Generator[Event, None, None]],
    *,
    kind: str,
    model: str,
    ignored: tuple[str, ...],
    whole: Callable[[list[Event]], dict[str, Any]],
    streamed: Callable[[], StreamRenderer] | None = None,
) -> Response:
    """Answers with what a greenlet makes, for as long as the client is there. kind: of the request, in a word, for
    the log.

    streamed: the renderer, unless the answer is to be whole. Raises what can be told before anything was sent.
    """
    trace, services = Trace(), get_services()
    pump = Pump(lambda end: make_events(end, trace), request.environ, services.watchdog, services.turns)
    services.stopping.watch(pump)
    recording = Recording(kind, model, streamed is not None, pump, trace)
    try:
        if streamed is not None:
            pump.wait_started(STATUS_WAIT_S)
            response = stream_response(pump, streamed(), recording.end)
            recording.streaming()
        else:
            events = pump.gather()
            pump.close()
            response = json_response(whole(events))
            recording.end(None)
    except BaseException as error:
        pump.close()
        recording.end(error)
        if isinstance(error, ClientGone):
            return Response(status=499)  # reaches no one
        raise
    if ignored:
        response.headers["X-Ignored-Params"] = ", ".join(ignored)
    return response


def media_base() -> str:
    """This gateway's address as the client knows it, for links; "", which makes them relative, when the client gave one
    that is none."""
    base = request.url_root.rstrip("/")
    return base if _ADDRESS.fullmatch(base) else ""
