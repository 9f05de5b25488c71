"""The accounts in counts, by tier: what `page`, `status_of` and a lease say of each of them."""

from __future__ import annotations

import time
from itertools import product

import pytest

from grok2api.accounts import (
    Account,
    AccountQuery,
    Outcome,
    Quota,
    Status,
    Tier,
    TierSummary,
    is_exhausted,
    status_of,
)
from grok2api.storage.base import Store
from tests.contract.dealings import NOW, account, add, chosen, disable, everyone, set_quota, use, wanting
from tests.contract.places import POOLS, Place, open_at
from tests.contract.test_page import everything

EMPTY = TierSummary(dict.fromkeys(Status, 0), 0, 0, {"default": 0, "heavy": 0}, {"default": 0, "heavy": 0})


def told(store: Store, tier: Tier, at: float) -> TierSummary:
    """What the accounts one by one come to."""
    ours = [one for one in everyone(store) if one.tier is tier]
    active = [one for one in ours if not one.disabled and one.expired_reason is None]
    remaining, unknown = dict.fromkeys(POOLS, 0), dict.fromkeys(POOLS, 0)
    for one, pool in product(active, POOLS):
        quota = one.quotas[pool]
        over = quota.window_ends_at is not None and quota.window_ends_at <= at
        if quota.remaining is None or over:
            unknown[pool] += 1
        else:
            remaining[pool] += quota.remaining
    statuses = [status_of(one, at) for one in ours]
    fit = sum(_is_fit(one, at) for one in active)
    disabled = sum(one.disabled for one in ours)
    return TierSummary({each: statuses.count(each) for each in Status}, disabled, fit, remaining, unknown)


def _is_fit(one: Account, at: float) -> bool:
    """Of one that is neither disabled nor expired."""
    quota = one.quotas["default"]
    cools = quota.cooldown_until is not None and quota.cooldown_until > at
    return not cools and not is_exhausted(quota, at)


def varied() -> list[Account]:
    """Of every combination of what a status and a quota depend on."""
    made: list[Account] = []
    times = (None, NOW - 50, NOW + 50)
    for remaining, window, cooldown, rest, kind in product((None, 0, 7), times, times, times, range(5)):
        quota = Quota(remaining, window, cooldown, None if rest is None else 3, rest)
        number = len(made)
        made.append(
            Account(
                0, f"secret-{number:04}", list(Tier)[number % 7 % 2], NOW - 1000,
                {"default": quota, "heavy": Quota(number % 4 or None, NOW + number % 3 - 1)},
                disabled=kind == 1, expired_reason="blocked" if kind in (2, 3) else None, request_count=int(kind == 4),
            )
        )  # fmt: skip
    return made


def test_without_accounts_both_tiers_and_all_pools_are_there(store: Store) -> None:
    assert store.accounts.summary(NOW) == {Tier.BASIC: EMPTY, Tier.SUPER: EMPTY}


@pytest.mark.parametrize("at", [NOW, NOW + 49, NOW + 50, NOW + 10**6])
def test_it_is_what_the_accounts_come_to(store: Store, at: float) -> None:
    store.accounts.restore(varied())
    found = store.accounts.summary(at)
    assert list(found) == list(Tier)
    for tier, summary in found.items():
        assert summary == told(store, tier, at)
        for status, count in summary.statuses.items():
            assert isinstance(status, Status)
            assert store.accounts.page(AccountQuery(status=status, tier=tier, limit=0), at)[1] == count
        assert store.accounts.page(AccountQuery(disabled=True, tier=tier, limit=0), at)[1] == summary.disabled


@pytest.mark.parametrize("at", [NOW, NOW + 100, NOW + 700, NOW + 10_000])
def test_it_is_what_the_accounts_come_to_after_they_have_served(store: Store, at: float) -> None:
    everything(store)
    assert store.accounts.summary(at) == {tier: told(store, tier, at) for tier in Tier}


@pytest.mark.parametrize("at", [NOW, NOW + 100, NOW + 700, NOW + 10_000])
def test_those_that_are_fit_can_be_leased(store: Store, at: float) -> None:
    everything(store)
    fit = sum(summary.fit for summary in store.accounts.summary(at).values())
    taken: list[int] = []
    while (id_ := chosen(store, wanting(exclude=tuple(taken)), at)) is not None:
        taken.append(id_)
    assert len(taken) == fit > 0


def test_one_that_is_in_use_is_fit_all_the_same(store: Store) -> None:
    add(store, 1)
    assert store.leases.lease(wanting(), NOW) is not None
    assert store.accounts.summary(NOW)[Tier.BASIC].fit == 1


def test_what_is_left_and_what_is_unknown_is_told_by_pool(store: Store) -> None:
    basic, super_ = add(store, 4), add(store, 2, Tier.SUPER)
    set_quota(store, basic[:3], "default", 30, now=NOW)
    set_quota(store, super_[:1], "heavy", 5, now=NOW, ends_at=NOW + 100)
    disable(store, basic[0])
    use(store, Outcome.DEAD, wanting(exclude=(basic[0], *basic[2:], *super_)))
    assert account(store, basic[1]).expired_reason is not None
    found = store.accounts.summary(NOW + 1)
    assert (found[Tier.BASIC].remaining, found[Tier.BASIC].unknown) == (
        {"default": 30, "heavy": 0},
        {"default": 1, "heavy": 2},
    )
    assert found[Tier.SUPER].remaining == {"default": 0, "heavy": 5}
    assert found[Tier.SUPER].unknown == {"default": 2, "heavy": 1}
    later = store.accounts.summary(NOW + 100)[Tier.SUPER]
    assert later.remaining["heavy"] == 0 and later.unknown["heavy"] == 2


def test_a_pool_that_another_release_knows_is_told_too(store: Store, place: Place) -> None:
    add(store, 1)
    open_at(place.env, [*POOLS, "extra"]).close()
    assert store.accounts.summary(NOW)[Tier.BASIC].unknown == {"default": 1, "heavy": 1, "extra": 1}


def test_of_ten_thousand_it_is_told_quickly(store: Store) -> None:
    accounts = varied()
    for start in range(0, 10_000, 1000):
        store.accounts.restore(
            [
                Account(
                    0, f"{start}-{n}", one.tier, one.created_at, one.quotas, one.disabled, one.expired_reason
                )
                for n, one in enumerate((accounts * 3)[:1000])
            ]
        )
    times = []
    for _ in range(5):
        began = time.perf_counter()
        found = store.accounts.summary(NOW)
        times.append(time.perf_counter() - began)
    assert sum(sum(summary.statuses.values()) for summary in found.values()) == 10_000
    print(f"summary of 10 000: {min(times) * 1000:.1f} ms")
    assert min(times) < 0.5  # some 30 ms
