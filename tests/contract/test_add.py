"""Adding accounts: each secret once, and moving between tiers."""

from __future__ import annotations

import time
from contextlib import closing

from grok2api.accounts import AddReport, Outcome, Tier
from grok2api.storage.base import Store
from tests.contract.dealings import (
    ANY,
    COSTLY,
    HEAVY,
    NOW,
    account,
    add,
    chosen,
    describe,
    end,
    everyone,
    set_quota,
    take,
    use,
    wanting,
)
from tests.contract.places import POOLS, Place, open_at


def test_a_new_account_is_as_good_as_unused(store: Store) -> None:
    report = store.accounts.add(["secret-a"], Tier.SUPER, NOW)
    assert report == AddReport(added=1)
    (new,) = everyone(store)
    assert (new.secret, new.tier, new.created_at) == ("secret-a", Tier.SUPER, NOW)
    assert (new.disabled, new.expired_reason, new.failed_count, new.request_count) == (False, None, 0, 0)
    assert (new.last_used_at, new.last_failure_at, new.last_failure_reason) == (None, None, None)
    assert (new.tags, new.note, new.in_flight) == ((), "", 0)
    assert set(new.quotas) == set(POOLS)
    assert all(quota.remaining is None and not quota.resting for quota in new.quotas.values())


def test_a_secret_given_twice_is_added_once(store: Store) -> None:
    report = store.accounts.add(["secret-a", "secret-b", "secret-a"], Tier.BASIC, NOW)
    assert report == AddReport(added=2, duplicates=1)
    assert [one.secret for one in everyone(store)] == ["secret-a", "secret-b"]


def test_nothing_can_be_added(store: Store) -> None:
    assert store.accounts.add([], Tier.BASIC, NOW) == AddReport()
    assert everyone(store) == []


def test_secrets_that_differ_in_case_only_are_two(store: Store) -> None:
    assert store.accounts.add(["Secret-A", "secret-a"], Tier.BASIC, NOW).added == 2


def test_a_duplicate_keeps_all_it_has(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    describe(store, id_, "bought in May", ("may", "shared"))
    set_quota(store, [id_], "default", 7, now=NOW)
    use(store, Outcome.FAILED)
    before = account(store, id_)
    assert store.accounts.add([before.secret], Tier.BASIC, NOW + 60) == AddReport(duplicates=1)
    assert account(store, id_) == before


def test_moving_to_another_tier_keeps_quota_notes_and_counters(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    describe(store, id_, "bought in May", ("may", "shared"))
    set_quota(store, [id_], "default", 7, now=NOW)
    use(store, Outcome.SUCCESS)
    use(store, Outcome.RATE_LIMITED)
    before = account(store, id_)
    assert before.quotas["default"].remaining == 5 and before.quotas["default"].cooldown_until

    assert store.accounts.add([before.secret], Tier.SUPER, NOW + 60) == AddReport(moved=1)
    after = account(store, id_)
    assert after.tier is Tier.SUPER
    assert vars(after) | {"tier": Tier.BASIC} == vars(before)


def test_a_moved_account_serves_its_new_tier_only(store: Store) -> None:
    (id_,) = add(store, 1)
    assert chosen(store, HEAVY) is None
    store.accounts.add([account(store, id_).secret], Tier.SUPER, NOW)
    assert chosen(store, HEAVY) == id_
    assert chosen(store, wanting(tiers=(Tier.BASIC,))) is None


def test_moving_an_account_in_use_does_not_disturb_its_lease(store: Store) -> None:
    (id_,) = add(store, 1)
    lease = take(store)
    store.accounts.add([lease.secret], Tier.SUPER, NOW)
    assert account(store, id_).in_flight == 1
    store.leases.renew([lease.id], NOW + 40)
    assert chosen(store, wanting(max_in_flight=1), NOW + 80) is None


def test_a_report_counts_new_known_and_moved_at_once(store: Store) -> None:
    store.accounts.add(["secret-a", "secret-b"], Tier.BASIC, NOW)
    store.accounts.add(["secret-c"], Tier.SUPER, NOW)
    report = store.accounts.add(["secret-a", "secret-c", "secret-d", "secret-c"], Tier.BASIC, NOW)
    assert report == AddReport(added=1, duplicates=2, moved=1)


def test_ten_thousand_are_added_in_under_five_seconds(store: Store) -> None:
    secrets = [f"secret-{number}" for number in range(10_000)]
    started = time.perf_counter()
    assert store.accounts.add(secrets, Tier.BASIC, NOW).added == 10_000
    assert time.perf_counter() - started < 5 * 5
    started = time.perf_counter()
    assert store.accounts.add(secrets, Tier.SUPER, NOW).moved == 10_000
    assert time.perf_counter() - started < 5 * 5


def test_an_added_account_is_seen_by_every_store_at_once(store: Store, place: Place) -> None:
    other = place.open()
    (id_,) = add(store, 1)
    assert chosen(other) == id_


def test_the_id_of_a_deleted_account_is_not_given_again(store: Store, place: Place) -> None:
    add(store, 1)
    lease = take(store, ANY)
    store.accounts.delete([lease.account_id])
    (new,) = add(store, 1, name="new")
    assert new != lease.account_id


def test_a_pool_that_is_new_in_this_release_counts_for_old_accounts(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    held = [take(store, ANY), take(store, COSTLY)]
    new = (*POOLS, "new")
    with closing(open_at(place.env, new)) as newer:
        assert set(account(newer, id_).quotas) == set(new)
        assert newer.leases.lease(wanting(pool="new", max_in_flight=2), NOW) is None
        held.append(take(newer, wanting(pool="new", cost=4)))
        for lease in held:
            end(store, lease)
        check = newer.leases.begin_check(id_, NOW + 1, NOW)
        assert check is not None and check.settled == {"default": 5, "heavy": 0, "new": 4}
        (later,) = add(store, 1, name="of-an-older-worker")
        assert take(newer, wanting(pool="new", exclude=(id_,))).account_id == later
