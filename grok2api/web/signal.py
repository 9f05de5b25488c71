"""Waking the one greenlet that waits. gevent's own Event does this for any number, at three times the cost,
which every token would pay."""

from __future__ import annotations

import gevent
from gevent.hub import Waiter

from grok2api.turns import Turns


class Signal:
    """Set by anyone, waited for by one greenlet at a time. turns: where the waiting greenlet has its turn; None: before
    all that waits there."""

    __slots__ = ("_is_set", "_waiter", "turns")

    def __init__(self, turns: Turns | None = None) -> None:
        self.turns = turns
        self._is_set = False
        self._waiter: Waiter[None] | None = None

    def set(self) -> None:
        """Wake the waiting greenlet soon; if none waits, the next `wait` returns at once."""
        if not self._is_set:
            self._is_set = True
            if self._waiter is not None:
                if self.turns is not None:
                    self.turns.soon(self._waiter.switch)
                else:
                    gevent.get_hub().loop.run_callback(self._waiter.switch, None)
                self._waiter = None

    def clear(self) -> None:
        self._is_set = False

    def wait(self) -> None:
        if not self._is_set:
            waiter: Waiter[None] = Waiter()
            self._waiter = waiter
            try:
                waiter.get()
            finally:
                self._waiter = None
