"""Counts of requests: what a worker keeps and adds, and what charts make of what all have added."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.errors import StorageUnavailable
from grok2api.services.usage import (
    FIRST_TOKEN_BOUNDS_S,
    PERIODS,
    UsageMeter,
    history,
    percentile,
)
from grok2api.storage.base import Usage, UsageCount

NOW = 1_700_000_123.4
HOUR = PERIODS["hour"]
DAY = PERIODS["day"]
CLASSES = len(FIRST_TOKEN_BOUNDS_S) + 1


class MemoryUsage(Usage):
    """Counts in a dict. `away`: the storage cannot be reached."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[int, int, str]] = Counter()
        self.away = False
        self.added = 0

    def add(self, counts: Sequence[UsageCount]) -> None:
        if self.away:
            raise StorageUnavailable("The storage is away.")
        self.added += 1
        for one in counts:
            self.counts[one.span_s, one.start, one.name] += one.count

    def since(self, span_s: int, start: int) -> list[UsageCount]:
        places = sorted(place for place in self.counts if place[0] == span_s and place[1] >= start)
        return [UsageCount(*place, self.counts[place]) for place in places]

    def forget_before(self, span_s: int, start: int) -> None:
        raise AssertionError("not asked for here")

    def forget_all(self) -> None:
        raise AssertionError("not asked for here")

    def walk(self, limit: int) -> Iterator[list[UsageCount]]:
        raise AssertionError("not asked for here")


class Worker:
    """A worker's meter over a storage, with a clock of its own."""

    def __init__(self, usage: MemoryUsage, now: float = NOW) -> None:
        self.now = now
        self.meter = UsageMeter(usage, lambda: self.now)


@pytest.fixture
def usage() -> MemoryUsage:
    return MemoryUsage()


def class_of(time_s: float) -> int:
    return bisect_left(FIRST_TOKEN_BOUNDS_S, time_s)


# Percentiles


@given(st.lists(st.floats(0, 120), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_percentile_is_in_the_class_of_the_time_itself(times: list[float], share: float) -> None:
    classes = [0] * CLASSES
    for time_s in times:
        classes[class_of(time_s)] += 1
    naive = sorted(times)[max(0, math.ceil(len(times) * share - 1e-9) - 1)]
    found = percentile(classes, share)
    assert found is not None
    bounds = (0.0, *FIRST_TOKEN_BOUNDS_S)
    place = class_of(naive)
    if place == len(FIRST_TOKEN_BOUNDS_S):
        assert found == FIRST_TOKEN_BOUNDS_S[-1]
    else:
        assert bounds[place] - 1e-9 <= found <= bounds[place + 1] + 1e-9


@given(
    st.lists(st.integers(0, 50), min_size=CLASSES, max_size=CLASSES), st.floats(0.01, 1), st.floats(0.01, 1)
)
def test_a_greater_share_takes_no_less_time(classes: list[int], one: float, other: float) -> None:
    low, high = percentile(classes, min(one, other)), percentile(classes, max(one, other))
    if not sum(classes):
        assert low is high is None
    else:
        assert low is not None and high is not None
        assert 0 <= low <= high + 1e-9 and high <= FIRST_TOKEN_BOUNDS_S[-1]


def test_within_a_class_times_are_taken_as_evenly_spread() -> None:
    classes = [0] * CLASSES
    classes[3] = 4  # 0.3 s to 0.5 s
    assert percentile(classes, 0.5) == pytest.approx(0.4)
    assert percentile(classes, 1.0) == pytest.approx(0.5)
    assert percentile([0] * CLASSES, 0.5) is None


# What a worker counts


def test_a_request_counts_in_every_period_by_what_became_of_it(usage: MemoryUsage) -> None:
    worker = Worker(usage)
    worker.meter.request()
    worker.meter.request(failed=True)
    worker.meter.request(gone=True, first_token_s=0.4)
    worker.meter.request(first_token_s=61.0)
    worker.meter.blocked()
    worker.meter.flush()
    for period in (HOUR, DAY):
        start = int(NOW) - int(NOW) % period.step_s
        found = {one.name: one.count for one in usage.since(period.step_s, 0)}
        assert {one.start for one in usage.since(period.step_s, 0)} == {start}
        assert found == {
            "requests": 4, "failed": 1, "gone": 1, "blocked": 1, "first_token_3": 1, "first_token_16": 1,
        }  # fmt: skip
    assert all(len(name) <= 32 and name.isascii() for _, _, name in usage.counts)


def test_what_was_added_is_not_added_again_and_nothing_is_not_added(usage: MemoryUsage) -> None:
    worker = Worker(usage)
    worker.meter.flush()
    assert usage.added == 0
    worker.meter.request()
    worker.meter.flush()
    worker.meter.flush()
    assert usage.added == 1


@given(st.lists(st.sampled_from(["request", "flush", "away", "back", "minute"]), max_size=40))
def test_while_the_storage_is_away_counts_are_kept_with_their_time(steps: list[str]) -> None:
    usage, asked = MemoryUsage(), Counter[int]()
    worker = Worker(usage)
    for step in steps:
        if step == "request":
            worker.meter.request()
            asked[int(worker.now) - int(worker.now) % 60] += 1
        elif step == "flush":
            worker.meter.flush()
        elif step == "minute":
            worker.now += 60
        else:
            usage.away = step == "away"
    usage.away = False
    worker.meter.flush()
    assert {one.start: one.count for one in usage.since(60, 0)} == dict(asked)


def test_what_nobody_will_ask_for_any_more_is_not_kept(usage: MemoryUsage) -> None:
    worker = Worker(usage)
    worker.meter.request()
    usage.away = True
    worker.now += 3 * 86400
    worker.meter.request()
    worker.meter.flush()
    usage.away = False
    worker.meter.flush()
    assert {one.start for one in usage.since(60, 0)} == {int(worker.now) - int(worker.now) % 60}


def test_stopping_adds_what_is_left(usage: MemoryUsage) -> None:
    worker = Worker(usage)
    worker.meter.start()
    worker.meter.request()
    worker.meter.stop()
    assert sum(one.count for one in usage.since(60, 0)) == 1


# What charts show


def test_a_history_has_a_point_for_every_step_and_sums_all_workers(usage: MemoryUsage) -> None:
    for minutes_ago, first_token_s in ((0, 0.05), (0, 0.05), (7, 0.4), (59, None), (60, 0.4)):
        worker = Worker(usage, NOW - minutes_ago * 60)
        worker.meter.request(failed=minutes_ago == 7, first_token_s=first_token_s)
        worker.meter.flush()
    found = history(usage, HOUR, NOW)
    last = int(NOW) - int(NOW) % 60
    assert [point.at for point in found.points] == list(range(last - 59 * 60, last + 1, 60))
    assert [point.requests for point in found.points] == [1, *[0] * 51, 1, *[0] * 6, 2]
    assert [point.failed for point in found.points] == [0] * 52 + [1] + [0] * 7
    assert found.points[0].p50_s is found.points[1].p50_s is None
    assert found.points[52].p50_s == pytest.approx(0.4)
    assert (found.total.at, found.total.requests, found.total.failed) == (found.points[0].at, 4, 1)
    assert found.total.p50_s is not None and found.total.p50_s <= 0.1


def test_an_empty_history_is_all_zeros(usage: MemoryUsage) -> None:
    for period in PERIODS.values():
        found = history(usage, period, NOW)
        assert len(found.points) == period.length_s // period.step_s
        assert {(point.requests, point.failed, point.p50_s, point.p95_s) for point in found.points} == {
            (0, 0, None, None)
        }
        assert (found.total.requests, found.blocked) == (0, 0)


def test_a_history_is_of_its_own_period(usage: MemoryUsage) -> None:
    worker = Worker(usage, NOW - 2 * 3600)
    worker.meter.request()
    worker.meter.blocked()
    worker.meter.flush()
    assert (history(usage, HOUR, NOW).total.requests, history(usage, HOUR, NOW).blocked) == (0, 0)
    assert (history(usage, DAY, NOW).total.requests, history(usage, DAY, NOW).blocked) == (1, 1)


def test_what_a_clock_ahead_has_counted_is_shown_when_its_time_has_come(usage: MemoryUsage) -> None:
    worker = Worker(usage, NOW + 120)
    worker.meter.request()
    worker.meter.flush()
    assert history(usage, HOUR, NOW).total.requests == 0
    assert history(usage, HOUR, NOW + 120).total.requests == 1


def test_counts_are_kept_longer_than_they_are_shown() -> None:
    for period in PERIODS.values():
        assert period.length_s % period.step_s == 0 and period.kept_s > period.length_s + period.step_s
