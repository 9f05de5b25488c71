"""Several works at once, of which the first failure is everybody's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import gevent
import pytest

from grok2api.services.together import together


def work(value: int, seconds: float, ended: list[int]) -> Callable[[], int]:
    def run() -> int:
        try:
            gevent.sleep(seconds)
        finally:
            ended.append(value)
        return value

    return run


def test_results_come_in_the_works_order_and_so_many_run_at_once() -> None:
    running: list[int] = []
    most = 0

    def one(value: int) -> int:
        nonlocal most
        running.append(value)
        most = max(most, len(running))
        gevent.sleep(0.01 * (5 - value))
        running.remove(value)
        return value

    works = [partial(one, value) for value in range(5)]
    assert together(works, 2) == [0, 1, 2, 3, 4]
    assert most == 2
    assert together([], 2) == []


def test_the_first_failure_ends_the_others_at_once() -> None:
    ended: list[int] = []

    def fail() -> int:
        gevent.sleep(0.02)
        raise ValueError("first")

    with gevent.Timeout(5), pytest.raises(ValueError, match="first"):
        together([work(1, 60, ended), fail, work(2, 60, ended), work(3, 60, ended)], 3)
    gevent.sleep(0)
    assert sorted(ended) == [1, 2]  # the last one never began


def test_who_asked_takes_the_works_along() -> None:
    ended: list[int] = []
    asking = gevent.spawn(together, [work(1, 60, ended), work(2, 60, ended)], 2)
    gevent.sleep(0.02)
    asking.kill()
    gevent.sleep(0)
    assert sorted(ended) == [1, 2]
