"""Listing accounts."""

from __future__ import annotations

from typing import Any

import pytest

from grok2api.accounts import AccountQuery, Outcome, Sort, Status, Tier, status_of
from grok2api.storage.base import Store
from tests.contract.dealings import (
    NOW,
    account,
    add,
    describe,
    disable,
    end,
    everyone,
    set_quota,
    take,
    use,
    wanting,
)
from tests.contract.places import Place


def page(store: Store, at: float = NOW, **query: Any) -> tuple[list[int], int]:
    """Ids of the page, and the total."""
    found, total = store.accounts.page(AccountQuery(**query), at)
    return [one.id for one in found], total


def test_an_empty_pool_has_an_empty_page(store: Store) -> None:
    assert page(store) == ([], 0)
    assert store.accounts.walk(0, 10) == []


def test_pages_follow_the_order_of_adding(store: Store) -> None:
    names = [f"secret-{(number * 7919) % 1300:05}" for number in range(1300)]
    store.accounts.add(names[:700], Tier.SUPER, NOW)
    store.accounts.add(names[700:], Tier.BASIC, NOW + 1)
    seen: list[str] = []
    for offset in range(0, 1300, 400):
        found, total = store.accounts.page(AccountQuery(offset=offset, limit=400), NOW)
        assert total == 1300
        seen += [one.secret for one in found]
    assert seen == names
    backwards, _ = store.accounts.page(AccountQuery(descending=True, limit=3), NOW)
    assert [one.secret for one in backwards] == names[:-4:-1]


def test_walking_meets_every_account_once_also_while_some_go(store: Store) -> None:
    ids = add(store, 25)
    seen, last = [], 0
    while found := store.accounts.walk(last, 10):
        seen += [one.id for one in found]
        last = seen[-1]
        store.accounts.delete([ids[0], ids[12]])
    assert seen == [id_ for id_ in ids if id_ != ids[12]]


def test_a_page_past_the_end_is_empty_and_still_counts(store: Store) -> None:
    add(store, 3)
    assert page(store, offset=3) == ([], 3)


def everything(store: Store) -> dict[str, int]:
    """An account in each state there is."""
    names = (
        "unused",
        "active",
        "known",
        "cooling",
        "resting",
        "rested",
        "empty",
        "refilled",
        "dead",
        "off",
        "super",
    )
    ids = {name: add(store, 1, Tier.SUPER if name == "super" else Tier.BASIC, name=name)[0] for name in names}

    def on(name: str, outcome: Outcome) -> None:
        others = tuple(id_ for other, id_ in ids.items() if other != name)
        assert use(store, outcome, wanting(exclude=others, first_attempt=False)) == ids[name]

    for name, outcome in (
        ("active", Outcome.SUCCESS), ("cooling", Outcome.RATE_LIMITED), ("resting", Outcome.FAILED),
        ("dead", Outcome.DEAD), ("off", Outcome.RATE_LIMITED), ("rested", Outcome.FAILED),
    ):  # fmt: skip
        on(name, outcome)
    on("rested", Outcome.SUCCESS)
    set_quota(store, [ids["known"]], "default", 30, now=NOW)
    set_quota(store, [ids["empty"]], "default", 0, now=NOW, ends_at=NOW + 5000)
    set_quota(store, [ids["refilled"]], "default", 0, now=NOW, ends_at=NOW + 50)
    set_quota(store, [ids["super"]], "heavy", 3, now=NOW)
    disable(store, ids["off"])
    return ids


@pytest.mark.parametrize("at", [NOW, NOW + 100, NOW + 700, NOW + 10_000])
def test_the_filter_by_status_is_what_the_status_says(store: Store, at: float) -> None:
    everything(store)
    shown = {one.id: status_of(one, at) for one in everyone(store)}
    assert len(set(shown.values())) >= 3
    for status in Status:
        expected = [id_ for id_, found in shown.items() if found is status]
        assert page(store, at, status=status) == (expected, len(expected))


def test_filters_combine(store: Store) -> None:
    ids = everything(store)
    describe(store, ids["cooling"], "", ("eu", "new"))
    describe(store, ids["off"], "", ("eu",))
    assert page(store, disabled=True) == ([ids["off"]], 1)
    assert page(store, tier=Tier.SUPER) == ([ids["super"]], 1)
    assert page(store, tag="eu") == ([ids["cooling"], ids["off"]], 2)
    assert page(store, tag="eu", disabled=False) == ([ids["cooling"]], 1)
    assert page(store, tag="eu", status=Status.COOLING, descending=True, limit=1) == ([ids["off"]], 2)
    assert page(store, tag="e") == ([], 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("alpha-000000-beta", {0}), ("ALPHA", {0}), ("-beta", {0}), ("lpha-000000-bet", set()),
        ("in may", {1}), ("100%", {1}), ("100_", set()), ("%", {1}), ("_", set()), ("☂", {1}),
        ("shar", {0, 2}), ("nothing", set()), ("Äpfel", {2}), ("Äpfel ÖL 中", {2}),
    ],
)  # fmt: skip
def test_text_is_looked_for_in_tags_note_and_the_secrets_ends(
    store: Store, text: str, found: set[int]
) -> None:
    secrets = ["alpha-000000-beta", "gamma-000000-delta-1", "gamma-000000-delta-2"]
    store.accounts.add(secrets, Tier.BASIC, NOW)
    ids = [one.id for one in everyone(store)]
    describe(store, ids[0], "", ("Shared",))
    describe(store, ids[1], "bought in May ☂ 100% good", ())
    describe(store, ids[2], "Äpfel ÖL 中文", ("x", "unshared"))
    assert page(store, text=text) == ([ids[number] for number in sorted(found)], len(found))


def test_an_account_is_found_by_its_id_after_a_hash(store: Store) -> None:
    ids = add(store, 12)
    describe(store, ids[0], f"instead of #{ids[11]}", ())
    assert page(store, text=f"#{ids[3]}") == ([ids[3]], 1)
    assert page(store, text=f"#{ids[11]}") == ([ids[0], ids[11]], 2)
    assert page(store, text=f"#{ids[3]}", tier=Tier.SUPER) == ([], 0)
    texts = ("#0", "#999999999", "#" + "9" * 30, f"# {ids[3]}", f"#-{ids[3]}", "#٣", f"#{ids[11] + 1}")
    for text in texts:
        assert page(store, text=text) == ([], 0), text


def test_every_order_there_is(store: Store) -> None:
    first, second, third = add(store, 3)
    set_quota(store, [first], "default", 50, now=NOW)
    set_quota(store, [second], "default", 90, now=NOW)
    for outcome, at in ((Outcome.SUCCESS, 1), (Outcome.FAILED, 2)):
        use(store, outcome, wanting(exclude=(first, third)), NOW + at)
    use(store, Outcome.SUCCESS, wanting(exclude=(second, third)), NOW + 3)
    take(store, wanting(exclude=(second, third)))
    orders = {
        Sort.ADDED: [first, second, third],
        Sort.LAST_USED: [third, second, first],
        Sort.REMAINING: [first, second, third],
        Sort.REQUESTS: [third, first, second],
        Sort.FAILURES: [first, third, second],
        Sort.IN_FLIGHT: [second, third, first],
    }
    assert set(orders) == set(Sort)
    for sort, order in orders.items():
        assert page(store, sort=sort)[0] == order, sort
    assert page(store, sort=Sort.FAILURES, descending=True)[0] == [second, first, third]


def test_an_account_shows_its_tags_in_order_and_its_note(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    describe(store, id_, "note ☂", ("zebra", "ant"))
    shown = account(store, id_)
    assert (shown.tags, shown.note) == (("ant", "zebra"), "note ☂")


def test_an_account_shows_what_it_did(store: Store) -> None:
    (id_,) = add(store, 1)
    use(store, Outcome.SUCCESS, at=NOW + 1)
    use(store, Outcome.FAILED, at=NOW + 2)
    open_lease = take(store, at=NOW + 3)
    shown = account(store, id_)
    assert (shown.request_count, shown.last_used_at) == (2, NOW + 2)
    assert (shown.failed_count, shown.last_failure_at, shown.last_failure_reason) == (1, NOW + 2, "failed")
    assert shown.quotas["default"].resting and not shown.quotas["heavy"].resting
    assert shown.in_flight == 1
    end(store, open_lease, at=NOW + 4)
    assert account(store, id_).in_flight == 0


def test_each_quota_pool_has_its_own_standing(store: Store, place: Place) -> None:
    (id_,) = add(store, 1, Tier.SUPER)
    set_quota(store, [id_], "default", 9, now=NOW)
    set_quota(store, [id_], "heavy", 3, now=NOW, ends_at=NOW + 500)
    use(store, Outcome.RATE_LIMITED, wanting(pool="heavy"))
    shown = account(store, id_).quotas
    assert (shown["default"].remaining, shown["default"].cooldown_until) == (9, None)
    assert (shown["heavy"].remaining, shown["heavy"].window_ends_at) == (2, NOW + 500)
    assert shown["heavy"].cooldown_until == NOW + 3600


def test_a_secret_is_not_in_what_an_account_prints(store: Store) -> None:
    add(store, 1, name="topsecret")
    assert "topsecret" not in repr(store.accounts.walk(0, 1)) + repr(take(store))
