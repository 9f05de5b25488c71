"""Waiting for the storage, but not longer than whoever asks can wait.

Drivers bound one question to a server. What comes together in a worker while the server hangs is not bounded by
that: writers stand in a line, and each finds out for itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

import gevent

from grok2api.errors import GatewayError, StorageUnavailable

#: For what a request cannot do without.
PATIENCE_S = 10.0

T = TypeVar("T")

log = logging.getLogger(__name__)


def within(seconds: float, work: Callable[[], T], *, too_late: Callable[[T], None] | None = None) -> T:
    """What `work` gives or raises; StorageUnavailable when it takes longer.

    It is not broken off then: it ends by itself, and `too_late` gets what it gives.
    """
    waiting = True

    def run() -> tuple[T | None, Exception | None]:
        try:
            value = work()
        except Exception as error:  # handed back rather than raised: gevent prints what greenlets raise
            if not waiting and not isinstance(error, GatewayError):
                log.error("what nobody waited for any more failed", exc_info=error)
            return None, error
        if not waiting and too_late is not None:
            too_late(value)
        return value, None

    greenlet = gevent.spawn(copy_context().run, run)
    try:
        greenlet.join(seconds)
    finally:
        waiting = False
    if not greenlet.dead:
        raise StorageUnavailable("The storage does not answer.")
    value, error = greenlet.get()
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # None only beside an error
