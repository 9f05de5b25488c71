"""One native thread that does the writes of a gevent process, one after the other, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import gevent
from gevent.event import AsyncResult
from gevent.monkey import get_original
from gevent.threadpool import ThreadPool

T = TypeVar("T")

#: Brief works that are done together at most, as the first of them waits for the last.
TOGETHER_MAX = 32


class _Job:
    __slots__ = ("brief", "done", "loop", "wanted", "work")

    def __init__(self, work: Callable[..., Any], *, brief: bool) -> None:
        self.work = work
        self.brief = brief
        self.done: AsyncResult[Any] = AsyncResult()
        self.loop: Any = gevent.get_hub().loop
        self.wanted = True

    def tell(self, value: Any) -> None:
        self.loop.run_callback_threadsafe(partial(self.done.set, value))

    def fail(self, error: BaseException) -> None:
        self.loop.run_callback_threadsafe(partial(self.done.set_exception, error))


class Writer:
    """It goes from one write to the next by itself. A pool of one thread would wait for the loop between two of them,
    and a loop that relays a thousand streams takes a quarter of a second for each round.

    together: does the brief works that wait one behind the other; gives what each is to be told, in their order.
    """

    def __init__(self, together: Callable[[Sequence[Callable[..., Any]]], Sequence[Any]]) -> None:
        self._together = together
        # gevent stubs leave the pool's constructor untyped
        self._pool: Any = ThreadPool(1)
        self._jobs: Any = get_original("queue", "SimpleQueue")()
        self._waiting: deque[_Job | None] = deque()
        self._started = False

    def apply(self, work: Callable[[], T]) -> T:
        """What `work` gives or raises. Whoever is stopped before its turn has done nothing."""
        result: T = self._do(_Job(work, brief=False))
        return result

    def apply_brief(self, work: Callable[..., Any]) -> Any:
        """What `together` gives for this one, or raises. Whoever is stopped before its turn has done nothing."""
        return self._do(_Job(work, brief=True))

    def kill(self) -> None:
        self._jobs.put(None)
        self._pool.kill()

    def _do(self, job: _Job) -> Any:
        if not self._started:
            self._started = True
            self._pool.spawn(self._run)  # the only one, so that it never waits for room
        self._jobs.put(job)
        try:
            return job.done.get()
        except BaseException:
            job.wanted = False
            raise

    def _run(self) -> None:
        while self._take_turn():
            pass

    def _take_turn(self) -> bool:
        """False: it was the last. A function of its own, so that nothing of it is kept until the next one."""
        turn = self._next()
        wanted = [job for job in turn if job.wanted]
        try:
            values = self._values(wanted)
        except BaseException as error:  # the thread has to outlive it
            for job in wanted:
                job.fail(error)
        else:
            for job, value in zip(wanted, values, strict=True):
                job.tell(value)
        return bool(turn)

    def _next(self) -> list[_Job]:
        """One job, or the brief ones that wait one behind the other; none at the end."""
        waiting = self._waiting
        if not waiting:
            waiting.append(self._jobs.get())
        while not self._jobs.empty():  # nobody else takes from it
            waiting.append(self._jobs.get())
        turn: list[_Job] = []
        while waiting and len(turn) < TOGETHER_MAX:
            job = waiting[0]
            if job is None or (turn and not (turn[0].brief and job.brief)):
                break
            turn.append(job)
            waiting.popleft()
        return turn

    def _values(self, jobs: list[_Job]) -> Sequence[Any]:
        if jobs and jobs[0].brief:
            return self._together([job.work for job in jobs])
        return [job.work() for job in jobs]
