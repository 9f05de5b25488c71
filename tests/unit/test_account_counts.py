"""Counts of the accounts that are asked for often: read seldom, by one at a time, never waited for too long."""

from __future__ import annotations

import time
from typing import cast

import gevent
import pytest
from gevent.event import Event

from grok2api.accounts import Status, Tier, TierSummary
from grok2api.errors import StorageUnavailable
from grok2api.services.account_counts import FRESH_S, AccountCounts, Counts
from grok2api.storage.base import Accounts


class CountingStorage:
    """Answers when `gate` is set; each answer has one account more."""

    def __init__(self) -> None:
        self.gate = Event()
        self.gate.set()
        self.asked = 0
        self.away = False

    def summary(self, now: float) -> Counts:
        self.asked += 1
        number = self.asked
        self.gate.wait()
        if self.away:
            raise StorageUnavailable("It is away.")
        return {
            Tier.BASIC: TierSummary(dict.fromkeys(Status, 0) | {Status.ACTIVE: number}, 0, number, {}, {})
        }


class Clocked:
    def __init__(self) -> None:
        self.storage = CountingStorage()
        self.now = 1000.0
        self.counts = AccountCounts(cast(Accounts, self.storage), time.time, lambda: self.now)

    def get(self, wait_s: float = 5.0) -> int:
        return self.counts.get(wait_s)[Tier.BASIC].fit


@pytest.fixture
def clocked() -> Clocked:
    return Clocked()


def test_the_storage_is_asked_once_in_a_while(clocked: Clocked) -> None:
    assert [clocked.get() for _ in range(100)] == [1] * 100
    clocked.now += FRESH_S - 0.1
    assert clocked.get() == 1
    clocked.now += 0.1
    assert clocked.get() == 2 and clocked.storage.asked == 2


def test_many_at_once_wait_for_one_reading(clocked: Clocked) -> None:
    clocked.storage.gate.clear()
    asking = [gevent.spawn(clocked.get) for _ in range(20)]
    gevent.sleep(0.01)
    clocked.storage.gate.set()
    gevent.joinall(asking, timeout=5, raise_error=True)
    assert [one.value for one in asking] == [1] * 20 and clocked.storage.asked == 1


def test_a_storage_that_hangs_is_not_waited_for_nor_asked_again_meanwhile(clocked: Clocked) -> None:
    clocked.storage.gate.clear()
    for _ in range(5):
        with pytest.raises(StorageUnavailable):
            clocked.get(0.01)
    assert clocked.storage.asked == 1
    clocked.storage.gate.set()
    gevent.idle()
    assert clocked.get(0.0) == 1 and clocked.storage.asked == 1


def test_one_that_is_away_is_asked_again_the_next_time(clocked: Clocked) -> None:
    clocked.get()
    clocked.now += FRESH_S
    clocked.storage.away = True
    for asked in (2, 3):
        with pytest.raises(StorageUnavailable, match="It is away"):
            clocked.get()
        assert clocked.storage.asked == asked
    clocked.storage.away = False
    assert clocked.get() == 4
