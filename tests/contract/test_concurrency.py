"""Many takers at once, in threads and in processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import orjson
import pytest
from flask import Flask

from grok2api.accounts import Lease, LeaseRequest, Outcome
from grok2api.errors import StorageUnavailable
from grok2api.storage.base import Store
from grok2api.storage.sql.sqlite import open_store
from grok2api.storage.vault import Vault
from tests.contract import workers
from tests.contract.dealings import ANY, COSTLY, NOW, add, end, everyone, in_flight, set_quota, take, wanting
from tests.contract.places import POOLS, FilePlace, Place
from tests.full import only_full
from tests.gateway import ROOT, clean_environ


def left(store: Store) -> Counter[int | None]:
    return Counter(one.quotas["default"].remaining for one in everyone(store))


@pytest.mark.parametrize(("wanted", "quota", "each", "rest"), [only_full(ANY, 5, 5, 0), (COSTLY, 10, 2, 2)])
def test_threads_never_overspend(
    store: Store, place: Place, wanted: LeaseRequest, quota: int, each: int, rest: int
) -> None:
    ids = add(store, 30)
    set_quota(store, ids, "default", quota, now=NOW)
    stores = [store, place.open()]

    def take_some(number: int) -> list[Lease]:
        mine = stores[number % 2].leases
        return [lease for _ in range(12) if (lease := mine.lease(wanted, NOW)) is not None]

    with ThreadPoolExecutor(32) as threads:
        leases = [lease for found in threads.map(take_some, range(32)) for lease in found]
    assert Counter(lease.account_id for lease in leases) == dict.fromkeys(ids, each)
    assert left(store) == {rest: 30}
    assert len({lease.id for lease in leases}) == len(leases) == in_flight(store)
    assert len({(lease.account_id, lease.remaining_before) for lease in leases}) == len(leases)


def test_threads_that_end_what_they_take_leave_nothing_in_flight(store: Store) -> None:
    add(store, 5)

    def work(number: int) -> None:
        for _ in range(10):
            end(store, take(store))

    with ThreadPoolExecutor(32) as threads:
        list(threads.map(work, range(32)))
    assert in_flight(store) == 0
    assert sum(one.request_count for one in everyone(store)) == 320


@pytest.mark.parametrize(("wanted", "quota", "each", "rest"), [(ANY, 3, 3, 0), only_full(COSTLY, 10, 2, 2)])
def test_processes_never_hand_out_a_call_twice(
    store: Store, place: Place, wanted: LeaseRequest, quota: int, each: int, rest: int
) -> None:
    ids = add(store, 60)
    set_quota(store, ids, "default", quota, now=NOW)
    outcomes = (Outcome.SUCCESS, Outcome.ABANDONED, Outcome.FAILED)
    found = workers.in_processes(4, workers.take_all, place.env, wanted, outcomes)
    taken = [lease for part in found for lease in part]
    assert Counter(account for account, _ in taken) == dict.fromkeys(ids, each)
    assert len(set(taken)) == len(taken), "a call was handed out twice"
    assert left(store) == {rest: 60}
    assert in_flight(store) == 0
    assert sum(one.request_count for one in everyone(store)) == len(taken), "an end was not counted"


def test_processes_never_pass_the_limit_of_requests_in_flight(store: Store, place: Place) -> None:
    ids = add(store, 40)
    found = workers.in_processes(4, workers.hold_all, place.env, wanting(max_in_flight=2))
    held = [lease.account_id for part in found for lease in part]
    assert Counter(held) == dict.fromkeys(ids, 2)
    assert all(one.in_flight == 2 for one in everyone(store))


def test_every_process_gets_its_turn(store: Store, place: Place, full: bool) -> None:
    add(store, 20)
    each = 150 if full else 60
    figures = workers.in_processes(4, workers.take_and_end, place.env, ANY, each)
    assert in_flight(store) == 0
    assert sum(one.request_count for one in everyone(store)) == 4 * each
    assert max(longest for _, longest in figures) < 5


# --- SQLite's one writer ---


class Locked:
    """The file's write lock, held from outside for some seconds."""

    def __init__(self, file: FilePlace, seconds: float) -> None:
        self._file, self._seconds = file, seconds
        self._taken, self._released = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        with closing(sqlite3.connect(self._file.path, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            self._taken.set()
            self._released.wait(self._seconds)
            connection.execute("ROLLBACK")

    def wait_for_end(self) -> None:
        self._thread.join()

    def __enter__(self) -> Locked:
        self._thread.start()
        assert self._taken.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._thread.join()


#: Leases while another process holds the lock, and measures the longest silence of a 10 ms ticker.
PATCHED_WORKER = """
from gevent import monkey; monkey.patch_all()
import sys, time
from pathlib import Path
import gevent, orjson
from grok2api.env import Env
from tests.contract.dealings import ANY, NOW
from tests.contract.places import open_at

store = open_at(Env(data_dir=Path(sys.argv[1])))
ticks = []

def tick():
    while True:
        ticks.append(time.monotonic())
        gevent.sleep(0.01)

ticker = gevent.spawn(tick)
gevent.sleep(0.1)
print("ready", flush=True)
gevent.get_hub().threadpool.apply(sys.stdin.readline)
began = time.monotonic()
lease = gevent.spawn(store.leases.lease, ANY, NOW)
during = gevent.spawn(store.accounts.walk, 0, 10)
during.get()
read_s = time.monotonic() - began
got = lease.get() is not None
ended = time.monotonic()
ticker.kill()
seen = [t for t in ticks if t >= began]
longest = max(b - a for a, b in zip(seen, seen[1:] + [ended]))
print(orjson.dumps({"got": got, "waited": ended - began, "read": read_s, "silence": longest}).decode(), flush=True)
store.close()
"""


def test_greenlets_run_on_while_a_lease_waits_for_another_process(file: FilePlace) -> None:
    add(file.open(), 1)
    command = [sys.executable, "-c", PATCHED_WORKER, str(file.env.data_dir)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=ROOT, env=clean_environ(), stdin=pipe, stdout=pipe, text=True
    ) as worker:
        assert worker.stdin and worker.stdout
        assert worker.stdout.readline() == "ready\n"
        with Locked(file, 2.0) as lock:
            worker.stdin.write("go\n")
            worker.stdin.flush()
            lock.wait_for_end()
        figures = orjson.loads(worker.stdout.readline())
        worker.communicate(timeout=30)
    assert worker.returncode == 0
    assert figures["got"] and figures["waited"] > 1.5
    assert figures["read"] < 0.5, "a reader waited for the writer"
    assert figures["silence"] < 0.1 * 5, figures


def test_a_lock_held_longer_than_the_wait_is_storage_unavailable(file: FilePlace) -> None:
    add(file.open(), 1)
    with closing(open_store(Flask("impatient"), file.env, POOLS, Vault(), lock_wait_s=0.3)) as store:
        with Locked(file, 20.0):
            began = time.monotonic()
            with pytest.raises(StorageUnavailable) as caught:
                store.leases.lease(ANY, NOW)
            assert 0.2 < time.monotonic() - began < 5
            assert str(caught.value) == "The database cannot be used (database is locked)."
            assert len(store.accounts.walk(0, 10)) == 1, "readers do not wait for a writer"
        assert store.leases.lease(ANY, NOW) is not None
