"""Answers that the worker gives itself, without the app, to connections that it ends: 503 and 408, in OpenAI's form.

A socket that is closed while something is left to read resets the connection, and what was sent is lost. So the answer
is followed by an end (a FIN), and what the client still sends is read and thrown away until it closes: for a short
time, of a bounded number of clients at once.
"""

from __future__ import annotations

import contextlib
import random
import re
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import gevent
import gevent.socket
import orjson

#: How long, and how many bytes, a client that was answered may still send.
LINGER_S = 2.0
LINGER_BYTES = 32 * 1024 * 1024
#: How many are waited for at once; more are closed with their answer.
LINGERING_MAX = 128
#: How long a new connection may take to say what it wants, before it is refused.
_FIRST_BYTES_S = 1.0
#: Seconds after which to come again: not all at the same time.
_RETRY_AFTER = (1, 5)

_TURN_BYTES = 64 * 1024
_HEALTH = re.compile(rb"(?:GET|HEAD) /health[ ?]")
_HEALTH_BEGINS = (b"GET /health ", b"HEAD /health ")


class Farewell:
    """Ends connections with an answer; for one worker."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lingering = 0
        self._thrown_away = bytearray(_TURN_BYTES)
        #: How many were refused.
        self.refused = 0

    def overloaded(self) -> bytes:
        message = f"This server has {self._limit} connections open and takes no more. Try again in a moment."
        retry_s = random.randint(*_RETRY_AFTER)  # nosec B311 # so that not all come back at once
        retry = f"Retry-After: {retry_s}\r\n"
        return _answer("503 Service Unavailable", message, "server_error", "overloaded", retry)

    def too_slow(self) -> bytes:
        message = "The request's header did not arrive in time."
        return _answer("408 Request Timeout", message, "invalid_request_error", "request_timeout")

    def refuse(self, client: Any, let_in: Callable[[], bool]) -> None:
        """A new connection. Called from the hub: returns at once. let_in: asked when it is one for /health; whether it
        is served after all, and not ours any more."""
        client.settimeout(0.0)
        if self._lingering >= LINGERING_MAX:
            if not (_asks_for_health(client) and let_in()):
                self.refused += 1
                _send_end(client, self.overloaded())
                client.close()
            return
        self._lingering += 1
        gevent.spawn(self._refuse, client, let_in)

    def _refuse(self, client: Any, let_in: Callable[[], bool]) -> None:
        try:
            if not (_asks_for_health(client, _FIRST_BYTES_S) and let_in()):
                self.refused += 1
                if _send_end(client, self.overloaded()):
                    self._linger(client)
                client.close()
        finally:
            self._lingering -= 1

    def say(self, client: Any, answer: bytes) -> None:
        """Before a connection is closed: an answer that nobody asked for yet."""
        with contextlib.suppress(OSError):
            client.settimeout(0.0)
            if _send_end(client, answer) and self._lingering < LINGERING_MAX:
                self._lingering += 1
                try:
                    self._linger(client)
                finally:
                    self._lingering -= 1

    def _linger(self, client: Any) -> None:
        until = time.monotonic() + LINGER_S
        left = LINGER_BYTES
        with contextlib.suppress(OSError):
            while left > 0:
                try:
                    read = client.recv_into(self._thrown_away)
                except BlockingIOError:
                    gevent.socket.wait_read(client.fileno(), max(0.0, until - time.monotonic()))
                    continue
                if not read or time.monotonic() > until:
                    return
                left -= read
                gevent.sleep(0)  # else one that sends fast would hold up all others


def _answer(status: str, message: str, kind: str, code: str, headers: str = "") -> bytes:
    body = orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})
    head = (
        f"HTTP/1.1 {status}\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{headers}Connection: close\r\n\r\n"
    )
    return head.encode() + body


def _asks_for_health(client: Any, patience_s: float = 0.0) -> bool:
    """As far as it can be seen within that time, without taking anything out of the socket."""
    until = time.monotonic() + patience_s
    with contextlib.suppress(OSError):
        while True:
            try:
                begun = client.recv(16, socket.MSG_PEEK)
            except BlockingIOError:
                begun = None
            if begun is not None:
                if _HEALTH.match(begun):
                    return True
                if not begun or not any(begins.startswith(begun) for begins in _HEALTH_BEGINS):
                    return False
            left = until - time.monotonic()
            if left <= 0:
                return False
            if begun is None:
                gevent.socket.wait_read(client.fileno(), left)
            else:
                gevent.sleep(min(left, 0.05))  # it is readable already, but there is too little of it
    return False


def _send_end(client: Any, answer: bytes) -> bool:
    """Whether the client may still be there. What has come is read first: nothing else is lost by closing."""
    try:
        with contextlib.suppress(BlockingIOError):
            client.recv(_TURN_BYTES)
        client.send(answer)  # a fresh socket has room for it
        client.shutdown(socket.SHUT_WR)
    except OSError:
        return False
    return True
