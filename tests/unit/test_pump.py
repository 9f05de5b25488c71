"""The pump between upstream's greenlet and the client's."""

from __future__ import annotations

import gc
import socket
import weakref
from collections.abc import Generator

import gevent
import gevent.socket
import pytest

from grok2api.cancellation import Cancellation
from grok2api.errors import ServerStopping
from grok2api.events import Event, Finish, Started, Text
from grok2api.stopping import Stopping
from grok2api.turns import Turns
from grok2api.watchdog import Watchdog
from grok2api.web import pump as pump_module
from grok2api.web.pump import BUFFER_EVENTS, ClientGone, Pump


def test_all_events_arrive_in_order_although_the_buffer_is_small() -> None:
    def make(_: Cancellation) -> Generator[Event, None, None]:
        yield Started()
        for n in range(3 * BUFFER_EVENTS):
            yield Text(str(n))
        yield Finish()

    pump = Pump(make, {}, Watchdog(), Turns())
    assert pump.wait_started(5)
    batches = list(pump.batches())
    pump.close()
    found = [event for batch in batches for event in batch]
    assert found == [Started(), *(Text(str(n)) for n in range(3 * BUFFER_EVENTS)), Finish()]
    assert max(map(len, batches)) <= BUFFER_EVENTS


def test_what_is_gathered_comes_at_the_end_however_much_it_is() -> None:
    def make(_: Cancellation) -> Generator[Event, None, None]:
        for n in range(3 * BUFFER_EVENTS):
            yield Text(str(n))
            gevent.sleep(0)
        yield Finish()

    pump = Pump(make, {}, Watchdog(), Turns())
    with gevent.Timeout(5):
        assert pump.gather() == [*(Text(str(n)) for n in range(3 * BUFFER_EVENTS)), Finish()]
    assert pump.began_at is not None
    pump.close()


def test_what_has_begun_before_is_gathered_too() -> None:
    def make(_: Cancellation) -> Generator[Event, None, None]:
        for n in range(3 * BUFFER_EVENTS):
            yield Text(str(n))
        yield Finish()

    pump = Pump(make, {}, Watchdog(), Turns())
    gevent.sleep(0.01)
    with gevent.Timeout(5):
        assert len(pump.gather()) == 3 * BUFFER_EVENTS + 1
    pump.close()


def test_others_have_their_turn_while_much_is_gathered() -> None:
    def make(_: Cancellation) -> Generator[Event, None, None]:
        for n in range(100 * BUFFER_EVENTS):
            yield Text(str(n))
        yield Finish()

    turns = 0

    def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            gevent.sleep(0)

    counting = gevent.spawn(count)
    pump = Pump(make, {}, Watchdog(), Turns())
    with gevent.Timeout(10):
        pump.gather()
    pump.close()
    counting.kill()
    assert turns > 50


def test_what_is_gathered_fails_with_what_its_answer_failed_with() -> None:
    def make(_: Cancellation) -> Generator[Event, None, None]:
        yield Text("a")
        raise ValueError("broken")

    pump = Pump(make, {}, Watchdog(), Turns())
    with gevent.Timeout(5), pytest.raises(ValueError, match="broken"):
        pump.gather()
    pump.close()


def test_what_is_gathered_ends_with_its_client() -> None:
    ended = []

    def make(_: Cancellation) -> Generator[Event, None, None]:
        try:
            yield Text("a")
            gevent.sleep(30)
        finally:
            ended.append(True)

    ours, theirs = gevent.socket.socketpair()
    with ours:
        pump = Pump(make, {"gunicorn.socket": ours}, Watchdog(), Turns())
        gevent.spawn_later(0.1, theirs.close)
        with gevent.Timeout(5), pytest.raises(ClientGone):
            pump.gather()
        pump.close()
    assert ended == [True]


def test_one_that_is_closed_is_no_garbage_to_be_searched_for() -> None:
    ours, theirs = gevent.socket.socketpair()

    def make(_: Cancellation) -> Generator[Event, None, None]:
        yield Finish()

    gc.disable()
    try:
        with ours, theirs:
            pump = Pump(make, {"gunicorn.socket": ours}, Watchdog(), Turns())
            assert list(pump.batches()) == [[Finish()]]
            pump.close()
        gone = weakref.ref(pump)
        del pump
        gevent.sleep(0.01)
        assert gone() is None
    finally:
        gc.enable()


def test_an_error_comes_after_the_events_before_it() -> None:
    def make(_: Cancellation) -> Generator[Event, None, None]:
        yield Text("a")
        raise ValueError("broken")

    pump = Pump(make, {}, Watchdog(), Turns())
    found = []
    with pytest.raises(ValueError, match="broken"):
        for batch in pump.batches():
            found += batch
    pump.close()
    assert found == [Text("a")]


def test_a_client_that_takes_nothing_is_given_up_and_the_work_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump_module, "STUCK_CLIENT_S", 0.3)
    ended = []

    def make(_: Cancellation) -> Generator[Event, None, None]:
        try:
            while True:
                yield Text("more")
        finally:
            ended.append(True)

    ours, theirs = gevent.socket.socketpair()
    with ours, theirs:
        pump = Pump(make, {"gunicorn.socket": ours}, Watchdog(), Turns())
        with gevent.Timeout(10), pytest.raises((OSError, ClientGone)):
            for _ in pump.batches():
                ours.sendall(b"x" * 1_000_000)  # nobody reads at the other end
        pump.close()
        assert ended == [True]
        with pytest.raises(OSError, match="Broken pipe"):
            ours.send(b"x", socket.MSG_NOSIGNAL)


def test_what_is_whole_is_not_stopped_while_its_account_is_given_back() -> None:
    def make(_: Cancellation) -> Generator[Event, None, None]:
        yield Text("a")
        yield Finish()
        gevent.sleep(0.2)

    pump = Pump(make, {}, Watchdog(), Turns())
    assert pump.wait_started(5)
    pump.stop(ServerStopping())
    with gevent.Timeout(5):
        assert [event for batch in pump.batches() for event in batch] == [Text("a"), Finish()]
    pump.close()


def test_what_is_stopped_gives_what_it_has_and_then_says_so() -> None:
    stopping, ended = Stopping(), []

    def make(_: Cancellation) -> Generator[Event, None, None]:
        try:
            yield Text("a")
            gevent.sleep(30)
            yield Text("b")
        finally:
            ended.append(True)

    pump = Pump(make, {}, Watchdog(), Turns())
    stopping.watch(pump)
    assert pump.wait_started(5)
    stopping.stop_all()
    found = []
    with gevent.Timeout(5), pytest.raises(ServerStopping):
        for batch in pump.batches():
            found += batch
    pump.close()
    assert found == [Text("a")] and ended == [True]


def test_what_has_not_begun_when_it_is_stopped_never_does() -> None:
    stopping = Stopping()
    stopping.stop_all()

    def make(_: Cancellation) -> Generator[Event, None, None]:
        gevent.sleep(30)
        yield Text("a")

    pump = Pump(make, {}, Watchdog(), Turns())
    stopping.watch(pump)
    with gevent.Timeout(5), pytest.raises(ServerStopping):
        pump.wait_started(5)
    pump.close()


def test_an_answer_that_is_whole_is_read_to_its_end_although_all_is_stopped() -> None:
    stopping = Stopping()

    def make(_: Cancellation) -> Generator[Event, None, None]:
        yield Text("a")
        yield Finish()

    pump = Pump(make, {}, Watchdog(), Turns())
    stopping.watch(pump)
    assert pump.wait_started(5)
    gevent.sleep(0.01)
    stopping.stop_all()
    assert [event for batch in pump.batches() for event in batch] == [Text("a"), Finish()]
    pump.close()
