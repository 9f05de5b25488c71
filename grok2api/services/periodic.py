"""Work that a serving worker does every so often, and once more when it stops."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent
from gevent.event import Event

#: How long stopping waits for a round in progress: it may hold what a storage that is slow has not taken yet.
STOP_S = 5.0

log = logging.getLogger(__name__)


class Periodic:
    """Calls `work` every `every_s` seconds, in a greenlet of its own. what: it does, in a few words, for the log.

    A round that fails is logged; the next ones are needed all the same.
    """

    def __init__(self, work: Callable[[], None], every_s: float, what: str) -> None:
        self._work = work
        self._every_s = every_s
        self._what = what
        self._ending = Event()
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        """Once."""
        self._greenlet = gevent.spawn(self._run)

    def stop(self, wait_s: float = STOP_S) -> None:
        """Let a round in progress end, waiting for it `wait_s` seconds at most, then do the last one."""
        self._ending.set()
        if self._greenlet is not None:
            self._greenlet.join(wait_s)
        self._round()

    def _run(self) -> None:
        while not self._ending.wait(self._every_s):
            self._round()

    def _round(self) -> None:
        try:
            self._work()
        except Exception:
            log.exception("%s failed", self._what)
