"""Ending what runs when the worker has to end: each answer still tells its client so."""

from __future__ import annotations

import weakref
from typing import Protocol

from grok2api.errors import ServerStopping


class Stoppable(Protocol):
    def stop(self, error: ServerStopping) -> None:
        """End, with this error, if it has not ended yet. Must return at once."""


class Stopping:
    """All that runs in one worker and can be stopped; what is gone is forgotten by itself."""

    def __init__(self) -> None:
        self._running: weakref.WeakSet[Stoppable] = weakref.WeakSet()
        self._told = False

    def watch(self, thing: Stoppable) -> None:
        """Stopped at once when the worker is ending already."""
        self._running.add(thing)
        if self._told:
            thing.stop(ServerStopping())

    def stop_all(self) -> None:
        self._told = True
        for thing in list(self._running):
            thing.stop(ServerStopping())
