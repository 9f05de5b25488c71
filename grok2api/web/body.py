"""Reading a request's body: bounded in size, whatever its framing, and in time."""

from __future__ import annotations

import time
from typing import Any

import gevent
import orjson
from flask import request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, RequestTimeout

from grok2api.errors import BadRequest

#: A client that takes longer to send its body is refused, so that it cannot hold a connection for ever; a large body
#: has as much longer as it takes at the slowest rate, in bytes per second, for what has come of it.
BODY_S = 60.0
SLOWEST = 64 * 1024

_PIECE_BYTES = 256 * 1024


def read_json() -> dict[str, Any]:
    """The body's JSON object. Raises BadRequest; 408 for a slow body, 413 for a large one."""
    return decode_object(read_body())


def decode_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises BadRequest for anything else."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from error
    if not isinstance(document, dict):
        raise BadRequest("The body must be a JSON object.")
    return document


def read_body() -> bytes:
    """The whole body, at most `request.max_content_length` bytes."""
    try:
        body = _read_in_time()
    except HTTPException:
        raise
    except Exception as error:  # each server has its own for a body that breaks off or is badly framed
        raise BadRequest("The body broke off, or its framing is wrong.") from error
    if request.content_length is not None and len(body) < request.content_length:
        raise BadRequest("The body broke off: it is shorter than its Content-Length.")
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(body) >= limit:
        raise RequestEntityTooLarge  # a chunked body is cut at the limit without a word
    return body


def _read_in_time() -> bytes:
    stream = request.stream
    began = time.monotonic()
    pieces: list[bytes] = []
    size = 0
    while size != request.content_length:
        left = began + BODY_S + size / SLOWEST - time.monotonic()
        with gevent.Timeout(max(left, 0.0), RequestTimeout()):
            piece = stream.read(_PIECE_BYTES)
        if not piece:
            break
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)
