"""The watchdog: it asks all that is watched, and nothing else."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import gevent
import pytest
from gevent.event import Event

from grok2api import watchdog
from grok2api.watchdog import Watchdog


class Stream:
    """Something watched: counts its ticks, then does what it was told."""

    def __init__(self, then: Callable[[Stream], None] = lambda _: None) -> None:
        self.times: list[float] = []
        self.ticked = Event()
        self._then = then

    def tick(self, now: float) -> None:
        self.times.append(now)
        self.ticked.set()
        self._then(self)

    def wait(self) -> None:
        """Until the next tick."""
        self.ticked.clear()
        assert self.ticked.wait(5)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "TICK_S", 0.005)


def test_what_is_watched_is_told_the_time_until_it_is_forgotten() -> None:
    dog, stream, other = Watchdog(), Stream(), Stream()
    began = time.monotonic()
    dog.watch(stream)
    dog.watch(other)
    stream.wait()
    stream.wait()
    dog.forget(stream)
    seen = len(stream.times)
    other.wait()
    other.wait()
    assert len(stream.times) == seen
    assert began < stream.times[0] < stream.times[1] <= time.monotonic()
    dog.forget(other)


def test_what_is_watched_twice_is_told_once() -> None:
    dog, stream, other = Watchdog(), Stream(), Stream()
    for _ in range(3):
        dog.watch(stream)
    dog.watch(other)
    other.wait()
    assert len(stream.times) == 1
    dog.forget(stream)
    dog.forget(other)


def test_forgetting_what_was_never_watched_is_harmless() -> None:
    Watchdog().forget(Stream())


def test_what_fails_in_its_tick_is_logged_and_forgotten_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_: Stream) -> None:
        raise RuntimeError("broken")

    dog, broken, stream = Watchdog(), Stream(fail), Stream()
    dog.watch(broken)
    dog.watch(stream)
    with caplog.at_level(logging.ERROR):
        stream.wait()
        stream.wait()
    dog.forget(stream)
    assert len(broken.times) == 1
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [RuntimeError]


def test_a_tick_may_forget_itself_and_others_and_watch_new_ones() -> None:
    dog, late, gone = Watchdog(), Stream(), Stream()

    def change(stream: Stream) -> None:
        dog.forget(stream)
        dog.forget(gone)
        dog.watch(late)

    stream = Stream(change)
    dog.watch(stream)
    dog.watch(gone)
    late.wait()
    late.wait()
    assert len(stream.times) == 1 and len(gone.times) <= 1
    dog.forget(late)


def test_it_sleeps_when_there_is_nothing_to_watch_and_wakes_for_the_next() -> None:
    dog, stream = Watchdog(), Stream()
    dog.watch(stream)
    stream.wait()
    dog.forget(stream)
    with gevent.Timeout(5):
        while dog._greenlet is not None and not dog._greenlet.dead:
            gevent.sleep(0.001)
    seen = len(stream.times)
    dog.watch(stream)
    stream.wait()
    assert len(stream.times) > seen
    dog.forget(stream)
