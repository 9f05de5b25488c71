"""One greenlet per worker that looks after everything that may take too long.

A timer per read costs a stream more than its tokens do; one that asks every open stream four times a
second what time it has costs next to nothing. What is watched is accurate to `TICK_S`.
"""

from __future__ import annotations

import logging
import time
from typing import Protocol

import gevent

TICK_S = 0.25

log = logging.getLogger(__name__)


class Watched(Protocol):
    def tick(self, now: float) -> None:
        """Called about every TICK_S with time.monotonic(); must not block."""


class Watchdog:
    """Calls `tick` of all that is watched. Its greenlet lives while there is something to watch."""

    def __init__(self) -> None:
        self._watched: dict[int, Watched] = {}
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def watch(self, thing: Watched) -> None:
        self._watched[id(thing)] = thing
        if self._greenlet is None or self._greenlet.dead:
            self._greenlet = gevent.spawn(self._run)

    def forget(self, thing: Watched) -> None:
        """Stop watching; harmless when it was not watched."""
        self._watched.pop(id(thing), None)

    def _run(self) -> None:
        while self._watched:
            gevent.sleep(TICK_S)
            now = time.monotonic()
            for thing in list(self._watched.values()):
                try:
                    thing.tick(now)
                except Exception:
                    log.exception("a watched stream failed in its tick")
                    self.forget(thing)
