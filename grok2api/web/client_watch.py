"""Noticing that the client has gone away while nothing is being written to it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping
from typing import Any

import gevent


class ClientWatch:
    """Calls `on_gone` once, from the hub, when the client closes its side of the request's connection.

    Does nothing where the server gives no plain socket (Flask's test client); then a
    client that left is noticed at the next write.
    """

    def __init__(self, environ: Mapping[str, Any], on_gone: Callable[[], None]) -> None:
        self._on_gone: Callable[[], None] | None = on_gone
        self._socket: socket.socket | None = environ.get("gunicorn.socket")
        self._watcher: Any = None
        if self._socket is not None:
            self._watcher = gevent.get_hub().loop.io(self._socket.fileno(), 1)
            self._watcher.start(self._readable)

    def stop(self) -> None:
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
        self._on_gone = None  # else the two would keep each other until they are searched for

    def drop(self) -> None:
        """Break the connection, which wakes whoever is writing to it."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _readable(self) -> None:
        if self._watcher is None or self._socket is None:
            return
        try:
            gone = not self._socket.recv(1, socket.MSG_PEEK)
        except OSError:
            gone = True
        on_gone = self._on_gone
        self.stop()  # more bytes are the client's next request: nothing can be told any more
        if gone and on_gone is not None:
            on_gone()
