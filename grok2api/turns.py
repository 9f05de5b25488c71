"""Who has to wait when there is more to do than can be done: the tokens of running answers, not new requests.

gevent's loop runs what is to be run in the order in which it came, some of it between two looks at the sockets. With a
thousand running streams each of the several steps of a new request would wait for a token of each of them: half a
second for each step. Here, what can wait has a queue of its own, and a turn is some milliseconds of it. Tokens that
wait are sent together, which makes each of them cheaper.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import gevent

#: Long enough that all of it is done in one turn unless there is too much to do.
TURN_S = 0.05


class Turns:
    """Runs callables in the hub, soon; for one loop, from its own thread."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[None], object]] = deque()
        self._is_due = False

    def soon(self, switch: Callable[[None], object]) -> None:
        """switch: called with None; it raises nothing, and does not wait."""
        self._waiting.append(switch)
        if not self._is_due:
            self._is_due = True
            gevent.get_hub().loop.run_callback(self._take)

    def _take(self) -> None:
        until = time.perf_counter() + TURN_S
        waiting = self._waiting
        try:
            while waiting:
                waiting.popleft()(None)
                if time.perf_counter() > until:
                    break
        finally:  # whatever becomes of one of them: all streams of the worker wait here
            self._is_due = bool(waiting)
            if self._is_due:
                gevent.get_hub().loop.run_callback(self._take)
