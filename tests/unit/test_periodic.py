"""What workers write every few seconds: nothing is lost when they stop, or when a write fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event

from grok2api.client_keys import ClientKey
from grok2api.errors import StorageUnavailable
from grok2api.services.client_keys import ClientKeys
from grok2api.services.periodic import Periodic
from grok2api.services.request_log import RequestBook, RequestRecord
from grok2api.services.usage import UsageMeter
from grok2api.storage.base import UsageCount

KEY = ClientKey(1, "app", "digest", "hint", 0.0)
RECORD = RequestRecord("id", "/v1/chat/completions", "grok-4.1", False, "app", "ok", 200)


class MemoryStore:
    """All that the three write to. `gate`: what a write waits for; `error`: what the next one fails with."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.gate: Event | None = None
        self.error: Exception | None = None

    def add(self, some: Sequence[Any]) -> None:
        self._take([one for one in some for _ in range(one.count if isinstance(one, UsageCount) else 1)])

    def note_used(self, uses: Mapping[int, tuple[int, float]]) -> None:
        self._take([use for use in uses.items() for _ in range(use[1][0])])

    def _take(self, some: Sequence[Any]) -> None:
        if self.gate is not None:
            self.gate.wait()
        error, self.error = self.error, None
        if error is not None:
            raise error
        self.taken += some


class Writer:
    """One of the three. `note`: what it is to write, `size` entries each."""

    def __init__(self, service: Any, note: Callable[[], None], size: int) -> None:
        self.service, self.note, self.size = service, note, size


def usage(store: Any) -> Writer:
    meter = UsageMeter(store, lambda: 1_700_000_000.0)
    return Writer(meter, meter.blocked, 2)


def book(store: Any) -> Writer:
    book = RequestBook(store, lambda: 1_700_000_000.0)
    return Writer(book, lambda: book.note(RECORD), 1)


def keys(store: Any) -> Writer:
    keys = ClientKeys(store, SimpleNamespace(), lambda: 1_700_000_000.0)  # type: ignore[arg-type]
    return Writer(keys, lambda: keys.admit(KEY), 1)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(params=[usage, book, keys], ids=["usage", "book", "keys"])
def writer(request: pytest.FixtureRequest, store: MemoryStore) -> Writer:
    made: Writer = request.param(store)
    return made


@pytest.mark.parametrize("error", [StorageUnavailable("The storage is away."), ValueError("unexpected")])
def test_what_could_not_be_written_is_written_later(
    store: MemoryStore, writer: Writer, error: Exception
) -> None:
    store.error = error
    writer.note()
    with suppress(ValueError):
        writer.service.flush()
    assert store.taken == []
    writer.service.flush()
    assert len(store.taken) == writer.size


def test_a_worker_that_stops_in_the_middle_of_a_write_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, store: MemoryStore
) -> None:
    for module in ("usage", "request_log", "client_keys"):
        monkeypatch.setattr(f"grok2api.services.{module}.FLUSH_S", 0.01)
    for make in (usage, book, keys):
        writer, store.taken, store.gate = make(store), [], Event()
        writer.service.start()
        writer.note()
        gevent.sleep(0.05)  # the write has begun, and waits
        writer.note()
        gevent.spawn_later(0.05, store.gate.set)
        writer.service.stop()
        assert len(store.taken) == 2 * writer.size


def test_the_last_round_is_done_even_if_the_one_before_hangs() -> None:
    rounds: list[int] = []
    gate = Event()

    def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            gate.wait()

    periodic = Periodic(work, 0.01, "working")
    periodic.start()
    gevent.sleep(0.05)
    assert rounds == [0]
    periodic.stop(wait_s=0.05)
    assert rounds == [0, 1]
    gate.set()
    gevent.sleep(0.05)
    assert rounds == [0, 1]  # its loop has ended


def test_a_round_that_fails_is_logged_and_the_next_comes(caplog: pytest.LogCaptureFixture) -> None:
    rounds: list[int] = []
    done = Event()

    def work() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 2:
            done.set()
        raise ValueError("odd")

    periodic = Periodic(work, 0.01, "working")
    with caplog.at_level(logging.ERROR):
        periodic.start()
        assert done.wait(5)
        periodic.stop()
    assert len(rounds) >= 3 and "working failed" in caplog.text


def test_what_never_began_does_its_last_round_all_the_same() -> None:
    rounds: list[int] = []
    Periodic(lambda: rounds.append(1), 60, "working").stop()
    assert rounds == [1]
