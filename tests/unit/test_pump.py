"""The pump between upstream's greenlet and the client's."""

from __future__ import annotations

import socket
from collections.abc import Generator

import gevent
import gevent.socket
import pytest

from grok2api.cancellation import Cancellation
from grok2api.events import Event, Finish, Started, Text
from grok2api.watchdog import Watchdog
from grok2api.web import pump as pump_module
from grok2api.web.pump import BUFFER_EVENTS, ClientGone, Pump


def test_all_events_arrive_in_order_although_the_buffer_is_small() -> None:
    def make(_: Cancellation) -> Generator[Event, None, None]:
        yield Started()
        for n in range(3 * BUFFER_EVENTS):
            yield Text(str(n))
        yield Finish()

    pump = Pump(make, {}, Watchdog())
    assert pump.wait_started(5)
    batches = list(pump.batches())
    pump.close()
    found = [event for batch in batches for event in batch]
    assert found == [Started(), *(Text(str(n)) for n in range(3 * BUFFER_EVENTS)), Finish()]
    assert max(map(len, batches)) <= BUFFER_EVENTS


def test_an_error_comes_after_the_events_before_it() -> None:
    def make(_: Cancellation) -> Generator[Event, None, None]:
        yield Text("a")
        raise ValueError("broken")

    pump = Pump(make, {}, Watchdog())
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
        pump = Pump(make, {"gunicorn.socket": ours}, Watchdog())
        with gevent.Timeout(10), pytest.raises((OSError, ClientGone)):
            for _ in pump.batches():
                ours.sendall(b"x" * 1_000_000)  # nobody reads at the other end
        pump.close()
        assert ended == [True]
        with pytest.raises(OSError, match="Broken pipe"):
            ours.send(b"x", socket.MSG_NOSIGNAL)
