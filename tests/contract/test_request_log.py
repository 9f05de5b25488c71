"""The log of the clients' requests."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from grok2api.storage.base import Store
from grok2api.storage.clients import RequestEntry, RequestLog
from tests.contract import mysql_place, redis_place, workers
from tests.contract.dealings import NOW
from tests.contract.places import Place

DOCUMENT: dict[str, object] = {
    "text": "☂\n'\"\\ %s :x", "whole": -(2**40), "part": 0.1, "yes": True, "no": False, "null": None, "none": [],
    "attempts": [{"account": 1, "s": 0.5}],
}  # fmt: skip


def entry(request_id: str, at: float = NOW, **document: object) -> RequestEntry:
    return RequestEntry(at, request_id, document)


def ids(requests: RequestLog, limit: int = 100_000) -> str:
    return " ".join(one.request_id for one in requests.recent(limit))


@pytest.mark.parametrize(
    "one",
    [
        RequestEntry(NOW + 0.1234567, "0123456789abcdef" * 4, DOCUMENT),
        RequestEntry(NOW, "a.B-c_é", {}),
        RequestEntry(NOW, "large", {"text": "☂" * 5400}),
    ],
)
def test_it_comes_back_as_it_was(requests: RequestLog, one: RequestEntry) -> None:
    requests.add([one])
    assert requests.recent(10) == [one]
    assert list(requests.walk(10)) == [[one]]


def test_the_newest_come_first(requests: RequestLog, place: Place) -> None:
    assert requests.recent(10) == []
    requests.add([])
    for number, at in enumerate((3, 1, 4, 1.5, 5)):
        place.open().requests.add([entry(f"{number}", NOW + at)])
    assert ids(requests) == "4 2 0 3 1"
    assert ids(requests, 2) == "4 2" and ids(requests, 0) == ""


def test_of_the_same_moment_what_was_added_later_comes_first(requests: RequestLog) -> None:
    for number in range(12):
        requests.add([entry(f"{number}")])
    requests.add([entry("old", NOW - 1), entry("a"), entry("b"), entry("new", NOW + 1)])
    assert ids(requests) == "new b a 11 10 9 8 7 6 5 4 3 2 1 0 old"


def test_what_is_older_is_forgotten(requests: RequestLog) -> None:
    requests.add([entry(f"{number:04}", NOW + number / 2) for number in range(1000)])
    requests.forget_older(NOW, 1000)
    assert len(requests.recent(2000)) == 1000
    requests.forget_older(NOW + 490, 1000)
    assert ids(requests) == " ".join(f"{number:04}" for number in reversed(range(980, 1000)))


@pytest.mark.parametrize("most", [0, 1, 700, 1000, 1001])
def test_only_so_many_are_kept_the_newest(requests: RequestLog, most: int) -> None:
    requests.add([entry(f"{number:04}", NOW + number // 10) for number in range(1000)])
    requests.forget_older(NOW - 1, most)
    assert ids(requests) == " ".join(f"{number:04}" for number in reversed(range(max(0, 1000 - most), 1000)))


def test_all_can_be_forgotten(requests: RequestLog) -> None:
    assert requests.clear() == 0
    requests.add([entry(f"{number}") for number in range(450)])
    assert requests.clear() == 450
    assert requests.recent(10) == [] and requests.clear() == 0
    requests.add([entry("7")])
    assert requests.recent(10) == [entry("7")]


def test_clearing_the_store_leaves_them(store: Store) -> None:
    store.requests.add([entry("a")])
    store.clear()
    assert ids(store.requests) == "a"


@pytest.mark.parametrize("limit", [1, 7, 25, 1000])
def test_a_walk_is_the_recent_ones_turned_round(requests: RequestLog, limit: int) -> None:
    requests.add([entry(f"{number}", NOW + number // 10 % 3) for number in range(60)])
    pages = list(requests.walk(limit))
    assert [one for page in pages for one in page] == requests.recent(100)[::-1]
    assert max(map(len, pages)) <= limit and all(pages)


def test_walked_and_added_elsewhere_they_are_in_the_same_order(requests: RequestLog) -> None:
    requests.add([entry(f"{number}", NOW + number % 2) for number in range(10)])
    before, copied = requests.recent(100), list(requests.walk(3))
    requests.clear()
    for page in copied:
        requests.add(page)
    assert requests.recent(100) == before


def test_processes_add_beside_each_other_and_beside_forgetting(place: Place) -> None:
    requests = place.store.requests
    added = workers.in_processes(3, workers.log_requests, place.env, 30)
    found = requests.recent(10_000)
    assert sorted(found, key=lambda one: one.request_id) == sorted(
        (one for part in added for one in part), key=lambda one: one.request_id
    )


def test_to_add_twenty_is_cheap(requests: RequestLog) -> None:
    times = []
    for number in range(50):
        entries = [entry(f"{number}-{n}" + "x" * 24, NOW + number, text="x" * 1000) for n in range(20)]
        began = time.perf_counter()
        requests.add(entries)
        times.append(time.perf_counter() - began)
    typical = sorted(times)[25]
    print(f"requests.add of 20, 1 KiB each: {typical * 1000:.2f} ms")
    assert typical < 0.1  # about 1 ms


def test_on_mysql_they_do_not_wait_for_the_turn_to_write() -> None:
    with closing(mysql_place.MysqlPlace()) as place:
        requests = place.store.requests
        with mysql_place.server().connect(mysql_place.DATABASE) as other:
            other.begin()
            other.cursor().execute("SELECT value FROM counters WHERE name = 'writer' FOR UPDATE")
            requests.add([entry("a"), entry("b", NOW + 1), entry("c", NOW + 2)])
            requests.forget_older(NOW + 1, 1)
            assert ids(requests) == "c"
            assert requests.clear() == 1
            other.rollback()


@pytest.mark.parametrize("how", ["clear", "forget"])
def test_on_redis_what_is_forgotten_leaves_no_key(how: str) -> None:
    with closing(redis_place.RedisPlace()) as place:
        requests = place.store.requests
        requests.add([entry(f"{number % 7}", NOW + number) for number in range(20)])
        if how == "clear":
            requests.clear()
        else:
            requests.forget_older(NOW + 100, 100)
        with redis_place.server().connect() as client:
            assert list(client.scan_iter("grok2api:request_log*")) == ["grok2api:request_log_last"]
