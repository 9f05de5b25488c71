"""The clients' keys, and their limits."""

from __future__ import annotations

import random
import time
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from grok2api.client_keys import DAY_S, MINUTE_S, ClientKey, KeyEdit, Windows, take
from grok2api.storage.base import Store
from grok2api.storage.clients import Keys
from tests.contract import mysql_place, redis_place, workers
from tests.contract.places import Place

#: Midnight in UTC.
DAY = 1_700_006_400.0


def key(name: str = "laptop", **changes: Any) -> ClientKey:
    return replace(ClientKey(0, name, "d" * 64, "sk-…abcd", DAY), **changes)


def one(keys: Keys, id_: int) -> ClientKey:
    return next(key for key in keys.all() if key.id == id_)


FULL = ClientKey(
    7, "☂" * 100, "0123456789abcdef" * 4, "sk-☂1…wxyz", DAY + 0.1234567, False, DAY + 0.7, ("grok-4", "☂ '\"\\"), 60,
    2**31 - 1, DAY + 0.3, 2**40,
)  # fmt: skip


@pytest.mark.parametrize("added", [key(), FULL, key("", hint="", models=("m" * 4000,))])
def test_it_comes_back_as_it_was(keys: Keys, added: ClientKey) -> None:
    stored = keys.add(added)
    assert stored == replace(added, id=stored.id) and stored.id > 0
    assert keys.all() == [stored]
    assert type(keys.all()[0].enabled) is bool


def test_each_has_an_id_that_is_never_given_again(keys: Keys, store: Store, place: Place) -> None:
    assert keys.all() == []
    stored = [place.open().keys.add(key(f"{number}", id=1)) for number in range(12)]
    ids = [one.id for one in stored]
    assert ids == sorted(set(ids)) and keys.all() == stored
    assert keys.delete(ids[-3:]) == 3
    assert keys.add(key()).id > ids[-1]
    last = keys.add(key()).id
    store.clear()
    assert keys.all() == []
    assert keys.add(key()).id > last


def test_more_than_a_batch_is_in_order(keys: Keys) -> None:
    restored = [key(f"{n}", id=n) for n in range(1, 251)]
    keys.restore(random.Random(7).sample(restored, 250))
    assert keys.all() == restored


def test_restored_ones_keep_their_ids(keys: Keys) -> None:
    keys.restore([])
    restored = [FULL, key(id=3), key("other", id=5000, request_count=9)]
    keys.restore(restored)
    assert keys.all() == sorted(restored, key=lambda one: one.id)
    assert keys.add(key()).id > 5000


@pytest.mark.parametrize(
    ("edit", "changes"),
    [
        (KeyEdit(), {}),
        (KeyEdit(name="☂"), {"name": "☂"}),
        (KeyEdit(enabled=True), {"enabled": True}),
        (KeyEdit(enabled=False), {"enabled": False}),
        (KeyEdit(expires_at=DAY), {}),
        (KeyEdit(set_expiry=True), {"expires_at": None}),
        (KeyEdit(expires_at=DAY + 0.1, set_expiry=True), {"expires_at": DAY + 0.1}),
        (KeyEdit(models=()), {"models": ()}),
        (KeyEdit(models=("b", "a")), {"models": ("b", "a")}),
        (KeyEdit(per_minute=0), {"per_minute": 0}),
        (
            KeyEdit(name="", enabled=True, models=("x",), per_minute=5, per_day=9),
            {"name": "", "enabled": True, "models": ("x",), "per_minute": 5, "per_day": 9},
        ),
    ],
)
def test_an_edit_changes_what_it_names(keys: Keys, edit: KeyEdit, changes: dict[str, Any]) -> None:
    first, other, last = (keys.add(replace(FULL, name=name)) for name in "abc")
    assert keys.edit([last.id, first.id, first.id, 10**6], edit) == 2
    assert keys.all() == [replace(first, **changes), other, replace(last, **changes)]


def test_deleted_ones_are_gone(keys: Keys) -> None:
    first, other, last = (keys.add(key(name)) for name in "abc")
    assert keys.delete([last.id, first.id, first.id, 10**6]) == 2
    assert keys.all() == [other]
    assert keys.delete([first.id]) == 0 == keys.delete([])
    assert keys.edit([], KeyEdit(name="x")) == 0


def test_each_change_raises_the_settings_version_and_use_does_not(store: Store) -> None:
    keys, versions = store.keys, [store.settings.version()]

    def raised() -> bool:
        versions.append(store.settings.version())
        return versions[-1] > versions[-2]

    id_ = keys.add(key()).id
    assert raised()
    keys.restore([key(id=99)])
    assert raised()
    keys.edit([id_], KeyEdit(enabled=False))
    assert raised()
    keys.take(id_, DAY)
    keys.note_used({id_: (1, DAY)})
    keys.all()
    assert not raised()
    keys.delete([id_])
    assert raised()
    store.clear()
    assert raised() and keys.all() == []


# --- Limits ---


def test_a_minute_is_the_clocks(keys: Keys) -> None:
    id_ = keys.add(key(per_minute=2)).id
    waits = [keys.take(id_, DAY + at) for at in (50, 59, 59.5, 59.75, 60, 61, 61, 119, 120)]
    assert waits == [0, 0, 0.5, 0.25, 0, 0, 59, 1, 0]
    assert (one(keys, id_).request_count, one(keys, id_).last_used_at) == (5, DAY + 120)


def test_a_day_is_utcs(keys: Keys) -> None:
    id_ = keys.add(key(per_day=2)).id
    waits = [keys.take(id_, DAY + at) for at in (-3600, -1800, -900, -0.5, 0, 1, 2)]
    assert waits == [0, 0, 900, 0.5, 0, 0, DAY_S - 2]


def test_the_longer_wait_counts(keys: Keys) -> None:
    id_ = keys.add(key(per_minute=1, per_day=2)).id
    waits = [keys.take(id_, DAY + at) for at in (0, 1, 60, 61, 120, DAY_S - 30)]
    assert waits == [0, 59, 0, DAY_S - 61, DAY_S - 120, 30]


def test_what_is_refused_counts_nowhere(keys: Keys) -> None:
    id_ = keys.add(key(per_minute=1, per_day=2)).id
    assert [bool(keys.take(id_, DAY + at)) for at in range(10)] == [False] + [True] * 9
    assert one(keys, id_).request_count == 1 and one(keys, id_).last_used_at == DAY
    assert keys.take(id_, DAY + 60) == 0.0


def test_each_key_has_limits_of_its_own_and_none_are_none(keys: Keys) -> None:
    limited, other, free = (keys.add(key(per_minute=limit)).id for limit in (1, 2, 0))
    waits = {id_: [keys.take(id_, DAY + 10) for _ in range(3)] for id_ in (limited, other, free)}
    assert waits == {limited: [0, 50, 50], other: [0, 0, 50], free: [0, 0, 0]}
    assert [one.request_count for one in keys.all()] == [1, 2, 3]


def test_a_changed_limit_holds_for_what_was_counted(keys: Keys) -> None:
    id_ = keys.add(key(per_minute=2)).id
    assert [keys.take(id_, DAY) for _ in range(3)] == [0, 0, 60]
    keys.edit([id_], KeyEdit(per_minute=3))
    assert [keys.take(id_, DAY) for _ in range(2)] == [0, 60]
    keys.edit([id_], KeyEdit(per_minute=1, per_day=3))
    assert keys.take(id_, DAY) == DAY_S
    keys.edit([id_], KeyEdit(per_minute=0, per_day=0))
    assert keys.take(id_, DAY) == 0


def test_a_key_that_is_not_there_waits_for_nothing(keys: Keys) -> None:
    id_ = keys.add(key(per_minute=1)).id
    keys.delete([id_])
    assert [keys.take(id_, DAY), keys.take(id_, DAY), keys.take(10**6, DAY)] == [0, 0, 0]
    assert keys.all() == []


TIMES = st.one_of(
    st.sampled_from([-60.0, -59.999999, -0.000001, 0.0, 0.000001, 59.999999, 60.0, 119.5, 120.0, DAY_S - 60.0]),
    st.floats(-2 * DAY_S, 2 * DAY_S),
    st.floats(-90, 90),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(2, 3, [0.0, -61.0, 61.0, -60.0, 0.0, 0.0])
@given(st.integers(0, 3), st.integers(0, 5), st.lists(TIMES, max_size=20))
def test_each_backend_has_the_rule(place: Place, per_minute: int, per_day: int, times: list[float]) -> None:
    keys = place.store.keys
    id_ = keys.add(key(per_minute=per_minute, per_day=per_day)).id
    windows, done = Windows(), []
    for at in times:
        wait_s, windows = take(windows, per_minute, per_day, DAY + at)
        assert keys.take(id_, DAY + at) == wait_s
        assert wait_s >= 0
        done += [DAY + at] if not wait_s else []
    found = one(keys, id_)
    assert (found.request_count, found.last_used_at) == (len(done), max(done, default=None))
    keys.delete([id_])


@given(st.integers(1, 3), st.lists(st.floats(0, 3 * MINUTE_S), max_size=40))
def test_no_minute_has_more_than_its_limit(per_minute: int, times: list[float]) -> None:
    windows, taken = Windows(), dict[int, int]()
    for now in sorted(DAY + at for at in times):
        wait_s, windows = take(windows, per_minute, 0, now)
        minute = int(now // MINUTE_S)
        if wait_s:
            assert taken[minute] == per_minute and now + wait_s == (minute + 1) * MINUTE_S
        else:
            taken[minute] = taken.get(minute, 0) + 1
    assert all(count <= per_minute for count in taken.values())


def test_a_clock_that_lags_gets_no_second_minute() -> None:
    windows = Windows()
    waits = []
    for at in (61, 59, 59, 61):
        wait_s, windows = take(windows, 1, 0, DAY + at)
        waits.append(wait_s)
    assert waits == [0, 61, 61, 59]


def test_a_clock_that_was_wrong_by_far_holds_up_nobody() -> None:
    _, windows = take(Windows(), 1, 1, DAY + 10 * DAY_S)
    assert take(windows, 1, 1, DAY)[0] == 0


def test_processes_never_take_more_than_the_limit(place: Place) -> None:
    id_ = place.store.keys.add(key(per_minute=50)).id
    free = place.store.keys.add(key()).id
    taken = workers.in_processes(3, workers.take_keys, place.env, [id_, free], 40, DAY)
    assert sum(one[id_] for one in taken) == 50 and sum(one[free] for one in taken) == 120
    assert [one.request_count for one in place.store.keys.all()] == [50, 120]


# --- Use of keys without limits ---


def test_uses_are_added_up(keys: Keys, place: Place) -> None:
    first, other, last = (keys.add(key(name)).id for name in "abc")
    keys.note_used({})
    keys.note_used({other: (3, DAY + 5.5), first: (1, DAY), 10**6: (9, DAY)})
    place.open().keys.note_used({other: (2**40, DAY + 1)})
    found = {one.id: (one.request_count, one.last_used_at) for one in keys.all()}
    assert found == {first: (1, DAY), other: (3 + 2**40, DAY + 5.5), last: (0, None)}


def test_processes_note_beside_each_other_and_beside_edits(place: Place) -> None:
    ids = [place.store.keys.add(key()).id for _ in range(20)]
    workers.in_processes(4, workers.note_uses, place.env, ids, 40)
    assert [one.request_count for one in place.store.keys.all()] == [4 * 40] * 20
    assert {one.last_used_at for one in place.store.keys.all()} == {DAY + 39}


def test_to_take_is_cheap(keys: Keys) -> None:
    id_ = keys.add(key(per_minute=10**6, per_day=10**6)).id
    times = []
    for number in range(200):
        began = time.perf_counter()
        keys.take(id_, DAY + number / 10)
        times.append(time.perf_counter() - began)
    typical = sorted(times)[100]
    print(f"keys.take: {typical * 1000:.2f} ms")
    assert typical < 0.1  # less than 1 ms


def test_on_mysql_no_use_waits_for_the_turn_to_write() -> None:
    with closing(mysql_place.MysqlPlace()) as place:
        keys = place.store.keys
        id_ = keys.add(key(per_minute=1)).id
        with mysql_place.server().connect(mysql_place.DATABASE) as other:
            other.begin()
            other.cursor().execute("SELECT value FROM counters WHERE name = 'writer' FOR UPDATE")
            assert [keys.take(id_, DAY) for _ in range(2)] == [0, 60]
            keys.note_used({id_: (2, DAY + 1)})
            other.rollback()
        assert one(keys, id_).request_count == 3


def test_on_redis_a_deleted_key_leaves_nothing() -> None:
    with closing(redis_place.RedisPlace()) as place:
        keys = place.store.keys
        ids = [keys.add(key()).id for _ in range(2)]
        keys.delete(ids[:1])
        place.store.clear()
        keys.take(ids[0], DAY)
        keys.note_used({ids[1]: (1, DAY)})
        keys.edit(ids, KeyEdit(name="x"))
        with redis_place.server().connect() as client:
            assert list(client.scan_iter("grok2api:client_key*")) == ["grok2api:client_key_last"]
