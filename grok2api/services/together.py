"""Several things at once, of which the first failure is the failure of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from typing import TypeVar

import gevent

T = TypeVar("T")


def together(works: Sequence[Callable[[], T]], at_once: int) -> list[T]:
    """What each work gives, in their order, so many of them at once, each in a greenlet.

    Raises what the first of them raised that failed; the others are killed then, and also when this greenlet is ended.
    """
    done: dict[int, T] = {}
    todo = iter(enumerate(works))

    def work_off() -> Exception | None:
        try:
            for index, work in todo:
                done[index] = work()
        except Exception as error:  # handed back rather than raised: gevent prints what greenlets raise
            return error
        return None

    workers = [gevent.spawn(partial(copy_context().run, work_off)) for _ in range(min(at_once, len(works)))]
    try:
        for worker in gevent.iwait(workers):
            if worker.value is not None:
                raise worker.value
        return [done[index] for index in range(len(works))]
    finally:
        gevent.killall(workers, block=False)
