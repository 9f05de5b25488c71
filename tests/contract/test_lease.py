"""Taking an account: who is fit, and which of the fit ones is best."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import pytest

from grok2api.accounts import Account, LeaseRequest, Outcome, Quota, Tier
from grok2api.storage.base import Store
from tests.contract.dealings import (
    ANY,
    BOTH,
    COSTLY,
    HEAVY,
    NOW,
    account,
    add,
    chosen,
    disable,
    end,
    in_flight,
    set_quota,
    take,
    use,
    wanting,
)
from tests.contract.places import Place


def test_an_empty_pool_gives_none(store: Store) -> None:
    assert store.leases.lease(ANY, NOW) is None


def test_a_lease_tells_all_that_an_attempt_needs(store: Store, place: Place) -> None:
    (id_,) = add(store, 1, Tier.SUPER, name="mine")
    set_quota(store, [id_], "heavy", 9, now=NOW)
    lease = take(store, replace(HEAVY, cost=4))
    assert (lease.account_id, lease.secret, lease.tier) == (id_, "mine-000000", Tier.SUPER)
    assert (lease.pool, lease.cost, lease.remaining_before) == ("heavy", 4, 9)
    assert take(store).remaining_before is None


# --- which tier ---


def test_the_first_tier_that_has_a_fit_account_wins(store: Store, place: Place) -> None:
    (super_,) = add(store, 1, Tier.SUPER)
    (basic,) = add(store, 1, Tier.BASIC)
    set_quota(store, [basic], "default", 2, now=NOW)
    take(store, wanting(tiers=(Tier.BASIC,)))  # Basic is busier and poorer now, and still preferred
    assert chosen(store, ANY) == basic
    assert chosen(store, wanting(tiers=(Tier.SUPER, Tier.BASIC))) == super_


def test_the_next_tier_serves_when_the_first_has_no_fit_one(store: Store) -> None:
    (super_,) = add(store, 1, Tier.SUPER)
    (basic,) = add(store, 1, Tier.BASIC)
    use(store, Outcome.RATE_LIMITED, wanting(tiers=(Tier.BASIC,)))
    assert chosen(store) == super_
    assert chosen(store, wanting(exclude=(super_,))) is None
    assert chosen(store, at=NOW + 3600) == basic


def test_a_tier_that_is_not_asked_for_never_serves(store: Store) -> None:
    add(store, 3, Tier.BASIC)
    assert chosen(store, HEAVY) is None


# --- which account ---


def test_fewest_in_flight_comes_before_most_quota(store: Store, place: Place) -> None:
    rich, poor = add(store, 2)
    set_quota(store, [rich], "default", 100, now=NOW)
    set_quota(store, [poor], "default", 5, now=NOW)
    assert take(store).account_id == rich
    assert take(store).account_id == poor
    assert take(store).account_id == rich


def test_most_quota_comes_before_least_recently_used(store: Store, place: Place) -> None:
    ids = add(store, 3)
    for id_, remaining in zip(ids, (5, 9, 7), strict=True):
        set_quota(store, [id_], "default", remaining, now=NOW)
    seen = [use(store, Outcome.SUCCESS, at=NOW + step) for step in range(6)]
    assert seen[:2] == [ids[1], ids[1]]  # 9, 8, then two have 7: the one longest unused
    assert seen[2:4] == [ids[2], ids[1]]


def test_unknown_quota_counts_as_full(store: Store, place: Place) -> None:
    known, unknown = add(store, 2)
    set_quota(store, [known], "default", 1_000_000, now=NOW)
    for step in range(3):
        assert use(store, Outcome.SUCCESS, COSTLY, NOW + step) == unknown
    assert account(store, unknown).quotas["default"].remaining is None


def test_equal_accounts_take_turns(store: Store) -> None:
    ids = add(store, 4)
    seen = [use(store, Outcome.SUCCESS, at=NOW + step) for step in range(12)]
    assert sorted(seen[:4]) == ids
    assert seen[4:8] == seen[:4] and seen[8:] == seen[:4]


def test_use_in_another_pool_is_use(store: Store) -> None:
    first, second = add(store, 2, Tier.SUPER)
    used = use(store, Outcome.SUCCESS, HEAVY, NOW + 1)
    assert chosen(store, ANY, NOW + 2) == ({first, second} - {used}).pop()


def test_excluded_accounts_are_left_out(store: Store) -> None:
    ids = add(store, 4)
    tried: tuple[int, ...] = ()
    while (lease := store.leases.lease(wanting(exclude=tried), NOW)) is not None:
        assert lease.account_id not in tried
        tried += (lease.account_id,)
    assert sorted(tried) == ids


def test_excluding_those_that_do_not_exist_changes_nothing(store: Store) -> None:
    (id_,) = add(store, 1)
    assert chosen(store, wanting(exclude=(id_ + 1, 10**9))) == id_


# --- how many at once ---


def test_an_account_at_its_limit_of_requests_in_flight_is_not_fit(store: Store) -> None:
    add(store, 2)
    two = wanting(max_in_flight=2)
    held = [take(store, two) for _ in range(4)]
    assert store.leases.lease(two, NOW) is None
    assert chosen(store, wanting(max_in_flight=3)) is not None
    end(store, held[1])
    assert chosen(store, two) == held[1].account_id


def test_no_limit_is_no_limit(store: Store) -> None:
    (id_,) = add(store, 1)
    for _ in range(300):
        assert take(store).account_id == id_
    assert in_flight(store) == 300


def test_requests_in_flight_are_shared_by_the_pools(store: Store) -> None:
    first, second = add(store, 2, Tier.SUPER)
    busy = take(store, HEAVY).account_id
    assert take(store, ANY).account_id == ({first, second} - {busy}).pop()
    assert store.leases.lease(wanting(max_in_flight=1), NOW) is None


def test_quota_and_cooldown_are_not_shared_by_the_pools(store: Store, place: Place) -> None:
    (id_,) = add(store, 1, Tier.SUPER)
    set_quota(store, [id_], "heavy", 1, now=NOW)
    set_quota(store, [id_], "default", 5, now=NOW)
    use(store, Outcome.SUCCESS, HEAVY)
    assert chosen(store, HEAVY) is None
    assert account(store, id_).quotas["default"].remaining == 5
    use(store, Outcome.RATE_LIMITED, ANY)
    assert chosen(store, ANY) is None
    assert account(store, id_).quotas["heavy"].cooldown_until is None


# --- what it costs ---


@pytest.mark.parametrize(("cost", "leases", "left"), [(1, 10, 0), (4, 2, 2), (3, 3, 1)])
def test_quota_is_never_overspent(store: Store, place: Place, cost: int, leases: int, left: int) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 10, now=NOW)
    wanted = wanting(cost=cost)
    for taken in range(leases):
        assert take(store, wanted).remaining_before == 10 - taken * cost
    assert store.leases.lease(wanted, NOW) is None
    assert account(store, id_).quotas["default"].remaining == left


def test_an_account_too_poor_for_one_cost_serves_a_lower_one(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 3, now=NOW)
    assert store.leases.lease(COSTLY, NOW) is None
    assert chosen(store, ANY) == id_


def test_a_busy_account_that_can_pay_is_found_behind_idle_ones_that_cannot(
    store: Store, place: Place
) -> None:
    ids = add(store, 5)
    set_quota(store, ids, "default", 3, now=NOW)
    set_quota(store, [ids[2]], "default", 8, now=NOW)
    assert take(store, COSTLY).account_id == ids[2]
    assert take(store, COSTLY).account_id == ids[2]
    assert store.leases.lease(COSTLY, NOW) is None


# --- who never serves ---


def test_disabled_accounts_never_serve(store: Store, place: Place) -> None:
    disabled, other = add(store, 2)
    disable(store, disabled)
    assert {take(store).account_id for _ in range(4)} == {other}


def test_a_disabled_account_stays_out_whatever_its_last_request_brings(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    leases = [take(store) for _ in Outcome]
    disable(store, id_)
    for lease, outcome in zip(leases, Outcome, strict=True):
        end(store, lease, outcome)
        assert store.leases.lease(ANY, NOW) is None
    assert store.leases.lease(ANY, NOW + 10**6) is None
    assert account(store, id_).disabled


# --- at any size ---

FEW = 10


def median_s(store: Store, wanted: LeaseRequest, start: float) -> float:
    times = []
    for step in range(60):
        began = time.perf_counter()
        lease = store.leases.lease(wanted, start + step / 1000)
        times.append(time.perf_counter() - began)
        if lease is not None:
            end(store, lease, Outcome.ABANDONED, start + step / 1000)
    return statistics.median(times)


@pytest.mark.parametrize("crowd", ["fit", "poor", "cooling", "busy"])
def test_choosing_costs_the_same_at_any_size(store: Store, place: Place, crowd: str, full: bool) -> None:
    many_ = 20_000 if full else 6000
    wanted = {"fit": ANY, "poor": COSTLY, "cooling": ANY, "busy": wanting(max_in_flight=1)}[crowd]

    def crowded(count: int) -> float:
        place.clear()
        quota = {"poor": Quota(2), "cooling": Quota(0, NOW + 10**6)}.get(crowd, Quota())
        one = Account(0, "", Tier.BASIC, NOW, {"default": quota})
        store.accounts.restore([replace(one, secret=f"secret-{number:06}") for number in range(count)])
        if crowd == "busy":
            for _ in range(count):
                take(store, wanted)
        add(store, 2)
        return median_s(store, wanted, NOW)

    few = crowded(FEW)
    many = crowded(many_ if crowd != "busy" else many_ // 10)
    assert many < 3 * few + 0.002, f"{few * 1e6:.0f} µs with {FEW}, {many * 1e6:.0f} µs with {many_}"


def test_a_crowd_that_returns_at_once_is_fit_and_delays_nobody_for_long(store: Store, place: Place) -> None:
    basic = add(store, 600)
    (super_,) = add(store, 1, Tier.SUPER)
    set_quota(store, basic, "default", 0, now=NOW, ends_at=NOW + 100)
    set_quota(store, [super_], "default", 0, now=NOW, ends_at=NOW + 200)
    began = time.perf_counter()
    # The only one of its tier returned last: the others are not in its way.
    assert chosen(store, wanting(tiers=(Tier.SUPER,)), NOW + 300) == super_
    assert time.perf_counter() - began < 2
    seen = {take(store, wanting(max_in_flight=1, tiers=BOTH), NOW + 300).account_id for _ in range(601)}
    assert seen == {*basic, super_}
