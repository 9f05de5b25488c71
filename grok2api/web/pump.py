"""Events from the greenlet that reads upstream to the one that answers the client.

Two greenlets, because the client must be told that upstream is silent, and upstream that the client is
gone, while the one or the other is being waited for. The buffer between them is bounded: a client that
reads slowly slows upstream down. All that one wake-up brought is handed over together.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from typing import Any

import gevent

from grok2api import logs
from grok2api.cancellation import Cancellation, Cancelled
from grok2api.errors import ServerStopping, UpstreamFailed
from grok2api.events import Event, Finish
from grok2api.turns import Turns
from grok2api.watchdog import Watchdog
from grok2api.web.client_watch import ClientWatch
from grok2api.web.signal import Signal

#: Events that may wait for a client that reads slowly. As many are rendered at a time, while all others wait: 64 take
#: some 4 ms.
BUFFER_EVENTS = 64
HEARTBEAT_S = 15.0
#: A client that takes nothing of what it was sent for this long is given up.
STUCK_CLIENT_S = 60.0
#: How long closing waits for the lease to be settled.
_CLOSE_S = 10.0


class ClientGone(Exception):
    """The client closed its connection; there is nobody to answer."""


class Pump:
    """Runs `make_events(cancellation)` in a greenlet of its own. Whoever made it closes it, on every path."""

    def __init__(
        self,
        make_events: Callable[[Cancellation], Generator[Event, None, None]],
        environ: Mapping[str, Any],
        watchdog: Watchdog,
        turns: Turns,
    ) -> None:
        self._cancellation = Cancellation()
        self._buffer: list[Event] = []
        self._turns = turns
        self._news = Signal()  # what a client waits for first is ahead of all that follows
        self._room = Signal(turns)
        self._room.set()
        self._done = False
        #: whether all of the answer is there; its lease may still be settled
        self._whole = False
        #: what it failed with; set before it is done when it is to be stopped
        self._error: Exception | None = None
        self._gone = False
        self._heartbeat = False
        #: whether nobody is to be woken before the end
        self._gathers = False
        self._quiet_since = time.monotonic()
        #: when the answer began (monotonic), as far as it has been asked for; None: it has not
        self.began_at: float | None = None
        self._writing_since = 0.0
        self._watchdog = watchdog
        self._watch = ClientWatch(environ, self._client_gone)
        self._greenlet = gevent.spawn(self._run, make_events, logs.request_id.get())

    def wait_started(self, timeout_s: float | None) -> bool:
        """Wait for the answer to begin: True once it has, False when the time is over.

        Raises what the answer failed with before it began, ClientGone when nobody waits any more.
        """
        with gevent.Timeout(timeout_s, False):  # type: ignore[arg-type]  # False: end the block, raise nothing
            while not (self._buffer or self._done or self._gone or self._error):
                self._news.clear()
                self._news.wait()
        if self._gone:
            raise ClientGone
        if self._buffer:
            self.began_at = time.monotonic()
            return True
        if self._error is not None:
            raise self._error
        return self._done

    def batches(self) -> Iterator[list[Event]]:
        """All events, those of one wake-up together; an empty list is a heartbeat's turn.

        Raises what the answer failed with, ClientGone when nobody reads any more.
        """
        self._quiet_since = time.monotonic()
        self._watchdog.watch(self)
        try:
            while True:
                self._news.clear()
                if self._gone:
                    raise ClientGone
                if self._buffer:
                    batch, self._buffer = self._buffer, []
                    self._room.set()
                    self._writing_since = time.monotonic()
                    if self.began_at is None:
                        self.began_at = self._writing_since
                    yield batch
                    self._news.turns = self._turns
                    self._writing_since = 0.0
                    self._quiet_since = time.monotonic()
                elif self._error is not None:
                    raise self._error
                elif self._done:
                    return
                elif self._heartbeat:
                    self._heartbeat = False
                    yield []
                    self._quiet_since = time.monotonic()
                else:
                    self._news.wait()
        finally:
            self._watchdog.forget(self)

    def gather(self) -> list[Event]:
        """All events, at the end: a waking for each would cost as much as reading it. Raises as `batches` does."""
        self._gathers = True
        self._room.set()
        while not (self._done or self._gone or self._error):
            self._news.clear()
            self._news.wait()
        if self._gone:
            raise ClientGone
        if self._error is not None:
            raise self._error
        return self._buffer

    def close(self) -> None:
        """End the work, free upstream and the account, see the lease settled. Harmless when all is done."""
        self._watchdog.forget(self)
        self._watch.stop()
        self._cancellation.cancel()
        self._room.set()
        self._greenlet.join(_CLOSE_S)

    def stop(self, error: ServerStopping) -> None:
        """End the work; who reads is given what there is, and then this error, unless all has been made."""
        if not (self._done or self._whole):
            self._error = error
            self._cancellation.cancel()
            self._news.set()

    def tick(self, now: float) -> None:
        if self._writing_since and now - self._writing_since > STUCK_CLIENT_S:
            self._watchdog.forget(self)
            self._watch.drop()
            self._client_gone()
            return
        if now - self._quiet_since >= HEARTBEAT_S:
            self._quiet_since = now
            self._heartbeat = True
            self._news.set()

    def _run(
        self, make_events: Callable[[Cancellation], Generator[Event, None, None]], request_id: str
    ) -> None:
        logs.request_id.set(request_id)
        whole = False
        try:
            self._cancellation.bind()
            with closing(make_events(self._cancellation)) as events:
                for event in events:
                    self._whole = isinstance(event, Finish)
                    self._buffer.append(event)
                    if self._gathers:
                        self.began_at = self.began_at or time.monotonic()
                        if len(self._buffer) % BUFFER_EVENTS == 0:
                            gevent.sleep(0)  # a socket that always has more would hold up all others
                        continue
                    self._news.set()
                    if len(self._buffer) >= BUFFER_EVENTS:
                        self._room.clear()
                        self._room.wait()
                        self._cancellation.check()
            whole = True
        except Cancelled:
            pass
        except Exception as error:  # handed to the one who answers, who logs and renders it
            self._error = error
        finally:
            if not whole and self._error is None:
                self._error = UpstreamFailed("The answer was ended before its time.")
            self._done = True
            self._news.set()

    def _client_gone(self) -> None:
        self._gone = True
        self._cancellation.cancel()
        self._news.set()
