"""Waiting for a storage that does not answer: not for long, and nothing is lost by it."""

from __future__ import annotations

from pathlib import Path

import gevent
import pytest
from gevent.event import Event

from grok2api import logs
from grok2api.accounts import Check, Finding, Lease, LeaseRequest, Outcome, Settlement, Shortage, Tier
from grok2api.catalogue import load_catalogue
from grok2api.errors import StorageUnavailable
from grok2api.services import pool as pool_module
from grok2api.services.metrics import Metrics
from grok2api.services.patience import within
from grok2api.services.pool import AccountPool
from grok2api.storage.base import Leases


def test_what_comes_in_time_is_given_and_what_is_raised_is_raised() -> None:
    logs.request_id.set("asked")
    assert within(5, lambda: logs.request_id.get()) == "asked"
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_what_comes_too_late_is_handed_over() -> None:
    gate, late = Event(), list[bool]()
    with pytest.raises(StorageUnavailable):
        within(0.01, gate.wait, too_late=late.append)
    assert late == []
    gate.set()
    gevent.idle()
    assert late == [True]


class HangingLeases(Leases):
    """A storage that answers when `gate` is set, or then finds that it cannot be reached."""

    def __init__(self) -> None:
        self.gate = Event()
        self.away = False
        self.asked = 0
        self.settled: list[str] = []
        self.charged: list[int] = []
        self.never: set[str] = set()

    def lease(self, wanted: LeaseRequest, now: float) -> Lease | None:
        self.asked += 1
        self._answer()
        return Lease(f"lease {self.asked}", 1, "a-secret", Tier.BASIC, wanted.pool, wanted.cost, None)

    def settle(self, lease: Lease, settlement: Settlement, now: float) -> None:
        self._answer()
        if lease.id in self.never:
            raise StorageUnavailable("Out of range.")
        self.settled.append(lease.id)
        self.charged.append(settlement.used)

    def renew(self, lease_ids: object, now: float) -> None:
        self._answer()

    def heal(self, now: float) -> None:
        raise AssertionError

    def shortage(self, wanted: LeaseRequest, now: float) -> Shortage:
        raise AssertionError

    def begin_check(self, account_id: int, now: float, unless_since: float) -> Check | None:
        raise AssertionError

    def end_check(self, check: Check, finding: Finding, now: float) -> None:
        raise AssertionError

    def _answer(self) -> None:
        self.gate.wait()
        if self.away:
            raise StorageUnavailable("The storage is away.")


@pytest.fixture
def leases(monkeypatch: pytest.MonkeyPatch) -> HangingLeases:
    for name, seconds in {
        "PATIENCE_S": 0.05,
        "SETTLE_S": 0.05,
        "RETRY_S": 0.05,
        "LEASE_RENEWAL_S": 0.1,
    }.items():
        monkeypatch.setattr(pool_module, name, seconds)
    return HangingLeases()


CATALOGUE = load_catalogue(Path("nowhere"))
MODEL = CATALOGUE.get("grok-4.1")
METRICS = Metrics(CATALOGUE)


def test_a_lease_that_comes_too_late_is_given_back(leases: HangingLeases) -> None:
    pool = AccountPool(leases, METRICS)
    with pytest.raises(StorageUnavailable):
        pool.lease(MODEL, tried=(), max_in_flight=0)
    leases.gate.set()
    gevent.sleep(0.05)
    assert leases.settled == ["lease 1"] and pool.open_leases == 0
    assert leases.charged == [0], "upstream was never asked"


def test_while_one_is_overdue_nobody_else_stands_in_line(leases: HangingLeases) -> None:
    pool = AccountPool(leases, METRICS)
    for _ in range(5):
        with pytest.raises(StorageUnavailable):
            pool.lease(MODEL, tried=(), max_in_flight=0)
    assert leases.asked == 1
    leases.gate.set()
    gevent.sleep(0.05)
    assert pool.lease(MODEL, tried=(), max_in_flight=0).id == "lease 2"


def test_an_outcome_that_failed_after_long_is_stored_although_nothing_else_is_open(
    leases: HangingLeases,
) -> None:
    leases.gate.set()
    pool = AccountPool(leases, METRICS)
    lease = pool.lease(MODEL, tried=(), max_in_flight=0)
    leases.gate.clear()
    pool.settle(lease, Outcome.SUCCESS)
    gevent.sleep(0.2)  # longer than the renewer sleeps
    assert leases.settled == []
    leases.away = True
    leases.gate.set()
    gevent.sleep(0.02)
    leases.away = False
    with gevent.Timeout(5):
        while leases.settled != ["lease 1"]:
            gevent.sleep(0.02)


def test_an_outcome_that_can_never_be_stored_holds_up_no_other(leases: HangingLeases) -> None:
    leases.gate.set()
    leases.never = {"lease 1"}
    pool = AccountPool(leases, METRICS)
    first, *others = [pool.lease(MODEL, tried=(), max_in_flight=0) for _ in range(4)]
    pool.settle(first, Outcome.FAILED)
    leases.away = True
    for lease in others:
        pool.settle(lease, Outcome.SUCCESS)
    leases.away = False
    with gevent.Timeout(5):
        while sorted(leases.settled) != [lease.id for lease in others]:
            gevent.sleep(0.02)
    leases.never = set()
    with gevent.Timeout(5):
        while "lease 1" not in leases.settled:
            gevent.sleep(0.02)
