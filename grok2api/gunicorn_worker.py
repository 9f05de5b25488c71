"""gunicorn's gevent worker, which when told to stop does not wait for connections that are idle.

The stock worker waits for every open connection: a client or nginx that merely keeps one open would delay
each restart by the whole keep-alive time.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import gevent.socket
from gevent.server import StreamServer
from greenlet import getcurrent, greenlet
from gunicorn.workers.ggevent import GeventWorker

#: A connection younger than this may be about to bring its first request.
_FRESH_S = 1.0


class _NoRequest(BaseException):
    """Thrown into a greenlet that waits for a further request; its wait then ends as if timed out."""


class ClientSocket(gevent.socket.socket):
    """gevent's socket with a cheaper `sendall`: one `send` nearly always takes all of a few tokens."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        sent = self.send(data, flags)
        if sent < len(data):
            super().sendall(memoryview(data)[sent:], flags)


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: greenlet -> its connection, and since when it waits for a request
        self._clients: dict[greenlet, socket.socket] = {}
        self._waiting: dict[greenlet, float] = {}

    def run(self) -> None:
        # A burst of new connections is taken in one by one, between the tokens of running streams: with
        # gevent's 100 at a time, the slowest hundredth of all tokens was late by 25 ms instead of 13.
        StreamServer.max_accept = 1
        super().run()

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        me = getcurrent()
        if not isinstance(client, ssl.SSLSocket):  # which would lose its TLS
            client = ClientSocket(client.family, client.type, client.proto, fileno=client.detach())
        self._clients[me] = client
        try:
            super().handle(listener, client, addr)
        finally:
            del self._clients[me]

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Around the wait for a connection's next request."""
        me = getcurrent()
        self._waiting[me] = time.monotonic()
        try:
            with super().timeout_ctx():
                yield
        except _NoRequest:
            pass
        finally:
            del self._waiting[me]

    def notify(self) -> None:
        """Called every second, also while stopping."""
        super().notify()
        if not self.alive:
            long_ago = time.monotonic() - _FRESH_S
            for waiter, since in list(self._waiting.items()):
                if since < long_ago and not _has_data(self._clients[waiter]):
                    gevent.kill(waiter, _NoRequest)


def _has_data(connection: socket.socket) -> bool:
    """Whether there is something to read: a request that is arriving."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
