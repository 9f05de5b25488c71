"""POST /v1/chat/completions."""

from __future__ import annotations

import logging
import time

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from grok2api.messages import ChatRequest
from grok2api.web.api.guard import blueprint
from grok2api.web.api.parse import parse_chat
from grok2api.web.api.render import ChatChunks, chat_completion
from grok2api.web.body import read_json
from grok2api.web.json_response import json_response
from grok2api.web.pump import ClientGone, Pump
from grok2api.web.services import get_services
from grok2api.web.sse import stream_response

#: How long a streaming request waits for a true status before it is answered 200 and heartbeats.
STATUS_WAIT_S = 15.0

log = logging.getLogger(__name__)


@blueprint.post("/chat/completions")
def create_chat_completion() -> Response:
    """Streams chunks or answers with one completion; the status waits for the first content."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    began = time.monotonic()
    chat = parse_chat(read_json())
    services = get_services()
    services.completion.check(chat)
    pump = Pump(lambda end: services.completion.answer(chat, end), request.environ, services.watchdog)
    try:
        response = _stream(chat, pump, began) if chat.stream else _complete(chat, pump, began)
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


def _stream(chat: ChatRequest, pump: Pump, began: float) -> Response:
    pump.wait_started(STATUS_WAIT_S)
    return stream_response(pump, ChatChunks(chat), lambda outcome: _log_end(chat, outcome, began))


def _complete(chat: ChatRequest, pump: Pump, began: float) -> Response:
    events = [event for batch in pump.batches() for event in batch]
    pump.close()
    response = json_response(chat_completion(chat, events))
    _log_end(chat, "ok", began)
    return response


def _log_end(chat: ChatRequest, outcome: str, began: float) -> None:
    took_ms = (time.monotonic() - began) * 1000
    log.info("chat %s %s: %s in %.0f ms", chat.model, "stream" if chat.stream else "whole", outcome, took_ms)
