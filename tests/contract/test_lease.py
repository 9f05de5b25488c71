"""Taking an account: who is fit, and which of the fit ones is best."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import pytest

from grok2api.accounts import LeaseRequest, Outcome, Tier
from grok2api.storage.base import Accounts, Store
from tests.contract.dealings import (
    ANY,
    BOTH,
    COSTLY,
    HEAVY,
    NOW,
    account,
    add,
    chosen,
    end,
    in_flight,
    take,
    use,
    wanting,
)
from tests.contract.places import Place


def test_an_empty_pool_gives_none(accounts: Accounts) -> None:
    assert accounts.lease(ANY, NOW) is None


def test_a_lease_tells_all_that_an_attempt_needs(accounts: Accounts, place: Place) -> None:
    (id_,) = add(accounts, 1, Tier.SUPER, name="mine")
    place.set_quota([id_], "heavy", 9, now=NOW)
    lease = take(accounts, replace(HEAVY, cost=4))
    assert (lease.account_id, lease.secret, lease.tier) == (id_, "mine-000000", Tier.SUPER)
    assert (lease.pool, lease.cost, lease.remaining_before) == ("heavy", 4, 9)
    assert take(accounts).remaining_before is None


# --- which tier ---


def test_the_first_tier_that_has_a_fit_account_wins(accounts: Accounts, place: Place) -> None:
    (super_,) = add(accounts, 1, Tier.SUPER)
    (basic,) = add(accounts, 1, Tier.BASIC)
    place.set_quota([basic], "default", 2, now=NOW)
    take(accounts, wanting(tiers=(Tier.BASIC,)))  # Basic is busier and poorer now, and still preferred
    assert chosen(accounts, ANY) == basic
    assert chosen(accounts, wanting(tiers=(Tier.SUPER, Tier.BASIC))) == super_


def test_the_next_tier_serves_when_the_first_has_no_fit_one(accounts: Accounts) -> None:
    (super_,) = add(accounts, 1, Tier.SUPER)
    (basic,) = add(accounts, 1, Tier.BASIC)
    use(accounts, Outcome.RATE_LIMITED, wanting(tiers=(Tier.BASIC,)))
    assert chosen(accounts) == super_
    assert chosen(accounts, wanting(exclude=(super_,))) is None
    assert chosen(accounts, at=NOW + 3600) == basic


def test_a_tier_that_is_not_asked_for_never_serves(accounts: Accounts) -> None:
    add(accounts, 3, Tier.BASIC)
    assert chosen(accounts, HEAVY) is None


# --- which account ---


def test_fewest_in_flight_comes_before_most_quota(accounts: Accounts, place: Place) -> None:
    rich, poor = add(accounts, 2)
    place.set_quota([rich], "default", 100, now=NOW)
    place.set_quota([poor], "default", 5, now=NOW)
    assert take(accounts).account_id == rich
    assert take(accounts).account_id == poor
    assert take(accounts).account_id == rich


def test_most_quota_comes_before_least_recently_used(accounts: Accounts, place: Place) -> None:
    ids = add(accounts, 3)
    for id_, remaining in zip(ids, (5, 9, 7), strict=True):
        place.set_quota([id_], "default", remaining, now=NOW)
    seen = [use(accounts, Outcome.SUCCESS, at=NOW + step) for step in range(6)]
    assert seen[:2] == [ids[1], ids[1]]  # 9, 8, then two have 7: the one longest unused
    assert seen[2:4] == [ids[2], ids[1]]


def test_unknown_quota_counts_as_full(accounts: Accounts, place: Place) -> None:
    known, unknown = add(accounts, 2)
    place.set_quota([known], "default", 1_000_000, now=NOW)
    for step in range(3):
        assert use(accounts, Outcome.SUCCESS, COSTLY, NOW + step) == unknown
    assert account(accounts, unknown).quotas["default"].remaining is None


def test_equal_accounts_take_turns(accounts: Accounts) -> None:
    ids = add(accounts, 4)
    seen = [use(accounts, Outcome.SUCCESS, at=NOW + step) for step in range(12)]
    assert sorted(seen[:4]) == ids
    assert seen[4:8] == seen[:4] and seen[8:] == seen[:4]


def test_use_in_another_pool_is_use(accounts: Accounts) -> None:
    first, second = add(accounts, 2, Tier.SUPER)
    used = use(accounts, Outcome.SUCCESS, HEAVY, NOW + 1)
    assert chosen(accounts, ANY, NOW + 2) == ({first, second} - {used}).pop()


def test_excluded_accounts_are_left_out(accounts: Accounts) -> None:
    ids = add(accounts, 4)
    tried: tuple[int, ...] = ()
    while (lease := accounts.lease(wanting(exclude=tried), NOW)) is not None:
        assert lease.account_id not in tried
        tried += (lease.account_id,)
    assert sorted(tried) == ids


def test_excluding_those_that_do_not_exist_changes_nothing(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    assert chosen(accounts, wanting(exclude=(id_ + 1, 10**9))) == id_


# --- how many at once ---


def test_an_account_at_its_limit_of_requests_in_flight_is_not_fit(accounts: Accounts) -> None:
    add(accounts, 2)
    two = wanting(max_in_flight=2)
    held = [take(accounts, two) for _ in range(4)]
    assert accounts.lease(two, NOW) is None
    assert chosen(accounts, wanting(max_in_flight=3)) is not None
    end(accounts, held[1])
    assert chosen(accounts, two) == held[1].account_id


def test_no_limit_is_no_limit(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    for _ in range(300):
        assert take(accounts).account_id == id_
    assert in_flight(accounts) == 300


def test_requests_in_flight_are_shared_by_the_pools(accounts: Accounts) -> None:
    first, second = add(accounts, 2, Tier.SUPER)
    busy = take(accounts, HEAVY).account_id
    assert take(accounts, ANY).account_id == ({first, second} - {busy}).pop()
    assert accounts.lease(wanting(max_in_flight=1), NOW) is None


def test_quota_and_cooldown_are_not_shared_by_the_pools(accounts: Accounts, place: Place) -> None:
    (id_,) = add(accounts, 1, Tier.SUPER)
    place.set_quota([id_], "heavy", 1, now=NOW)
    place.set_quota([id_], "default", 5, now=NOW)
    use(accounts, Outcome.SUCCESS, HEAVY)
    assert chosen(accounts, HEAVY) is None
    assert account(accounts, id_).quotas["default"].remaining == 5
    use(accounts, Outcome.RATE_LIMITED, ANY)
    assert chosen(accounts, ANY) is None
    assert account(accounts, id_).quotas["heavy"].cooldown_until is None


# --- what it costs ---


@pytest.mark.parametrize(("cost", "leases", "left"), [(1, 10, 0), (4, 2, 2), (3, 3, 1)])
def test_quota_is_never_overspent(
    accounts: Accounts, place: Place, cost: int, leases: int, left: int
) -> None:
    (id_,) = add(accounts, 1)
    place.set_quota([id_], "default", 10, now=NOW)
    wanted = wanting(cost=cost)
    for taken in range(leases):
        assert take(accounts, wanted).remaining_before == 10 - taken * cost
    assert accounts.lease(wanted, NOW) is None
    assert account(accounts, id_).quotas["default"].remaining == left


def test_an_account_too_poor_for_one_cost_serves_a_lower_one(accounts: Accounts, place: Place) -> None:
    (id_,) = add(accounts, 1)
    place.set_quota([id_], "default", 3, now=NOW)
    assert accounts.lease(COSTLY, NOW) is None
    assert chosen(accounts, ANY) == id_


def test_a_busy_account_that_can_pay_is_found_behind_idle_ones_that_cannot(
    accounts: Accounts, place: Place
) -> None:
    ids = add(accounts, 5)
    place.set_quota(ids, "default", 3, now=NOW)
    place.set_quota([ids[2]], "default", 8, now=NOW)
    assert take(accounts, COSTLY).account_id == ids[2]
    assert take(accounts, COSTLY).account_id == ids[2]
    assert accounts.lease(COSTLY, NOW) is None


# --- who never serves ---


def test_disabled_accounts_never_serve(accounts: Accounts, place: Place) -> None:
    disabled, other = add(accounts, 2)
    place.disable(disabled)
    assert {take(accounts).account_id for _ in range(4)} == {other}


def test_a_disabled_account_stays_out_whatever_its_last_request_brings(
    accounts: Accounts, place: Place
) -> None:
    (id_,) = add(accounts, 1)
    leases = [take(accounts) for _ in Outcome]
    place.disable(id_)
    for lease, outcome in zip(leases, Outcome, strict=True):
        end(accounts, lease, outcome)
        assert accounts.lease(ANY, NOW) is None
    assert accounts.lease(ANY, NOW + 10**6) is None
    assert account(accounts, id_).disabled


# --- at any size ---

MANY = 20_000
FEW = 10


def median_s(accounts: Accounts, wanted: LeaseRequest, start: float) -> float:
    times = []
    for step in range(60):
        began = time.perf_counter()
        lease = accounts.lease(wanted, start + step / 1000)
        times.append(time.perf_counter() - began)
        if lease is not None:
            end(accounts, lease, Outcome.ABANDONED, start + step / 1000)
    return statistics.median(times)


@pytest.mark.parametrize("crowd", ["fit", "poor", "cooling", "busy"])
def test_choosing_costs_the_same_at_any_size(store: Store, place: Place, crowd: str) -> None:
    accounts = store.accounts
    wanted = {"fit": ANY, "poor": COSTLY, "cooling": ANY, "busy": wanting(max_in_flight=1)}[crowd]

    def crowded(count: int) -> float:
        place.clear()
        ids = add(accounts, count + 2)[2:]
        if crowd == "poor":
            place.set_quota(ids, "default", 2, now=NOW)
        if crowd == "cooling":
            place.set_quota(ids, "default", 0, now=NOW, ends_at=NOW + 10**6)
        if crowd == "busy":
            place.occupy(ids)
        return median_s(accounts, wanted, NOW)

    few = crowded(FEW)
    many = crowded(MANY)
    assert many < 3 * few + 0.002, f"{few * 1e6:.0f} µs with {FEW}, {many * 1e6:.0f} µs with {MANY}"


def test_a_crowd_that_returns_at_once_is_fit_and_delays_nobody_for_long(
    accounts: Accounts, place: Place
) -> None:
    basic = add(accounts, 600)
    (super_,) = add(accounts, 1, Tier.SUPER)
    place.set_quota(basic, "default", 0, now=NOW, ends_at=NOW + 100)
    place.set_quota([super_], "default", 0, now=NOW, ends_at=NOW + 200)
    began = time.perf_counter()
    # The only one of its tier returned last: the others are not in its way.
    assert chosen(accounts, wanting(tiers=(Tier.SUPER,)), NOW + 300) == super_
    assert time.perf_counter() - began < 2
    seen = {take(accounts, wanting(max_in_flight=1, tiers=BOTH), NOW + 300).account_id for _ in range(601)}
    assert seen == {*basic, super_}
