"""gunicorn's gevent worker with a limit to its connections, deadlines for its clients, and an end in good order.

Beyond the limit the stock worker lets new connections wait unanswered; this one answers them 503 at once. Leaving them
to another worker that has room would be better still, but no worker knows of the others, and asking would cost every
connection; the kernel gives a new one to any worker that waits for it, and a loaded one asks for the next later than
its idle neighbour, so that all are full before one refuses much.
"""

from __future__ import annotations

import logging
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
from gevent.server import StreamServer
from greenlet import getcurrent
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

from grok2api.server.client_socket import UNSENT_BYTES, ClientSocket, hold_unsent
from grok2api.server.connections import Connection, Connections, Wait
from grok2api.server.refusal import Farewell

#: How many connections beyond the limit may ask for /health: a full worker that did not answer would be taken for a
#: dead one, and be killed with all of its streams.
HEALTH_RESERVE = 8
#: The part of `graceful_timeout`, at its end, in which running answers are told to end, and the part of that which is
#: left for the others, which are broken off, and for what is done at exit. The master kills at the end.
LAST_CALL_S = 6.0
_FORCED_S = 2.5
#: A burst of new connections is taken in one by one for so long; then one more in each turn for so much time that it
#: lasts on, and so many at most.
_BURST_S = 1.0
_ONE_MORE_S = 0.05
_TURN_MAX = 32
#: How often refusals are logged, at most.
_REPORT_S = 10.0
#: Descriptors of a worker that are no client's: files, the storage's connections; and of a request's upstream.
_OTHER_FILES = 150

log = logging.getLogger(__name__)


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """on_last_call: to be called when running answers should end within seconds. It must return at once."""

    on_last_call: Callable[[], None] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        limit = _fitting(self.worker_connections)
        self._farewell = Farewell(limit)
        self._connections = Connections(limit, self.cfg.keepalive, self._farewell)
        self._reported, self._reported_at = 0, 0.0
        self._told_at = 0.0
        #: Whether the main greenlet is leaving.
        self._ended = False

    def init_process(self) -> None:
        """All of the worker's life."""
        try:
            super().init_process()
        finally:
            self._ended = True

    def run(self) -> None:
        if self._connections.limit < self.worker_connections and self.age == 1:
            log.warning(
                "WORKER_CONNECTIONS=%d needs more open files than this process may have (ulimit -n); it is %d instead",
                self.worker_connections,
                self._connections.limit,
            )
        servers = []
        for listener in self.sockets:
            listener.setblocking(1)
            hold_unsent(listener, UNSENT_BYTES)  # its connections have it of it
            server = _Server(listener, partial(self.handle, listener), self._admit)
            server.start()
            servers.append(server)
        while self.alive:
            self.notify()
            gevent.sleep(1.0)
        for server in servers:
            server.close()
        self._finish()

    def _admit(self, handle: Callable[[Any, Any], object], client: Any, address: Any) -> None:
        """A new connection. In the hub: nothing here may wait."""
        if self._connections.make_room():
            self._connections.start(handle, client, address)
            return

        def let_in() -> bool:
            if self._connections.extra >= HEALTH_RESERVE:
                return False
            client.settimeout(None)
            self._connections.start(handle, client, address, extra=True)
            return True

        self._farewell.refuse(client, let_in)

    def _finish(self) -> None:
        """Until all requests are answered, or the time for that is over."""
        told_at = self._told_at or time.monotonic()
        ends_at = told_at + self.cfg.graceful_timeout
        last_call_at = ends_at - min(LAST_CALL_S, self.cfg.graceful_timeout / 2)
        forced_at = ends_at - min(_FORCED_S, self.cfg.graceful_timeout / 4)
        called = False
        while self._connections:
            now = time.monotonic()
            if now >= last_call_at and not called:
                called = True
                log.warning("graceful_timeout is nearly over: answers that are still running are ended")
                if self.on_last_call is not None:
                    self.on_last_call()
            if now >= forced_at:
                self._connections.kill()
                return
            self.notify()
            gevent.sleep(0.25)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """As gunicorn's gevent worker, but that a connection beyond the limit ends with its request."""
        me = getcurrent()
        if isinstance(me, Connection) and me.extra:
            req.force_close()
        try:
            AsyncWorker.handle_request(self, listener_name, req, sock, addr)
        except (gevent.GreenletExit, SystemExit):
            raise StopIteration from None  # gunicorn's word for a connection that ends
        if isinstance(me, Connection):
            me.owes_body = _owes_body(req)

    def timeout_ctx(self) -> Wait:
        """Around the wait for a connection's next request."""
        me = getcurrent()
        assert isinstance(me, Connection)  # nosec B101 # for mypy: the pool makes no others
        return Wait(self._connections, me)

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._told_at = self._told_at or time.monotonic()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        gevent.spawn(self._quit)  # in the handler of a signal nothing may wait

    def _quit(self) -> None:
        """As gunicorn does it, except for a worker that ends by itself in the meantime: told to exit once more, Python
        prints a traceback."""
        self.alive = False
        self.cfg.worker_int(self)
        gevent.sleep(0.1)
        if not self._ended:
            sys.exit(0)

    def notify(self) -> None:
        """Called every second, also while stopping, then more often."""
        super().notify()
        self._connections.end_overdue()
        if not self.alive:
            self._connections.end_unused()
        self._report()

    def _report(self) -> None:
        """One line for all refusals of the last seconds, not one for each."""
        total = self._farewell.refused + self._connections.dropped
        now = time.monotonic()
        if total > self._reported and now - self._reported_at > _REPORT_S:
            log.warning(
                "%d new connections were answered 503 or took the place of slow ones: WORKER_CONNECTIONS=%d are open",
                total - self._reported,
                self._connections.limit,
            )
            self._reported, self._reported_at = total, now


class _Server(StreamServer):
    """Accepts connections as our sockets, and a burst of them bit by bit."""

    # of gevent's, which has no types for them
    socket: Any
    _handle: Callable[[Any, Any], object]

    def __init__(
        self,
        listener: Any,
        handle: Callable[[Any, Any], object],
        admit: Callable[[Callable[[Any, Any], object], Any, Any], None],
    ) -> None:
        super().__init__(listener, handle)
        self._admit = admit
        self._behind_since = 0.0
        #: How many may still be taken in in this turn; 0 at its end: there may be more.
        self._left = 1

    def _do_read(self) -> None:
        """A turn: some of the connections that wait are taken in.

        One, between the tokens of running streams: with gevent's 100, the slowest hundredth of all tokens was late by
        25 ms instead of 13. More when there have been more for long, or those who wait would not get their turn.
        """
        now = time.monotonic()
        if self._left:
            self._behind_since = now
        longer_s = max(0.0, now - self._behind_since - _BURST_S)
        self.max_accept = self._left = min(1 + int(longer_s / _ONE_MORE_S), _TURN_MAX)
        super()._do_read()  # type: ignore[misc]  # not in the types

    def do_read(self) -> Any:
        """A new connection and its address, or None."""
        listener = self.socket
        try:
            fd, address = listener._accept()
        except BlockingIOError:  # another worker was faster
            return None
        self._left -= 1
        return ClientSocket(listener.family, listener.type, listener.proto, fileno=fd), address

    def do_handle(self, client: Any, address: Any) -> None:
        self._admit(self._handle, client, address)


def _owes_body(req: Any) -> bool:
    """Whether some of a request's body was not read, which gunicorn does before it reads the next request."""
    reader = req.body.reader
    return bool(getattr(reader, "length", 0) or getattr(reader, "parser", None))


def _fitting(wanted: int) -> int:
    """As many connections as there are files for, two to a stream."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if files == resource.RLIM_INFINITY else max(1, min(wanted, (files - _OTHER_FILES) // 2))
