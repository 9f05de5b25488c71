"""Ending one greenlet's work from outside, but never in the middle of what must be whole.

A client that goes away must free the upstream connection at once, wherever its greenlet waits; but a
lease that is being taken or settled has to be finished, or it would be lost. So `cancel` throws into
the greenlet, except inside `protected()`; there the work runs on, and `check` afterwards ends it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from greenlet import getcurrent, greenlet


class Cancelled(BaseException):
    """Thrown into the greenlet that is to end. Not an Exception: nothing may take it for a failure."""


class Cancellation:
    """One greenlet's end. Bound to the greenlet that does the work by `bind`."""

    def __init__(self) -> None:
        self._greenlet: greenlet | None = None
        self._protected = 0
        self._pending = False
        self.cancelled = False

    def bind(self) -> None:
        """Called once by the greenlet that does the work. Raises Cancelled when it is too late already."""
        self._greenlet = getcurrent()
        self.check()

    def cancel(self) -> None:
        """End the work. From any greenlet, or the hub; returns at once; the second call does nothing."""
        if self.cancelled:
            return
        self.cancelled = True
        if not self._protected and self._greenlet is not None:
            self._pending = True
            gevent.get_hub().loop.run_callback(self._throw)

    def check(self) -> None:
        """Raises Cancelled when the work was ended."""
        if self.cancelled:
            self._pending = False
            raise Cancelled

    @contextmanager
    def protected(self) -> Iterator[None]:
        """What is done inside runs to its end; a throw that was on its way is taken back."""
        self._pending = False
        self._protected += 1
        try:
            yield
        finally:
            self._protected -= 1

    def _throw(self) -> None:
        if self._pending and self._greenlet is not None and not self._greenlet.dead:
            self._pending = False
            self._greenlet.throw(Cancelled)
