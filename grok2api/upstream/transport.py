"""Making requests hand out each upstream line when it arrives, for every transfer and content encoding.

`Response.iter_lines` is prompt only for chunked bodies: urllib3's `stream()` fills its buffer first for
bodies that end with the connection. Here a body's `stream()` yields what one read brought, so plain
`iter_lines` is prompt for all of them. It also knows since when it waits, so that a watchdog can end it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import requests
from greenlet import getcurrent, greenlet
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPHeaderDict, HTTPResponse
from urllib3.exceptions import HTTPError, ProtocolError

from grok2api.errors import UpstreamFailed, UpstreamTimeout
from grok2api.upstream.chunked import Dechunker
from grok2api.upstream.frames import MAX_LINE_BYTES

#: How much one read may bring while there is more, and how much memory a stream that waits sets aside.
READ_BYTES = 65536
WAIT_BYTES = 2048

_NO_HEADERS = HTTPHeaderDict()


class PromptBody:
    """A urllib3 body whose `stream()` is prompt. Everything else is the body's own.

    waiting_since: time.monotonic() since when a whole line is being waited for, 0.0 while none is.
    seen_line: whether a line that is not blank has come.
    """

    def __init__(self, raw: HTTPResponse, buffer: bytearray | None = None) -> None:
        """buffer: for what a read brings, until it is copied; all bodies of a worker may share one, because
        no other greenlet runs between the two."""
        self._raw = raw
        self._buffer = bytearray(READ_BYTES) if buffer is None else buffer
        self._expired: str | None = None
        self._reading: greenlet | None = None
        self.waiting_since = 0.0
        self.seen_line = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def expire(self, why: str) -> None:
        """End the reading: `stream` then raises UpstreamTimeout with these words. From any greenlet."""
        self._expired = why
        try:
            self._raw.shutdown()  # wakes the reader
        except (OSError, ValueError, RuntimeError):
            # A connection through an https proxy cannot be shut down; its reader can be thrown at.
            gevent.get_hub().loop.run_callback(self._interrupt)

    def stream(self, amt: int = READ_BYTES, decode_content: bool | None = None) -> Iterator[bytes]:
        """The pieces as they arrive; a line's pieces are joined once, so long lines cost linear time.

        Raises UpstreamFailed for a body that breaks off or has a line over MAX_LINE_BYTES, UpstreamTimeout
        when it expired.
        """
        read = self._reader(amt, decode_content)
        started: list[bytes] = []
        size = 0
        while (piece := self._next(read)) is not None:
            end = piece.find(b"\n")
            size += len(piece) if end < 0 else end
            if size > MAX_LINE_BYTES:
                raise UpstreamFailed("Grok's answer is broken: a line is too long.")
            if end < 0:
                started.append(piece)
                continue
            if started:
                started.append(piece)
                piece = b"".join(started)
                started.clear()
            size = len(piece) - piece.rfind(b"\n") - 1
            self.seen_line = self.seen_line or not piece.isspace()
            self.waiting_since = 0.0
            yield piece
        if started:
            yield b"".join(started)

    def _next(self, read: Callable[[], bytes | None]) -> bytes | None:
        self._reading = getcurrent()
        self.waiting_since = self.waiting_since or time.monotonic()
        try:
            piece = read()
        except (HTTPError, OSError, AttributeError, ValueError) as error:
            # The last two are http.client's ways to say that the connection was closed under a read.
            if self._expired is None:
                raise UpstreamFailed("The connection to Grok broke off.") from error
            piece = None
        self._reading = None
        if self._expired is not None:
            raise UpstreamTimeout(f"Grok {self._expired}.")
        return piece

    def _interrupt(self) -> None:
        if self._reading is not None:
            self._reading.throw(UpstreamTimeout(f"Grok {self._expired}."))

    def _reader(self, amt: int, decode_content: bool | None) -> Callable[[], bytes | None]:
        """A function that reads once and gives what that brought, maybe nothing; None at the body's end."""
        raw = self._raw
        original = raw._original_response if raw.chunked else None
        if original is None or original.fp is None or raw.headers.get("content-encoding"):
            return _any_reader(raw, amt, decode_content)
        return _chunked_reader(raw, original, self._buffer)


def _any_reader(raw: HTTPResponse, amt: int, decode_content: bool | None) -> Callable[[], bytes | None]:
    asked = WAIT_BYTES

    def read() -> bytes | None:
        nonlocal asked
        piece = raw.read1(asked, decode_content=decode_content)
        asked = amt if len(piece) == asked else WAIT_BYTES
        if not piece and raw.isclosed():  # a decoder that waits for more also returns nothing
            return None
        return piece

    return read


def _chunked_reader(raw: HTTPResponse, original: Any, buffer: bytearray) -> Callable[[], bytes | None]:
    """Of a chunked body without content encoding, for a tenth of the CPU (see chunked.py)."""
    chunks = Dechunker()
    view = memoryview(buffer)
    read_into: Callable[[bytearray], int] | None = None

    def read() -> bytes | None:
        nonlocal read_into
        if chunks.done:
            original.close()  # read to its end: the connection is good for the next request
            raw.release_conn()
            return None
        if read_into is None:
            # What came with the head; from here on http.client's own buffer would cost every stream 8 KB.
            data = original.fp.peek()
            original.fp = original.fp.detach()
            # The head, too, of which both keep a copy.
            raw.headers, original.headers, original.msg = _NO_HEADERS, None, None
            read_into = original.fp.readinto
        else:
            data = bytes(view[: read_into(buffer)])
        if not data:
            raise ProtocolError("the connection was closed before the last chunk")
        return chunks.feed(data)

    return read


class PromptAdapter(HTTPAdapter):
    """An adapter whose responses have prompt bodies."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._buffer = bytearray(READ_BYTES)

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        response = super().build_response(req, resp)
        response.raw = PromptBody(response.raw, self._buffer)
        return response
