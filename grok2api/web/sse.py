"""A stream of server-sent events: what the renderer makes of events, heartbeats, and an end on every path."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from typing import Protocol

from flask import Response

from grok2api.errors import GatewayError
from grok2api.events import Event
from grok2api.web.pump import ClientGone, Pump

HEARTBEAT = b": keep-alive\n\n"

log = logging.getLogger(__name__)


class StreamRenderer(Protocol):
    """Turns events into bytes on the wire. Hot: called once per wake-up with all that it brought."""

    def open(self) -> bytes: ...

    def chunks(self, events: list[Event]) -> bytes: ...

    def end(self) -> bytes:
        """What follows a whole answer; may be nothing."""
        ...

    def error(self, error: Exception) -> bytes: ...


class EventStream:
    """The iterable body of a streaming response. A class rather than a generator: it is closed properly even
    when the server never asked for its first piece."""

    def __init__(
        self, pump: Pump, renderer: StreamRenderer, on_end: Callable[[BaseException | None], None]
    ) -> None:
        self._pump = pump
        self._pieces = self._render(renderer)
        self._on_end = on_end
        self._error: BaseException | None = ClientGone()

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        self._pieces.close()
        self._pump.close()
        self._on_end(self._error)

    def _render(self, renderer: StreamRenderer) -> Generator[bytes, None, None]:
        try:
            yield renderer.open()
            for batch in self._pump.batches():
                piece = renderer.chunks(batch) if batch else HEARTBEAT
                if piece:
                    yield piece
            if end := renderer.end():
                yield end
            self._error = None
        except ClientGone:
            return
        except Exception as error:
            self._error = error
            if not isinstance(error, GatewayError):
                log.exception("a stream failed unexpectedly")
            yield renderer.error(error)


def stream_response(
    pump: Pump, renderer: StreamRenderer, on_end: Callable[[BaseException | None], None]
) -> Response:
    """The 200 that streams; closes the pump however it ends. `on_end`: told what it failed with, None when it
    did not, ClientGone when nobody reads any more."""
    body = EventStream(pump, renderer, on_end)
    # Passed through as it is: the pieces are bytes already, and the server closes the body itself.
    response = Response(body, mimetype="text/event-stream", direct_passthrough=True)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    return response
