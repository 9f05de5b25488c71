"""One native thread that does the writes of a gevent process, one after the other, in their order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import gevent
from gevent.event import AsyncResult
from gevent.monkey import get_original
from gevent.threadpool import ThreadPool

T = TypeVar("T")


class _Job:
    __slots__ = ("done", "loop", "wanted", "work")

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.done: AsyncResult[Any] = AsyncResult()
        self.loop: Any = gevent.get_hub().loop
        self.wanted = True


class Writer:
    """It goes from one write to the next by itself. A pool of one thread would wait for the loop between two of them,
    and a loop that relays a thousand streams takes a quarter of a second for each round."""

    def __init__(self) -> None:
        # gevent stubs leave the pool's constructor untyped
        self._pool: Any = ThreadPool(1)
        self._jobs = get_original("queue", "SimpleQueue")()
        self._started = False

    def apply(self, work: Callable[[], T]) -> T:
        """What `work` gives or raises. Whoever is stopped before its turn has done nothing."""
        if not self._started:
            self._started = True
            self._pool.spawn(self._run)  # the only one, so that it never waits for room
        job = _Job(work)
        self._jobs.put(job)
        try:
            return job.done.get()  # type: ignore[return-value]  # what the work gave
        except BaseException:
            job.wanted = False
            raise

    def kill(self) -> None:
        self._jobs.put(None)
        self._pool.kill()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if job.wanted:
                try:
                    tell = partial(job.done.set, job.work())
                except BaseException as error:  # the thread has to outlive it
                    tell = partial(job.done.set_exception, error)
                job.loop.run_callback_threadsafe(tell)
            del job  # else it would be kept until the next one
