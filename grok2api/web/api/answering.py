"""From a parsed request to an HTTP answer, streamed or whole: what all endpoints that ask a model have in common."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from flask import Response, request

from grok2api.events import Event
from grok2api.messages import ChatRequest
from grok2api.web.json_response import json_response
from grok2api.web.pump import ClientGone, Pump
from grok2api.web.services import get_services
from grok2api.web.sse import StreamRenderer, stream_response

#: How long a streaming request waits for a true status before it is answered 200 and heartbeats.
STATUS_WAIT_S = 15.0

log = logging.getLogger(__name__)


def answer(
    chat: ChatRequest, streamed: Callable[[], StreamRenderer], whole: Callable[[list[Event]], dict[str, Any]]
) -> Response:
    """Asks upstream and answers in the form of one of the renderers. The status waits for the first content.

    Raises what can be told before anything was sent.
    """
    began = time.monotonic()
    services = get_services()
    services.completion.check(chat)
    pump = Pump(lambda end: services.completion.answer(chat, end), request.environ, services.watchdog)
    try:
        if chat.stream:
            pump.wait_started(STATUS_WAIT_S)
            response = stream_response(pump, streamed(), lambda outcome: _log_end(chat, outcome, began))
        else:
            events = [event for batch in pump.batches() for event in batch]
            pump.close()
            response = json_response(whole(events))
            _log_end(chat, "ok", began)
    except BaseException as error:
        pump.close()
        gone = isinstance(error, ClientGone)
        _log_end(chat, "client_gone" if gone else type(error).__name__, began)
        if gone:
            return Response(status=499)  # reaches no one
        raise
    if chat.ignored:
        response.headers["X-Ignored-Params"] = ", ".join(chat.ignored)
    return response


def _log_end(chat: ChatRequest, outcome: str, began: float) -> None:
    took_ms = (time.monotonic() - began) * 1000
    log.info("chat %s %s: %s in %.0f ms", chat.model, "stream" if chat.stream else "whole", outcome, took_ms)
