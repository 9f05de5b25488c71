"""Ending a greenlet's work from outside: at once, but never inside what must be whole."""

from __future__ import annotations

from collections.abc import Callable

import gevent
import pytest
from gevent.event import Event
from gevent.lock import Semaphore

from grok2api.cancellation import Cancellation, Cancelled


class Work:
    """A greenlet that does `body`; `story` is what happened, in order."""

    def __init__(self, body: Callable[[Work], None]) -> None:
        self.end = Cancellation()
        self.story: list[str] = []
        self.never = Event()
        self.greenlet = gevent.spawn(self._run, body)

    def _run(self, body: Callable[[Work], None]) -> None:
        try:
            self.end.bind()
            body(self)
            self.story.append("done")
        except Cancelled:
            self.story.append("cancelled")

    def join(self) -> list[str]:
        with gevent.Timeout(5):
            self.greenlet.join()
        return self.story


def wait(work: Work) -> None:
    work.never.wait()


def test_work_that_waits_ends_at_once() -> None:
    work = Work(wait)
    gevent.idle()
    work.end.cancel()
    assert work.join() == ["cancelled"]


def test_work_that_was_ended_before_it_began_never_begins() -> None:
    work = Work(wait)
    work.end.cancel()
    assert work.join() == ["cancelled"]


def test_work_that_is_done_is_left_alone() -> None:
    work = Work(lambda _: None)
    assert work.join() == ["done"]
    work.end.cancel()
    gevent.idle()
    assert work.story == ["done"] and work.greenlet.successful()


def test_the_second_cancel_does_nothing() -> None:
    def body(work: Work) -> None:
        try:
            work.never.wait()
        except Cancelled:
            work.story.append("first")
            gevent.idle()
            raise

    work = Work(body)
    gevent.idle()
    work.end.cancel()
    work.end.cancel()
    gevent.idle()
    work.end.cancel()
    assert work.join() == ["first", "cancelled"]


def test_what_is_protected_runs_to_its_end_and_the_check_behind_it_ends_the_work() -> None:
    go = Event()

    def body(work: Work) -> None:
        with work.end.protected():
            go.wait()
            work.story.append("whole")
        work.story.append("behind")
        work.end.check()

    work = Work(body)
    gevent.idle()
    work.end.cancel()
    gevent.idle()
    assert work.story == []
    go.set()
    assert work.join() == ["whole", "behind", "cancelled"]


def test_protection_inside_protection_lasts_to_the_outer_end() -> None:
    go = Event()

    def body(work: Work) -> None:
        with work.end.protected():
            with work.end.protected():
                pass
            go.wait()
            work.story.append("whole")
        work.end.check()

    work = Work(body)
    gevent.idle()
    work.end.cancel()
    gevent.idle()
    go.set()
    assert work.join() == ["whole", "cancelled"]


def test_a_throw_on_its_way_is_taken_back_by_protection() -> None:
    """The work wakes up and enters what is protected in the moment between `cancel` and its throw."""
    lock = Semaphore(0)

    def body(work: Work) -> None:
        lock.acquire()
        with work.end.protected():
            gevent.idle()
            work.story.append("whole")
        work.end.check()

    work = Work(body)
    gevent.idle()
    lock.release()  # the wake-up is queued in the hub before the throw
    work.end.cancel()
    assert work.join() == ["whole", "cancelled"]


def test_a_throw_on_its_way_is_taken_back_by_a_check_that_raises_first() -> None:
    lock = Semaphore(0)

    def body(work: Work) -> None:
        lock.acquire()
        try:
            work.end.check()
        except Cancelled:
            gevent.idle()  # a second throw would land here
            work.story.append("whole")
            raise

    work = Work(body)
    gevent.idle()
    lock.release()
    work.end.cancel()
    assert work.join() == ["whole", "cancelled"]


def test_a_check_without_a_cancel_does_nothing() -> None:
    end = Cancellation()
    end.bind()
    end.check()
    with end.protected():
        end.check()
    assert not end.cancelled


def test_the_work_may_end_itself() -> None:
    def body(work: Work) -> None:
        work.end.cancel()
        work.never.wait()

    assert Work(body).join() == ["cancelled"]


def test_no_except_exception_takes_it_for_a_failure() -> None:
    assert not issubclass(Cancelled, Exception)
    end = Cancellation()
    end.cancel()
    with pytest.raises(Cancelled):
        end.bind()
