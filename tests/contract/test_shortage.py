"""Why no account is fit."""

from __future__ import annotations

from grok2api.accounts import Outcome, Shortage, Tier
from grok2api.storage.base import Accounts
from tests.contract.dealings import ANY, COSTLY, HEAVY, NOW, add, take, use, wanting
from tests.contract.places import Place

BASIC = wanting(tiers=(Tier.BASIC,))


def test_an_empty_pool_is_hopeless(accounts: Accounts) -> None:
    shortage = accounts.shortage(ANY, NOW)
    assert shortage == Shortage()
    assert shortage.hopeless


def test_every_account_is_counted_once_under_its_reason(accounts: Accounts, place: Place) -> None:
    cooling, empty, poor, expired, off, busy, tried = add(accounts, 7)
    add(accounts, 2, Tier.SUPER)

    def only(id_: int) -> tuple[int, ...]:
        return tuple({cooling, empty, poor, expired, off, busy, tried} - {id_})

    def on(id_: int, outcome: Outcome) -> None:
        assert use(accounts, outcome, wanting(tiers=(Tier.BASIC,), exclude=only(id_))) == id_

    on(cooling, Outcome.RATE_LIMITED)
    on(expired, Outcome.DEAD)
    place.set_quota([empty], "default", 0, now=NOW, ends_at=NOW + 5000)
    place.set_quota([poor], "default", 3, now=NOW)
    place.disable(off)
    for id_ in (busy, tried):
        take(accounts, wanting(tiers=(Tier.BASIC,), exclude=only(id_)))
    wanted = wanting(tiers=(Tier.BASIC,), cost=4, exclude=(tried,), max_in_flight=1)
    assert accounts.lease(wanted, NOW) is None
    shortage = accounts.shortage(wanted, NOW)
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


def test_it_says_when_the_first_one_returns(accounts: Accounts, place: Place) -> None:
    first, second = add(accounts, 2)
    place.set_quota([first], "default", 0, now=NOW, ends_at=NOW + 900)
    place.set_quota([second], "default", 0, now=NOW, ends_at=NOW + 800)
    shortage = accounts.shortage(ANY, NOW)
    assert (shortage.exhausted, shortage.returns_at) == (2, NOW + 800)


def test_nobody_returns_when_all_are_expired_or_disabled(accounts: Accounts, place: Place) -> None:
    add(accounts, 2)
    place.disable(use(accounts, Outcome.RATE_LIMITED))
    use(accounts, Outcome.DEAD)
    shortage = accounts.shortage(ANY, NOW)
    assert shortage == Shortage(total=2, disabled=1, expired=1)
    assert shortage.hopeless


def test_an_account_of_another_tier_is_of_no_use_whatever_its_state(accounts: Accounts) -> None:
    add(accounts, 2)
    use(accounts, Outcome.RATE_LIMITED, BASIC)
    assert accounts.shortage(HEAVY, NOW) == Shortage(total=2, wrong_tier=2)


def test_a_tried_account_that_cools_is_counted_as_cooling(accounts: Accounts) -> None:
    add(accounts, 1)
    tried = use(accounts, Outcome.CAPACITY)
    shortage = accounts.shortage(wanting(exclude=(tried,)), NOW)
    assert shortage == Shortage(total=1, cooling=1, returns_at=NOW + 10)


def test_a_quota_below_the_cost_counts_as_exhausted(accounts: Accounts, place: Place) -> None:
    ids = add(accounts, 1)
    place.set_quota(ids, "default", 3, now=NOW)
    assert accounts.shortage(COSTLY, NOW).exhausted == 1
    assert accounts.shortage(COSTLY, NOW).describe().endswith("(of 1: 1 out of quota).")


def test_asking_changes_nothing(accounts: Accounts) -> None:
    add(accounts, 2)
    use(accounts, Outcome.FAILED)
    before = accounts.page(0, 10)
    accounts.shortage(ANY, NOW + 10**6)
    assert accounts.page(0, 10) == before
