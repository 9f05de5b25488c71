"""Making requests hand out each upstream line when it arrives, for every transfer and content encoding.

`Response.iter_lines` is prompt only for chunked bodies: urllib3's `stream()` fills its buffer first for
bodies that end with the connection. Here a body's `stream()` yields what one read brought, so plain
`iter_lines` is prompt for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse, HTTPResponse
from urllib3.exceptions import ProtocolError

from grok2api.errors import UpstreamFailed
from grok2api.upstream.chunked import Dechunker
from grok2api.upstream.frames import MAX_LINE_BYTES

READ_BYTES = 65536


class PromptBody:
    """A urllib3 body whose `stream()` is prompt. Everything else is the body's own."""

    def __init__(self, raw: HTTPResponse) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amt: int = READ_BYTES, decode_content: bool | None = None) -> Iterator[bytes]:
        """The pieces as they arrive; a line's pieces are joined once, so long lines cost linear time.

        Raises UpstreamFailed for a line over MAX_LINE_BYTES, urllib3's errors for a broken body.
        """
        plain = self._raw.chunked and not self._raw.headers.get("content-encoding")
        started: list[bytes] = []
        size = 0
        for piece in self._chunked(amt) if plain else self._any(amt, decode_content):
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
            yield piece
        if started:
            yield b"".join(started)

    def _any(self, amt: int, decode_content: bool | None) -> Iterator[bytes]:
        """What each read brought, of any body."""
        raw = self._raw
        while True:
            piece = raw.read1(amt, decode_content=decode_content)
            if piece:
                yield piece
            elif raw.isclosed():  # a decoder that waits for more also returns nothing
                return

    def _chunked(self, amt: int) -> Iterator[bytes]:
        """The same of a chunked body without content encoding, for a tenth of the CPU (see chunked.py)."""
        original = self._raw._original_response
        if original is None or original.fp is None:
            return
        read, chunks = original.fp.read1, Dechunker()
        while not chunks.done:
            data = read(amt)
            if not data:
                raise ProtocolError("the connection was closed before the last chunk")
            piece = chunks.feed(data)
            if piece:
                yield piece
        original.close()  # read to its end: the connection is good for the next request
        self._raw.release_conn()


class PromptAdapter(HTTPAdapter):
    """An adapter whose responses have prompt bodies."""

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        response = super().build_response(req, resp)
        response.raw = PromptBody(response.raw)
        return response
