"""What the operator does with accounts: tags, notes, disabling, lifting, moving, deleting, finding."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from grok2api.accounts import AccountEdit, Outcome, Tier
from grok2api.storage.base import Store
from tests.contract.dealings import (
    ANY,
    NOW,
    account,
    add,
    chosen,
    describe,
    disable,
    end,
    everyone,
    in_flight,
    set_quota,
    take,
    use,
    wanting,
)
from tests.contract.places import Place

MANY = 3000


def test_an_edit_changes_what_it_names_and_nothing_else(store: Store) -> None:
    one, other = add(store, 2)
    describe(store, one, "first", ("a", "b"))
    assert store.accounts.edit([one, other], AccountEdit(note="both"), NOW) == 2
    assert store.accounts.edit([one], AccountEdit(tags=("c", "a", "c")), NOW) == 1
    assert (account(store, one).note, account(store, one).tags) == ("both", ("a", "c"))
    assert (account(store, other).note, account(store, other).tags) == ("both", ())
    assert store.accounts.edit([one], AccountEdit(), NOW) == 1
    assert account(store, one).tags == ("a", "c")


def test_tags_are_added_and_removed_and_the_others_stay(store: Store) -> None:
    one, other, bare = add(store, 3)
    describe(store, one, "first", ("a", "b/c", "日本"))
    describe(store, other, "", ("b/c",))
    assert store.accounts.edit([one, other, bare], AccountEdit(add_tags=("new", "b/c", "new", "é")), NOW) == 3
    assert [account(store, id_).tags for id_ in (one, other, bare)] == [
        ("a", "b/c", "new", "é", "日本"),
        ("b/c", "new", "é"),
        ("b/c", "new", "é"),
    ]
    assert store.accounts.tags() == ["a", "b/c", "new", "é", "日本"]
    assert (
        store.accounts.edit([one, bare, bare + 7], AccountEdit(remove_tags=("b/c", "new", "é", "x")), NOW)
        == 2
    )
    assert [account(store, id_).tags for id_ in (one, other, bare)] == [
        ("a", "日本"),
        ("b/c", "new", "é"),
        (),
    ]
    assert store.accounts.edit([other], AccountEdit(remove_tags=("new",), add_tags=("z",)), NOW) == 1
    assert account(store, other).tags == ("b/c", "z", "é")
    assert store.accounts.tags() == ["a", "b/c", "z", "é", "日本"]
    assert account(store, one).note == "first"


def test_tags_that_several_add_at_once_are_all_there(store: Store) -> None:
    ids = add(store, 5)
    names = [f"tag{number}" for number in range(8)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(lambda name: store.accounts.edit(ids, AccountEdit(add_tags=(name,)), NOW), names))
    assert {account(store, id_).tags for id_ in ids} == {tuple(names)}
    assert store.accounts.tags() == names


def test_ids_that_are_not_there_are_not_counted(store: Store) -> None:
    (one,) = add(store, 1)
    assert store.accounts.edit([one, one, one + 7], AccountEdit(note="x", tags=("t",)), NOW) == 1
    assert store.accounts.edit([], AccountEdit(note="x"), NOW) == 0
    assert store.accounts.delete([one + 7]) == 0
    assert store.accounts.tags() == ["t"]


def test_tags_are_listed_once_in_order_and_go_with_their_accounts(store: Store) -> None:
    one, other = add(store, 2)
    assert store.accounts.tags() == []
    describe(store, one, "", ("zebra", "Ant", "ant", "日本"))
    describe(store, other, "", ("ant",))
    assert store.accounts.tags() == ["Ant", "ant", "zebra", "日本"]
    store.accounts.edit([one], AccountEdit(tags=()), NOW)
    assert store.accounts.tags() == ["ant"]
    store.accounts.delete([other])
    assert store.accounts.tags() == []


def test_a_disabled_account_serves_again_when_enabled_as_it_was(store: Store) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 5, now=NOW)
    disable(store, id_)
    assert chosen(store) is None
    store.accounts.edit([id_], AccountEdit(disabled=False), NOW)
    assert take(store).remaining_before == 5


def test_enabling_ends_no_cooldown_and_no_expiry(store: Store) -> None:
    cooling, dead = add(store, 2)
    use(store, Outcome.RATE_LIMITED, wanting(exclude=(dead,)))
    use(store, Outcome.DEAD, wanting(exclude=(cooling,)))
    disable(store, cooling, dead)
    store.accounts.edit([cooling, dead], AccountEdit(disabled=False), NOW)
    assert chosen(store) is None
    assert chosen(store, at=NOW + 3601) == cooling


@pytest.mark.parametrize("outcome", [Outcome.RATE_LIMITED, Outcome.CAPACITY, Outcome.FAILED])
def test_the_operator_can_lift_any_cooldown(store: Store, outcome: Outcome) -> None:
    first, second = add(store, 2)
    set_quota(store, [first, second], "default", 9, now=NOW)
    hit = use(store, outcome)
    other = second if hit == first else first
    assert store.accounts.edit([hit], AccountEdit(lift=True), NOW) == 1
    shown = account(store, hit)
    assert (shown.failed_count, shown.strikes, shown.quotas["default"].cooldown_until) == (0, 0, None)
    assert not shown.quotas["default"].resting
    assert chosen(store, wanting(exclude=(other,))) == hit


def test_lifting_lets_an_exhausted_account_try_again(store: Store) -> None:
    (id_,) = add(store, 1)
    use(store, Outcome.RATE_LIMITED, exhausted=True)
    store.accounts.edit([id_], AccountEdit(lift=True), NOW)
    assert take(store).remaining_before is None


def test_lifting_brings_no_dead_or_disabled_account_back(store: Store) -> None:
    dead, off = add(store, 2)
    use(store, Outcome.DEAD, wanting(exclude=(off,)))
    disable(store, off)
    store.accounts.edit([dead, off], AccountEdit(lift=True), NOW)
    assert chosen(store) is None


def test_moving_to_the_other_tier_keeps_everything(store: Store) -> None:
    (id_,) = add(store, 1)
    describe(store, id_, "mine", ("t",))
    set_quota(store, [id_], "default", 4, now=NOW)
    store.accounts.edit([id_], AccountEdit(tier=Tier.SUPER), NOW)
    shown = account(store, id_)
    assert (shown.tier, shown.note, shown.tags) == (Tier.SUPER, "mine", ("t",))
    lease = take(store, wanting(tiers=(Tier.SUPER,)))
    assert (lease.tier, lease.remaining_before) == (Tier.SUPER, 4)
    assert chosen(store, wanting(tiers=(Tier.BASIC,))) is None


def test_a_deleted_account_is_gone_with_its_leases_and_its_id(store: Store) -> None:
    one, other = add(store, 2)
    lease = take(store, wanting(exclude=(other,)))
    assert store.accounts.delete([one, one]) == 1
    assert [shown.id for shown in everyone(store)] == [other]
    end(store, lease)  # too late, and harmless
    store.leases.renew([lease.id], NOW)
    assert in_flight(store) == 0
    assert {take(store).account_id for _ in range(3)} == {other}
    (new,) = add(store, 1, name="new")
    assert new > other
    assert store.accounts.find(["basic-000000"]) == {}


def test_secrets_are_found_exactly(store: Store) -> None:
    ids = add(store, 3)
    assert store.accounts.find([]) == {}
    found = store.accounts.find(["basic-000002", "basic-000000", "BASIC-000001", "basic-00000", "nobody"])
    assert found == {"basic-000000": ids[0], "basic-000002": ids[2]}


def test_thousands_at_once(store: Store, place: Place) -> None:
    ids = add(store, MANY)
    began = time.perf_counter()
    assert store.accounts.edit(ids, AccountEdit(tags=("bulk",), note="n", disabled=True), NOW) == MANY
    assert chosen(store) is None
    assert store.accounts.edit(ids, AccountEdit(disabled=False, lift=True), NOW) == MANY
    assert chosen(store) is not None
    assert len(store.accounts.find([f"basic-{number:06}" for number in range(MANY)])) == MANY
    assert store.accounts.delete(ids) == MANY
    assert time.perf_counter() - began < 10
    assert everyone(store) == [] and store.accounts.tags() == []


def test_the_stale_ones_are_the_longest_unchecked(store: Store) -> None:
    never, old, new, off = add(store, 4)
    for id_, at in ((old, NOW), (new, NOW + 50), (off, NOW)):
        set_quota(store, [id_], "default", 1, now=at)
    disable(store, off)
    assert store.accounts.stale(NOW, 10) == [never]
    assert store.accounts.stale(NOW + 50, 10) == [never, old]
    assert store.accounts.stale(NOW + 51, 10) == [never, old, new]
    assert store.accounts.stale(NOW + 51, 2) == [never, old]
    store.accounts.edit([off], AccountEdit(disabled=False), NOW)
    assert set(store.accounts.stale(NOW + 1, 10)) == {never, old, off}


def test_clearing_forgets_accounts_and_settings(store: Store, place: Place) -> None:
    ids = add(store, 3)
    take(store)
    store.settings.save({"image_mode": "url"})
    version = store.settings.version()
    store.clear()
    assert everyone(store) == [] and store.settings.load().values == {}
    assert store.settings.version() > version
    assert chosen(store, ANY) is None
    assert min(add(store, 1)) > max(ids)
