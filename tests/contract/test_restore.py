"""Putting accounts back with all that was known of them."""

from __future__ import annotations

import time
from dataclasses import replace

from grok2api.accounts import Account, AddReport, Outcome, Quota, Tier
from grok2api.storage.base import Store
from tests.contract.dealings import (
    HEAVY,
    NOW,
    add,
    chosen,
    describe,
    disable,
    everyone,
    in_flight,
    set_quota,
    take,
    use,
    wanting,
)
from tests.contract.places import Place


def lived(store: Store) -> list[Account]:
    """Accounts that have seen something."""
    ids = add(store, 6) + add(store, 1, Tier.SUPER)
    describe(store, ids[0], "note ☂\n'\"\\", ("zebra", "Ant", "日本"))
    for id_, outcome in zip(
        ids[1:5], (Outcome.FAILED, Outcome.RATE_LIMITED, Outcome.UNAUTHORIZED, Outcome.DEAD), strict=True
    ):
        use(store, outcome, wanting(exclude=tuple(other for other in ids if other != id_)), NOW + 0.123456)
    set_quota(store, [ids[1]], "default", 0, now=NOW, ends_at=NOW + 3000)
    set_quota(store, [ids[6]], "heavy", 5, now=NOW, ends_at=NOW + 0.654321 + 50)
    disable(store, ids[5])
    take(store, wanting(exclude=tuple(ids[1:])))
    return list(everyone(store))


def at_rest(accounts: list[Account]) -> list[Account]:
    return [replace(account, in_flight=0) for account in accounts]


def test_what_is_put_back_is_what_was_there(store: Store, place: Place) -> None:
    before = lived(store)
    store.clear()
    assert store.accounts.restore(before, keep_ids=True) == AddReport(added=7)
    assert everyone(store) == at_rest(before)
    assert in_flight(store) == 0
    assert min(add(store, 1, name="next")) > max(one.id for one in before)


def test_without_their_ids_they_get_new_ones(store: Store) -> None:
    before = lived(store)
    store.accounts.delete([one.id for one in before])
    assert store.accounts.restore(before).added == 7
    after = everyone(store)
    assert [replace(one, id=0) for one in after] == [replace(one, id=0) for one in at_rest(before)]
    assert min(one.id for one in after) > max(one.id for one in before)


def test_the_rules_go_on_where_they_were(store: Store) -> None:
    before = lived(store)
    store.clear()
    store.accounts.restore(before, keep_ids=True)
    fresh, empty, cooling, refused, dead, off, super_ = (one.id for one in before)
    assert [chosen(store, at=NOW + 1) for _ in range(2)] == [fresh, refused]
    use(store, Outcome.UNAUTHORIZED, wanting(exclude=(fresh, super_)))
    use(store, Outcome.UNAUTHORIZED, wanting(exclude=(fresh, super_)))
    assert {one.id for one in everyone(store) if one.expired_reason} == {dead, refused}
    assert take(store, HEAVY).remaining_before == 5
    assert chosen(store, wanting(exclude=(fresh, super_)), NOW + 3001) == empty
    assert chosen(store, wanting(exclude=(fresh, super_, empty)), NOW + 3602) == cooling
    assert off not in {take(store, at=NOW + 10**6).account_id for _ in range(20)}


def test_a_rest_goes_on_for_the_requests_that_were_left(store: Store) -> None:
    bad, good = add(store, 2)
    use(store, Outcome.FAILED, wanting(exclude=(good,)))
    set_quota(store, [good], "default", 50, now=NOW)
    assert [chosen(store), chosen(store)] == [good, good]
    before = everyone(store)
    assert before[0].quotas["default"].rest_requests == 3
    store.clear()
    store.accounts.restore(before, keep_ids=True)
    assert [chosen(store) for _ in range(4)] == [good] * 3 + [bad]


def test_known_accounts_stay_as_they_are(store: Store) -> None:
    (known,) = add(store, 1)
    describe(store, known, "kept", ("k",))
    mine = Account(99, "basic-000000", Tier.SUPER, NOW, {"default": Quota(3)}, note="other")
    new = replace(mine, secret="new-secret", tags=("n", "n"))
    assert store.accounts.restore([mine, new, new]) == AddReport(added=1, duplicates=2)
    one, other = everyone(store)
    assert (one.tier, one.note, one.tags) == (Tier.BASIC, "kept", ("k",))
    assert (other.secret, other.tags, other.quotas["default"].remaining) == ("new-secret", ("n",), 3)


def test_nothing_put_back_is_nothing(store: Store) -> None:
    assert store.accounts.restore([]) == AddReport()


def test_thousands_are_put_back_at_once(store: Store) -> None:
    one = Account(0, "", Tier.BASIC, NOW, {"default": Quota(7, NOW + 100)}, tags=("a", "b"), note="n")
    many = [replace(one, id=number + 1, secret=f"secret-{number:06}") for number in range(5000)]
    began = time.perf_counter()
    assert store.accounts.restore(many, keep_ids=True).added == 5000
    assert time.perf_counter() - began < 10
    assert len(everyone(store)) == 5000
