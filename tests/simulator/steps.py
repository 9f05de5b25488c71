"""What a stream does, step by step, and how its frames are dressed for the wire.

A stream is a list of steps. `Send` carries one frame (JSON bytes without a line end until `dress` ran); the
others are things that happen between frames: waiting, silence and the several ways in which a stream can end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .directives import Directive


@dataclass(slots=True)
class Send:
    """One frame. `delay` seconds pass before it. `tail` is not None for a frame with a time stamp.

    A stamped frame goes out as data + "@<monotonic_ns> " + tail. `raw` bytes are sent as they are.
    """

    data: bytes
    delay: float = 0.0
    tail: bytes | None = None
    raw: bool = False


@dataclass(slots=True)
class Pause:
    """Silence for so many seconds."""

    seconds: float


@dataclass(slots=True)
class Gate:
    """Wait for a permit of POST /_sim/step?key=KEY."""

    key: str


@dataclass(slots=True)
class Drip:
    """Bytes sent one by one, `interval` seconds apart, for ever."""

    data: bytes
    interval: float = 0.25


@dataclass(slots=True)
class Reset:
    """TCP RST."""


@dataclass(slots=True)
class Cut:
    """The connection is closed cleanly, but a chunked body lacks its last chunk."""


@dataclass(slots=True)
class Stall:
    """Silence until the client goes away."""


@dataclass(slots=True)
class Eof:
    """A proper end of the body, although frames are missing."""


Step = Send | Pause | Gate | Drip | Reset | Cut | Stall | Eof

_ENDS = {"lf": b"\n", "crlf": b"\r\n", "none": b""}
_KEEP_ALIVE = b'{"result":{"response":{"keepAlive":{},"responseId":""}}}'


def dress(steps: Iterable[Step], directive: Directive) -> list[Step]:
    """Applies newline=, sse=, blank=, keepalive= and batch=."""
    end = _ENDS[directive.choice("newline", "lf", tuple(_ENDS))]
    sse, blank, keep_alive = directive.flag("sse"), directive.flag("blank"), directive.flag("keepalive")
    start = b"event: message\ndata: " if sse else b""
    end = b"\n\n" if sse else end + (b"\n  \n" if blank else b"")
    dressed = list(steps)
    last: Step | None = None
    for step in dressed:
        # Stamped tokens are one object many times over, which must be dressed once.
        if isinstance(step, Send) and step is not last and not step.raw:
            last = step
            if step.tail is None:
                step.data = start + step.data + end
            else:
                step.data, step.tail = start + step.data, step.tail + end
    if keep_alive:
        for at in range(len(dressed) - 1, 0, -3):
            dressed.insert(at, Send(start + _KEEP_ALIVE + end))
    if sse:
        dressed.append(Send(b"data: [DONE]\n\n"))
    batch = directive.integer("batch", 1)
    return dressed if batch < 2 else _batched(dressed, batch)


def _batched(steps: list[Step], size: int) -> list[Step]:
    """Joins up to `size` neighbouring frames into one; stamped frames stay alone."""
    joined: list[Step] = []
    room = 0
    for step in steps:
        last = joined[-1] if joined else None
        plain = isinstance(step, Send) and step.tail is None
        if room and plain and isinstance(step, Send) and isinstance(last, Send):
            last.data += step.data
            last.delay += step.delay
            room -= 1
        else:
            joined.append(step)
            room = size - 1 if plain else 0
    return joined
