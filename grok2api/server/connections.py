"""A worker's connections: what each of them does, and which one goes when there are too many or it takes too long.

A connection asks (from its first byte on, and before it when it is new: its request's header is not whole), works (the
app answers it) or is idle (it is kept open for a further request). Only the hub and the worker's main greenlet close
connections that ask or are idle; what works is left alone.
"""

from __future__ import annotations

import fcntl
import socket
import termios
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

import gevent

from grok2api.server.client_socket import ClientSocket
from grok2api.server.refusal import Farewell

#: From a connection's beginning, or a further request's first byte, to the end of the request's header. What is left of
#: the body of a request that was answered unread counts, too.
HEADER_S = 15.0
#: A connection that asks for longer than this may have to make room for a new one.
SLOW_S = 2.0
#: A connection younger than this may be about to bring its first request.
_FRESH_S = 1.0
#: How many idle connections are looked at, to find one that brings no request just now.
_LOOKED_AT = 16


if TYPE_CHECKING:
    _Greenlet = gevent.Greenlet[[], None]
else:
    _Greenlet = gevent.Greenlet


class _Leave(gevent.GreenletExit):
    """Thrown into a greenlet that waits for a request; its connection ends. answer: what it is told, or nothing."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer


class Connection(_Greenlet):
    """One connection, and the greenlet that serves it."""

    def __init__(
        self, among: Connections, serve: Callable[[Any, Any], object], client: Any, address: Any, extra: bool
    ) -> None:
        """extra: beyond the limit, for one request."""
        super().__init__()
        self._among = among
        self._serve, self._address = serve, address
        self.client = client
        self.extra = extra
        self.since = time.monotonic()
        self.waiting = False
        self.leaving = False
        #: Whether some of the request that is waited for has come.
        self.has_begun = False
        self.has_served = False
        #: Whether its last request was answered before all of that request's body had come.
        self.owes_body = False

    def _run(self) -> None:
        try:
            self._serve(self.client, self._address)
        finally:
            self.client.close()
            self.client.on_bytes = None  # else the two would keep each other until they are searched for
            self._among.remove(self)

    def begins(self) -> None:
        """The first bytes of a request have come."""
        self.has_begun = True
        if self.waiting:
            self._among.asks(self)


class Wait:
    """A context: a connection's wait for its next request, which ends without one when the connection has to go. It is
    not given a timer, see `Connections.end_overdue`."""

    __slots__ = ("_among", "_connection")

    def __init__(self, among: Connections, connection: Connection) -> None:
        self._among, self._connection = among, connection

    def __enter__(self) -> None:
        self._connection.waiting = True
        if self._connection.has_served:
            self._among.idle(self._connection)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> bool:
        self._connection.waiting = False
        self._connection.has_served = True
        if isinstance(error, gevent.GreenletExit):
            if isinstance(error, _Leave) and error.answer:
                self._among.farewell.say(self._connection.client, error.answer)
            return True
        self._among.works(self._connection)
        return False


class Connections:
    """Those of one worker. limit: how many there may be, but for a few that only ask for /health.

    keepalive_s: how long one may be idle; 0: it ends with its first request. None of this waits for anything.
    """

    def __init__(self, limit: int, keepalive_s: float, farewell: Farewell) -> None:
        self.limit = limit
        self._keepalive_s = keepalive_s
        self.farewell = farewell
        self._open: set[Connection] = set()
        self._leaving: set[Connection] = set()
        # The first of each has been in it for the longest.
        self._asking: dict[Connection, None] = {}
        self._idle: dict[Connection, None] = {}
        #: How many had to make room although they asked.
        self.dropped = 0

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._open or self._leaving)

    @property
    def extra(self) -> int:
        """How many are beyond the limit."""
        return sum(each.extra for each in self._open)

    def start(
        self, serve: Callable[[Any, Any], object], client: Any, address: Any, extra: bool = False
    ) -> None:
        connection = Connection(self, serve, client, address, extra)
        self._open.add(connection)
        if self._keepalive_s:  # else gunicorn does not tell when it waits for a request
            self._asking[connection] = None
            if isinstance(client, ClientSocket):
                client.on_bytes = connection.begins
        connection.start()

    def remove(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._leaving.discard(connection)
        self._asking.pop(connection, None)
        self._idle.pop(connection, None)

    def idle(self, connection: Connection) -> None:
        connection.has_begun = False
        connection.since = time.monotonic()
        self._idle[connection] = None
        if isinstance(connection.client, ClientSocket):
            connection.client.on_bytes = connection.begins

    def asks(self, connection: Connection) -> None:
        if connection in self._idle:
            del self._idle[connection]
            connection.since = time.monotonic()
            self._asking[connection] = None

    def works(self, connection: Connection) -> None:
        self._asking.pop(connection, None)
        self._idle.pop(connection, None)
        if connection.leaving:  # its request became whole in the last moment
            connection.leaving = False
            self._leaving.discard(connection)
            self._open.add(connection)

    def make_room(self) -> bool:
        """For one more, if it can be had of the oldest of the idle or, else, of the slowest of those that ask. nginx
        keeps what it has opened, and would fill the worker with connections that do nothing."""
        while len(self._open) >= self.limit:
            if not (self._close_idle() or self._close_slow()):
                return False
        return True

    def _close_idle(self) -> bool:
        for connection in list(self._oldest(self._idle, _LOOKED_AT)):
            if not _has_data(connection.client):
                self._close(connection)
                return True
        return False

    def _close_slow(self) -> bool:
        for connection in self._oldest(self._asking, 1):
            if time.monotonic() - connection.since > SLOW_S:
                self.dropped += 1
                self._close(connection, self.farewell.overloaded() if connection.has_begun else b"")
                return True
        return False

    @staticmethod
    def _oldest(some: dict[Connection, None], count: int) -> list[Connection]:
        return [connection for connection, _ in zip(some, range(count), strict=False)]

    def end_overdue(self) -> None:
        """Those whose header is not whole in time, and those that have been idle for long. Called every second: a timer
        for each would cost every request."""
        now = time.monotonic()
        while (slowest := next(iter(self._asking), None)) and now - slowest.since > HEADER_S:
            # Who has sent nothing has asked nothing; a browser takes an answer to that for the next request's.
            # Nor has who still sends the body of a request that was answered already.
            asked = slowest.has_begun and not slowest.owes_body
            self._close(slowest, self.farewell.too_slow() if asked else b"")
        while (oldest := next(iter(self._idle), None)) and now - oldest.since > self._keepalive_s:
            self._close(oldest)

    def end_unused(self) -> None:
        """Those that have no request: called while the worker is stopping."""
        long_ago = time.monotonic() - _FRESH_S
        for connection in [*self._idle, *self._asking]:
            if connection.since < long_ago and not connection.has_begun and not _has_data(connection.client):
                self._close(connection)

    def kill(self) -> None:
        """All of them, whatever they do; takes a second at most."""
        with gevent.Timeout(1, False):  # type: ignore[arg-type]  # False: end the block, raise nothing
            gevent.killall([*self._open, *self._leaving])

    def _close(self, connection: Connection, answer: bytes = b"") -> None:
        """Soon; it does not count from now on."""
        self.remove(connection)
        self._leaving.add(connection)
        connection.leaving = True
        gevent.get_hub().loop.run_callback(_throw, connection, _Leave(answer))


def _throw(connection: Connection, leave: _Leave) -> None:
    if connection.leaving and connection.waiting:
        connection.throw(leave)


def _has_data(client: socket.socket) -> bool:
    """Whether there is something to read: a request that is arriving."""
    # not by `select.poll`, which is patched and may not be called in the hub
    return any(fcntl.ioctl(client.fileno(), termios.FIONREAD, bytes(4)))
