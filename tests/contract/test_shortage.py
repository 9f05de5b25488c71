"""Why no account is fit."""

from __future__ import annotations

from grok2api.accounts import Outcome, Shortage, Tier
from grok2api.storage.base import Store
from tests.contract.dealings import ANY, COSTLY, HEAVY, NOW, add, disable, set_quota, take, use, wanting
from tests.contract.places import Place

BASIC = wanting(tiers=(Tier.BASIC,))


def test_an_empty_pool_is_hopeless(store: Store) -> None:
    shortage = store.leases.shortage(ANY, NOW)
    assert shortage == Shortage()
    assert shortage.hopeless


def test_every_account_is_counted_once_under_its_reason(store: Store, place: Place) -> None:
    cooling, empty, poor, expired, off, busy, tried = add(store, 7)
    add(store, 2, Tier.SUPER)

    def only(id_: int) -> tuple[int, ...]:
        return tuple({cooling, empty, poor, expired, off, busy, tried} - {id_})

    def on(id_: int, outcome: Outcome) -> None:
        assert use(store, outcome, wanting(tiers=(Tier.BASIC,), exclude=only(id_))) == id_

    on(cooling, Outcome.RATE_LIMITED)
    on(expired, Outcome.DEAD)
    set_quota(store, [empty], "default", 0, now=NOW, ends_at=NOW + 5000)
    set_quota(store, [poor], "default", 3, now=NOW)
    disable(store, off)
    for id_ in (busy, tried):
        take(store, wanting(tiers=(Tier.BASIC,), exclude=only(id_)))
    wanted = wanting(tiers=(Tier.BASIC,), cost=4, exclude=(tried,), max_in_flight=1)
    assert store.leases.lease(wanted, NOW) is None
    shortage = store.leases.shortage(wanted, NOW)
    assert shortage == Shortage(
        total=9,
        cooling=1,
        exhausted=2,
        expired=1,
        disabled=1,
        wrong_tier=2,
        busy=1,
        tried=1,
        returns_at=NOW + 3600,
    )
    assert not shortage.hopeless
    counts = [value for name, value in vars(shortage).items() if name not in ("total", "returns_at")]
    assert sum(counts) == shortage.total
    assert all(type(value) is int for value in counts)


def test_it_says_when_the_first_one_returns(store: Store, place: Place) -> None:
    first, second = add(store, 2)
    set_quota(store, [first], "default", 0, now=NOW, ends_at=NOW + 900)
    set_quota(store, [second], "default", 0, now=NOW, ends_at=NOW + 800)
    shortage = store.leases.shortage(ANY, NOW)
    assert (shortage.exhausted, shortage.returns_at) == (2, NOW + 800)


def test_nobody_returns_when_all_are_expired_or_disabled(store: Store, place: Place) -> None:
    add(store, 2)
    disable(store, use(store, Outcome.RATE_LIMITED))
    use(store, Outcome.DEAD)
    shortage = store.leases.shortage(ANY, NOW)
    assert shortage == Shortage(total=2, disabled=1, expired=1)
    assert shortage.hopeless


def test_an_account_of_another_tier_is_of_no_use_whatever_its_state(store: Store) -> None:
    add(store, 2)
    use(store, Outcome.RATE_LIMITED, BASIC)
    assert store.leases.shortage(HEAVY, NOW) == Shortage(total=2, wrong_tier=2)


def test_a_tried_account_that_cools_is_counted_as_cooling(store: Store) -> None:
    add(store, 1)
    tried = use(store, Outcome.CAPACITY)
    shortage = store.leases.shortage(wanting(exclude=(tried,)), NOW)
    assert shortage == Shortage(total=1, cooling=1, returns_at=NOW + 10)


def test_a_quota_below_the_cost_counts_as_exhausted(store: Store, place: Place) -> None:
    ids = add(store, 1)
    set_quota(store, ids, "default", 3, now=NOW)
    assert store.leases.shortage(COSTLY, NOW).exhausted == 1
    assert store.leases.shortage(COSTLY, NOW).describe().endswith("(of 1: 1 out of quota).")


def test_asking_changes_nothing(store: Store) -> None:
    add(store, 2)
    use(store, Outcome.FAILED)
    before = store.accounts.walk(0, 10)
    store.leases.shortage(ANY, NOW + 10**6)
    assert store.accounts.walk(0, 10) == before
