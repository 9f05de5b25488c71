"""The settings of one worker: fresh within a second, and never a reason to stop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import gevent
import pytest
from gevent.event import Event

from grok2api.client_keys import ClientKey
from grok2api.errors import SettingError, StorageUnavailable
from grok2api.services.live_settings import FRESH_S, LiveSettings
from grok2api.settings import Snapshot, Value
from grok2api.storage.base import Settings, StoredSettings


class MemorySettings(Settings):
    """Stored settings in a dict, shared by all who hold it. `away`: the storage cannot be reached."""

    def __init__(self, **values: object) -> None:
        self.values: dict[str, object] = values
        self.number = 1
        self.away = False
        self.asked = 0
        self.loaded = 0
        self.gate: Event | None = None

    def version(self) -> int:
        self.asked += 1
        if self.gate is not None:
            self.gate.wait()
        self._reach()
        return self.number

    def load(self) -> StoredSettings:
        self.loaded += 1
        self._reach()
        return StoredSettings(self.number, dict(self.values))

    def save(self, values: Mapping[str, object]) -> None:
        self._reach()
        self.values.update(values)
        self.number += 1

    def keep(self, name: str, value: str) -> str:
        raise AssertionError(f"{name} is not asked for here")

    def _reach(self) -> None:
        if self.away:
            raise StorageUnavailable("The storage is away.")


class Worker:
    """One worker's settings over a store, with a clock of its own."""

    def __init__(
        self,
        store: MemorySettings,
        defaults: Mapping[str, Value] | None = None,
        load_keys: Callable[[], list[ClientKey]] = list,
    ) -> None:
        self.now = 100.0
        self.told: list[Snapshot] = []
        self.live = LiveSettings(
            store,
            defaults=defaults or {},
            on_change=self.told.append,
            load_keys=load_keys,
            clock=lambda: self.now,
        )

    def later(self, seconds: float = FRESH_S + 0.01) -> Snapshot:
        self.now += seconds
        return self.live.snapshot()


def test_a_change_reaches_another_worker_within_a_second() -> None:
    store = MemorySettings()
    one, two = Worker(store), Worker(store)
    one.live.save({"api_key": "new"})
    assert one.live.snapshot().api_key == "new"
    assert two.later(1.0).api_key == "new"
    assert FRESH_S < 1.0


def test_a_fresh_snapshot_asks_nothing_and_an_old_one_only_for_the_version() -> None:
    store = MemorySettings()
    worker = Worker(store)
    for _ in range(100):
        worker.live.snapshot()
    assert (store.asked, store.loaded) == (0, 1)
    worker.later()
    worker.live.snapshot()
    assert (store.asked, store.loaded) == (1, 1)
    worker.later()
    assert (store.asked, store.loaded) == (2, 1)


def test_each_change_is_told_once() -> None:
    store = MemorySettings(log_level="DEBUG")
    worker, other = Worker(store), Worker(store)
    assert [taken.log_level for taken in worker.told] == ["DEBUG"]
    other.live.save({"log_level": "ERROR"})
    worker.later()
    worker.later()
    assert [taken.log_level for taken in worker.told] == ["DEBUG", "ERROR"]
    assert worker.told[-1] == worker.live.snapshot()


def test_a_snapshot_once_taken_does_not_change() -> None:
    worker = Worker(MemorySettings())
    taken = worker.live.snapshot()
    worker.live.save({"show_thinking": False})
    assert taken.show_thinking and not worker.live.snapshot().show_thinking


def test_what_is_saved_is_cleaned_and_all_or_none() -> None:
    store = MemorySettings()
    worker = Worker(store)
    assert worker.live.save({"api_key": " k ", "temporary": False}).api_key == "k"
    assert store.values == {"api_key": "k", "temporary": False}
    with pytest.raises(SettingError) as caught:
        worker.live.save({"api_key": "other", "temporary": "yes"})
    assert caught.value.name == "temporary"
    assert store.values["api_key"] == "k" == worker.live.snapshot().api_key
    with pytest.raises(SettingError):
        worker.live.save({"no_such_name": 1})


def test_defaults_stand_until_something_is_stored() -> None:
    worker = Worker(MemorySettings(), {"admin_password": "from the environment"})
    assert worker.live.snapshot().admin_password == "from the environment"
    assert worker.live.is_default("admin_password")
    worker.live.save({"admin_password": "chosen"})
    assert worker.live.snapshot().admin_password == "chosen"
    assert not worker.live.is_default("admin_password") and worker.live.is_default("api_key")


def test_while_the_storage_is_away_the_last_settings_stand(caplog: pytest.LogCaptureFixture) -> None:
    store = MemorySettings(api_key="known")
    worker = Worker(store)
    store.away = True
    with caplog.at_level(logging.WARNING):
        assert worker.later().api_key == "known"
        for _ in range(10):
            worker.live.snapshot()
    assert (store.asked, len(caplog.records)) == (1, 1)
    with pytest.raises(StorageUnavailable):
        worker.live.save({"api_key": "lost"})
    store.away = False
    store.save({"api_key": "back"})
    assert worker.later().api_key == "back"


def test_a_worker_does_not_start_without_its_settings() -> None:
    store = MemorySettings()
    store.away = True
    with pytest.raises(StorageUnavailable):
        Worker(store)


def test_a_stored_value_that_this_release_does_not_take_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        worker = Worker(MemorySettings(log_level="LOUD", of_a_later_release=1, api_key="k"))
    taken = worker.live.snapshot()
    assert (taken.log_level, taken.api_key) == ("INFO", "k")
    assert [name in caplog.text for name in ("log_level", "of_a_later_release")] == [True, True]


def test_who_cannot_wait_gets_what_is_stored_now_or_an_error() -> None:
    store = MemorySettings(api_key="old")
    worker = Worker(store)
    assert worker.live.fresh().api_key == "old"
    assert store.loaded == 1
    store.save({"api_key": "new"})
    assert worker.live.fresh().api_key == "new" == worker.live.snapshot().api_key
    store.away = True
    with pytest.raises(StorageUnavailable):
        worker.live.fresh()


def test_one_greenlet_asks_while_the_others_go_on_with_what_is_known() -> None:
    store = MemorySettings(api_key="old")
    worker = Worker(store)
    store.save({"api_key": "new"})
    store.gate = Event()
    asking = gevent.spawn(worker.later)
    gevent.idle()
    assert [worker.live.snapshot().api_key for _ in range(5)] == ["old"] * 5
    assert store.asked == 1
    store.gate.set()
    assert asking.get(timeout=5).api_key == "new" == worker.live.snapshot().api_key


def test_requests_that_wake_an_idle_worker_together_all_get_what_is_new() -> None:
    store = MemorySettings()
    worker = Worker(store)
    store.save({"api_key": "new"})
    worker.now += 60
    store.gate = Event()
    asking = [gevent.spawn(worker.live.snapshot) for _ in range(3)]
    gevent.sleep(0)
    store.gate.set()
    assert [greenlet.get(timeout=5).api_key for greenlet in asking] == ["new"] * 3
    assert store.asked == 1


class MemoryKeys:
    """The keys beside a MemorySettings. `away`: they cannot be reached; `gates`: what each next load waits for once it
    has read."""

    def __init__(self) -> None:
        self.known: list[ClientKey] = []
        self.away = False
        self.gates: list[Event] = []

    def load(self) -> list[ClientKey]:
        if self.away:
            raise StorageUnavailable("The storage is away.")
        known = list(self.known)
        if self.gates:
            self.gates.pop(0).wait()
        return known


def test_settings_whose_keys_could_not_be_read_are_read_again() -> None:
    store, keys = MemorySettings(api_key="old"), MemoryKeys()
    worker = Worker(store, load_keys=keys.load)
    store.save({"api_key": "new"})
    keys.known = [ClientKey(1, "app", "digest", "hint", 0.0)]
    keys.away = True
    assert worker.later().api_key == "old" and worker.live.keys() == {}
    with pytest.raises(StorageUnavailable):
        worker.live.fresh()
    keys.away = False
    assert worker.live.fresh().api_key == "new"
    assert list(worker.live.keys()) == ["digest"] and worker.told[-1].api_key == "new"


def test_a_load_that_another_has_overtaken_changes_nothing() -> None:
    store, keys = MemorySettings(api_key="old"), MemoryKeys()
    worker = Worker(store, load_keys=keys.load)
    gate = Event()
    keys.gates = [gate]
    store.save({"api_key": "middle"})
    slow = gevent.spawn(worker.live.reload)
    gevent.idle()
    keys.known = [ClientKey(1, "app", "digest", "hint", 0.0)]
    store.save({"api_key": "new"})
    worker.live.reload()
    gate.set()
    slow.get(timeout=5)
    assert worker.live.snapshot().api_key == "new" == worker.live.fresh().api_key == worker.told[-1].api_key
    assert list(worker.live.keys()) == ["digest"]


def test_a_load_of_the_same_version_is_acted_on() -> None:
    store, keys = MemorySettings(), MemoryKeys()
    worker = Worker(store, load_keys=keys.load)
    keys.known = [ClientKey(1, "app", "digest", "hint", 0.0)]
    worker.live.reload()
    assert list(worker.live.keys()) == ["digest"]


def test_a_storage_that_was_set_back_is_followed() -> None:
    store = MemorySettings(api_key="new")
    store.number = 7
    worker = Worker(store)
    store.number, store.values = 3, {"api_key": "of the backup"}
    assert worker.later().api_key == "of the backup"
