"""A lock that is given in the order it was asked for, so that a crowd makes nobody wait for ever."""

from __future__ import annotations

from collections import deque
from threading import Lock


class Turn:
    """For use in a `with` statement; not reentrant. Among threads, or among the greenlets of a patched worker."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._taken = False
        self._waiting: deque[Lock] = deque()

    def __enter__(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            gate = Lock()
            gate.acquire()
            self._waiting.append(gate)
        try:
            gate.acquire()
        except BaseException:
            self._give_up(gate)
            raise

    def __exit__(self, *_: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    def _give_up(self, gate: Lock) -> None:
        """A greenlet that is killed while it waits may have been given its turn already."""
        with self._guard:
            waits = gate in self._waiting
            if waits:
                self._waiting.remove(gate)
        if not waits:
            self.__exit__()
