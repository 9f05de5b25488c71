"""Taking HTTP's chunked framing off a body, as many chunks at a time as one read brought.

The standard library reads a chunk with several calls, urllib3 with several more. Upstream sends every
token as a chunk of its own, so that this was most of what reading a token cost: 14 µs, here 1.
"""

from __future__ import annotations

import re

from urllib3.exceptions import ProtocolError

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")
#: A size line with its extensions, or a trailer, may be this long.
_MAX_LINE_BYTES = 8192


class Dechunker:
    """Feed it what was read; it gives the body's bytes in it. Pure: no I/O."""

    def __init__(self) -> None:
        self._held = b""  # framing that is not complete yet
        self._left = 0  # bytes of the current chunk that are still to come
        self._after_data = False  # the line break that ends a chunk's data is still to come
        self._in_trailers = False
        self.done = False

    def feed(self, data: bytes) -> bytes:
        """The body's bytes in `data`, maybe none. Raises ProtocolError when it is not chunked framing."""
        if self._held:
            data, self._held = self._held + data, b""
        pieces: list[bytes] = []
        at, end = 0, len(data)
        while at < end and not self.done:
            if self._left:
                piece = data[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._after_data = not self._left
                continue
            following = self._framing(data, at)
            if following is None:
                self._held = data[at:]
                break
            at = following
        if self.done and at < end:
            raise ProtocolError("there is more after the last chunk")
        return b"".join(pieces)

    def _framing(self, data: bytes, at: int) -> int | None:
        """Read one line of framing; where it ends, None when it is not complete."""
        line_end = data.find(b"\n", at) + 1
        if not line_end:
            if len(data) - at > _MAX_LINE_BYTES:
                raise ProtocolError("a line of the chunked framing is too long")
            return None
        if self._after_data:
            if data[at:line_end] not in (b"\r\n", b"\n"):
                raise ProtocolError("a chunk is longer than it says")
            self._after_data = False
        elif self._in_trailers:
            self.done = data[at:line_end] in (b"\r\n", b"\n")
        else:
            size = _SIZE.fullmatch(data, at, line_end)
            if size is None:
                raise ProtocolError("a chunk's size is not a number")
            self._left = int(size[1], 16)
            self._in_trailers = not self._left
        return line_end
