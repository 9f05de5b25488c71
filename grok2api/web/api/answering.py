"""From a parsed request to an HTTP answer, streamed or whole: what all endpoints that ask a model have in common."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from flask import Response, request

from grok2api.cancellation import Cancellation
from grok2api.errors import BadRequest, Moderated, Rejected
from grok2api.events import Event
from grok2api.messages import ChatRequest
from grok2api.services.usage import UsageMeter
from grok2api.web.json_response import json_response
from grok2api.web.pump import ClientGone, Pump
from grok2api.web.services import get_services
from grok2api.web.sse import StreamRenderer, stream_response

#: How long a streaming request waits for a true status before it is answered 200 and heartbeats.
STATUS_WAIT_S = 15.0

#: What a link may begin with; the host is the client's word.
_ADDRESS = re.compile(r"https?://[\w.:\[\]~%/-]+", re.ASCII)

#: What a request may end with that is no failure of the gateway's or upstream's.
_CLIENTS_OWN = (BadRequest, Moderated, Rejected)

log = logging.getLogger(__name__)


def answer(
    chat: ChatRequest, streamed: Callable[[], StreamRenderer], whole: Callable[[list[Event]], dict[str, Any]]
) -> Response:
    """Asks upstream and answers in the form of one of the renderers. The status waits for the first content.

    Raises what can be told before anything was sent.
    """
    services = get_services()
    services.completion.check(chat)
    chat = replace(chat, media_base=media_base())
    return run(
        lambda end: services.completion.answer(chat, end),
        label=f"chat {chat.model}",
        ignored=chat.ignored,
        whole=whole,
        streamed=streamed if chat.stream else None,
    )


def run(
    make_events: Callable[[Cancellation], Generator[Event, None, None]],
    *,
    label: str,
    ignored: tuple[str, ...],
    whole: Callable[[list[Event]], dict[str, Any]],
    streamed: Callable[[], StreamRenderer] | None = None,
) -> Response:
    """Answers with what a greenlet makes, for as long as the client is there. label: of the request, for the log.

    streamed: the renderer, unless the answer is to be whole. Raises what can be told before anything was sent.
    """
    label += " stream" if streamed else " whole"
    pump = Pump(make_events, request.environ, get_services().watchdog)
    count = _Count(label, pump, get_services().usage)
    try:
        if streamed is not None:
            pump.wait_started(STATUS_WAIT_S)
            response = stream_response(pump, streamed(), count.end)
        else:
            events = [event for batch in pump.batches() for event in batch]
            pump.close()
            response = json_response(whole(events))
            count.end(None)
    except BaseException as error:
        pump.close()
        count.end(error)
        if isinstance(error, ClientGone):
            return Response(status=499)  # reaches no one
        raise
    if ignored:
        response.headers["X-Ignored-Params"] = ", ".join(ignored)
    return response


class _Count:
    """One request, for the log and the console's charts."""

    def __init__(self, label: str, pump: Pump, usage: UsageMeter) -> None:
        self._label = label
        self._pump = pump
        self._usage = usage
        self._began = time.monotonic()

    def end(self, error: BaseException | None) -> None:
        """error: what it failed with; ClientGone when nobody waits any more."""
        began_at = self._pump.began_at
        first_s = None if began_at is None else began_at - self._began
        gone = isinstance(error, ClientGone)
        failed = error is not None and not gone and not isinstance(error, _CLIENTS_OWN)
        self._usage.request(failed=failed, gone=gone, first_token_s=first_s)
        outcome = "ok" if error is None else "client_gone" if gone else type(error).__name__
        taken_s = time.monotonic() - self._began
        first = "" if first_s is None else f", first content after {first_s * 1000:.0f} ms"
        log.info("%s: %s in %.0f ms%s", self._label, outcome, taken_s * 1000, first)


def media_base() -> str:
    """This gateway's address as the client knows it, for links; "", which makes them relative, when the client gave one
    that is none."""
    base = request.url_root.rstrip("/")
    return base if _ADDRESS.fullmatch(base) else ""
