"""Turns: what can wait does, in its order, and keeps nothing else from its turn."""

from __future__ import annotations

import time

import gevent
import pytest

from grok2api import turns as turns_module
from grok2api.turns import Turns


def test_all_have_their_turn_in_order() -> None:
    done: list[int] = []
    turns = Turns()

    def note(number: int) -> None:
        turns.soon(lambda _: done.append(number))

    for number in range(1000):
        note(number)
    assert done == []
    gevent.sleep(0.01)
    assert done == list(range(1000))
    note(1000)
    gevent.sleep(0.01)
    assert done[-1] == 1000


def test_others_do_not_wait_for_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "TURN_S", 0.005)
    done: list[object] = []
    turns = Turns()

    def take_long(_: None) -> None:
        time.sleep(0.001)
        done.append("one")

    for _ in range(100):
        turns.soon(take_long)
    gevent.get_hub().loop.run_callback(done.append, "another")
    with gevent.Timeout(10):
        while len(done) < 101:
            gevent.sleep(0.001)
    assert done.index("another") < 20


def test_what_comes_of_a_turn_has_its_turn() -> None:
    done: list[str] = []
    turns = Turns()

    def first(_: None) -> None:
        done.append("first")
        turns.soon(lambda _: done.append("second"))

    turns.soon(first)
    gevent.sleep(0.01)
    assert done == ["first", "second"]


def test_one_that_raises_stops_none_of_the_others() -> None:
    done: list[str] = []
    turns = Turns()

    def leave(_: None) -> None:
        raise gevent.GreenletExit

    turns.soon(leave)
    turns.soon(lambda _: done.append("next"))
    gevent.sleep(0.01)
    turns.soon(lambda _: done.append("later"))
    gevent.sleep(0.01)
    assert done == ["next", "later"]
