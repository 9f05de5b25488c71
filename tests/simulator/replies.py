"""What the simulator answers to one request, before it is on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from .steps import Step


@dataclass(slots=True)
class Whole:
    """A body that is known at once.

    `before` are steps ahead of the status line. `length` is the Content-Length to claim when it shall be a
    lie: larger than the body, and the connection is cut; smaller, and the rest never leaves. `slow_s`
    spreads the body over so many seconds.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    before: list[Step] = field(default_factory=list)
    length: int | None = None
    slow_s: float = 0.0


@dataclass(slots=True)
class Stream:
    """A streamed body. `segment` and `split` are sizes in bytes, 0 for none; `pause_s` follows each
    segment.
    """

    steps: list[Step]
    status: int = 200
    content_type: str = "application/json"
    transport: str = "chunked"
    segment: int = 0
    split: int = 0
    pause_s: float = 0.0002
    before: list[Step] = field(default_factory=list)


Reply = Whole | Stream


def envelope(status: int, code: object, message: str, *, wrapped: bool) -> Whole:
    """A gRPC-like error: bare for unary endpoints, under "error" for the streaming one."""
    body: dict[str, object] = {"code": code, "message": message, "details": []}
    return Whole(status, orjson.dumps({"error": body} if wrapped else body))


def json_reply(value: object, status: int = 200) -> Whole:
    return Whole(status, orjson.dumps(value))
