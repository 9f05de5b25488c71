"""Counts over time."""

from __future__ import annotations

import random
import time
from collections import Counter
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok2api.storage.base import Store
from grok2api.storage.oversight import Usage, UsageCount
from tests.contract import mysql_place, redis_place, workers
from tests.contract.places import Place

START = 1_700_000_040


def counted(count: int = 1, name: str = "requests", start: int = START, span_s: int = 60) -> UsageCount:
    return UsageCount(span_s, start, name, count)


def everything(usage: Usage) -> list[UsageCount]:
    return [one for page in usage.walk(1000) for one in page]


def test_what_is_added_is_there(usage: Usage) -> None:
    usage.add([counted(3)])
    assert usage.since(60, START) == [counted(3)]
    assert isinstance(usage.since(60, 0)[0], UsageCount)


def test_it_is_added_onto_what_is_there(usage: Usage, place: Place) -> None:
    usage.add([counted(3), counted(1, "errors")])
    place.open().usage.add([counted(4), counted(2**40, "tokens")])
    assert usage.since(60, START) == [counted(1, "errors"), counted(7), counted(2**40, "tokens")]


def test_the_same_count_twice_in_one_call_counts_twice(usage: Usage) -> None:
    usage.add([counted(3), counted(4)])
    assert usage.since(60, START) == [counted(7)]


def test_nothing_to_add_is_nothing(usage: Usage) -> None:
    usage.add([])
    assert everything(usage) == []


def test_names_are_told_apart_by_case_and_sorted_by_code_point(usage: Usage) -> None:
    names = ["b", "B", "a", "_", "a_b", "a.b", "z" * 32, "first_token:10", "first_token:9"]
    usage.add([counted(number + 1, name) for number, name in enumerate(names)])
    assert [one.name for one in usage.since(60, 0)] == sorted(names)
    assert [one.count for one in usage.since(60, 0)] == [names.index(name) + 1 for name in sorted(names)]


def test_those_since_then_are_of_one_span_in_order(usage: Usage) -> None:
    added = [
        counted(start + span, name, START + start * span, span)
        for span in (60, 900)
        for start in (2, 0, 1, 10)
        for name in ("b", "a")
    ]
    usage.add(added)
    expected = sorted(one for one in added if one.span_s == 900)
    assert usage.since(900, 0) == expected
    assert usage.since(900, START + 900) == [one for one in expected if one.start >= START + 900]
    assert usage.since(900, START + 901) == [one for one in expected if one.start > START + 900]
    assert usage.since(61, 0) == [] == usage.since(900, START + 10**6)


def test_what_starts_before_then_is_forgotten_of_that_span(usage: Usage) -> None:
    added = [
        counted(1, name, START + n * span, span) for span in (60, 900) for n in range(450) for name in "ab"
    ]
    usage.add(added)
    usage.forget_before(60, START + 430 * 60)
    assert everything(usage) == sorted(
        one for one in added if one.span_s == 900 or one.start >= START + 430 * 60
    )
    usage.forget_before(60, 2**40)
    usage.forget_before(61, 2**40)
    assert everything(usage) == sorted(one for one in added if one.span_s == 900)


def test_a_count_may_begin_anew_where_it_was_forgotten(usage: Usage) -> None:
    usage.add([counted(5)])
    usage.forget_before(60, START + 60)
    assert everything(usage) == []
    usage.add([counted(2)])
    assert everything(usage) == usage.since(60, 0) == [counted(2)]


def test_all_can_be_forgotten(usage: Usage) -> None:
    usage.forget_all()
    usage.add([counted(1, start=n * span, span_s=span) for span in (1, 60, 900) for n in range(150)])
    usage.forget_all()
    assert everything(usage) == []


def test_clearing_leaves_them(store: Store) -> None:
    store.usage.add([counted()])
    store.clear()
    assert everything(store.usage) == [counted()]


def test_a_walk_gives_each_once(usage: Usage) -> None:
    added = sorted(
        counted(n + 1, name, START + n * span, span)
        for span in (60, 900)
        for n in range(130)
        for name in "abc"
    )
    usage.add(random.Random(7).sample(added, len(added)))
    pages = list(usage.walk(50))
    assert [one for page in pages for one in page] == added
    assert max(map(len, pages)) <= 50


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.builds(
                lambda span_s, step, name, count: UsageCount(span_s, step * span_s, name, count),
                st.sampled_from([60, 900]), st.integers(0, 3), st.sampled_from(["a", "b"]), st.integers(1, 2**40),
            ),
            max_size=8,
        ),
        max_size=5,
    )
)  # fmt: skip
def test_any_counts_add_up(place: Place, calls: list[list[UsageCount]]) -> None:
    usage = place.store.usage
    usage.forget_all()
    sums: Counter[tuple[int, int, str]] = Counter()
    for call in calls:
        usage.add(call)
        for one in call:
            sums[one[:3]] += one.count
    assert everything(usage) == sorted(UsageCount(*where, count) for where, count in sums.items())


def test_processes_count_the_same_beside_each_other(place: Place) -> None:
    place.open()
    workers.in_processes(3, workers.count_usage, place.env, 60)
    usage = place.store.usage
    assert [one.count for one in usage.since(60, 0)] == [3 * 60] * 20
    assert [one.count for one in usage.since(900, 0)] == [3 * 60] * 20


def test_to_add_twenty_is_cheap(usage: Usage) -> None:
    counts = [counted(1, f"first_token:{number}") for number in range(20)]
    usage.add(counts)
    times = []
    for _ in range(50):
        began = time.perf_counter()
        usage.add(counts)
        times.append(time.perf_counter() - began)
    typical = sorted(times)[25]
    print(f"usage.add of 20: {typical * 1000:.2f} ms")
    assert typical < 0.1  # about 1 ms


def test_on_mysql_they_do_not_wait_for_the_turn_to_write() -> None:
    with closing(mysql_place.MysqlPlace()) as place:
        usage = place.store.usage
        with mysql_place.server().connect(mysql_place.DATABASE) as other:
            other.begin()
            other.cursor().execute("SELECT value FROM counters WHERE name = 'writer' FOR UPDATE")
            usage.add([counted()])
            usage.add([counted(), counted(start=START + 60)])
            usage.forget_before(60, START + 60)
            other.rollback()
        assert everything(usage) == [counted(start=START + 60)]


@pytest.mark.parametrize("all_", [True, False])
def test_on_redis_what_is_forgotten_leaves_no_key(all_: bool) -> None:
    with closing(redis_place.RedisPlace()) as place:
        usage = place.store.usage
        usage.add([counted(), counted(1, "errors"), counted(1, span_s=900)])
        with redis_place.server().connect() as client:
            assert len(list(client.scan_iter("grok2api:usage*"))) == 5
            if all_:
                usage.forget_all()
            else:
                usage.forget_before(60, START + 1)
                usage.forget_before(900, START + 1)
            assert list(client.scan_iter("grok2api:usage*")) == []
