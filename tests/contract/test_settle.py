"""Settling a lease: what each outcome costs the account."""

from __future__ import annotations

import pytest

from grok2api.accounts import (
    BLOCKED,
    DEFAULT_WINDOW_S,
    LEASE_S,
    VOID_KEPT_S,
    Finding,
    Outcome,
    QuotaReading,
    Status,
    Tier,
    settlement_for,
    status_of,
)
from grok2api.storage.base import Store
from grok2api.storage.sql import choice
from tests.contract.dealings import (
    ANY,
    HEAVY,
    HOUR_S,
    NOW,
    account,
    add,
    chosen,
    end,
    in_flight,
    set_quota,
    take,
    use,
    wanting,
)
from tests.contract.places import FilePlace, Place

FAILOVER = wanting(first_attempt=False)


def test_settling_twice_frees_the_slot_once(store: Store) -> None:
    add(store, 1)
    first, _ = take(store), take(store)
    end(store, first)
    end(store, first)
    assert in_flight(store) == 1


@pytest.mark.parametrize("outcome", Outcome)
def test_an_outcome_that_is_told_again_counts_once(store: Store, place: Place, outcome: Outcome) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 50, now=NOW)
    lease, late = take(store, wanting(cost=4)), take(store)
    store.leases.heal(NOW + LEASE_S + 1)  # what is void and what is not
    held = take(store, wanting(cost=4), NOW + LEASE_S + 1)
    for one in (lease, held):
        end(store, one, outcome, NOW + 60, used=7)
    once = account(store, id_)
    for one in (held, lease):
        end(place.open(), one, outcome, NOW + 70, used=7)
    assert account(store, id_) == once
    end(store, late, Outcome.SUCCESS, NOW + 80)
    assert account(store, id_).request_count == once.request_count + 1 == 3


def test_a_void_lease_that_somebody_settled_just_then_is_not_remembered(
    file: FilePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = file.open()
    add(store, 1)
    take(store)
    monkeypatch.setattr(choice, "release", lambda *lease: False)  # it is gone when its turn comes
    store.leases.heal(NOW + LEASE_S + 1)
    assert file.rows("SELECT count(*) FROM void_leases") == [(0,)]


def test_void_leases_are_not_remembered_for_ever(store: Store) -> None:
    (id_,) = add(store, 1)
    lease = take(store)
    store.leases.heal(NOW + LEASE_S + 1)
    store.leases.heal(NOW + LEASE_S + 1 + VOID_KEPT_S)
    end(store, lease, Outcome.FAILED, NOW + VOID_KEPT_S + 100)
    assert account(store, id_).request_count == 0


def test_settling_in_any_store_frees_the_slot(store: Store, place: Place) -> None:
    add(store, 1)
    end(place.open(), take(store))
    assert in_flight(store) == 0


def test_settling_for_a_deleted_account_is_nothing(store: Store, place: Place) -> None:
    add(store, 1)
    leases = [take(store) for _ in Outcome]
    store.accounts.delete([leases[0].account_id])
    (new,) = add(store, 1, name="new")
    for lease, outcome in zip(leases, Outcome, strict=True):
        end(store, lease, outcome)
    assert account(store, new).request_count == 0
    assert chosen(store) == new


@pytest.mark.parametrize("outcome", [Outcome.ABANDONED, Outcome.OUR_FAULT, Outcome.SUCCESS])
def test_an_end_without_fault_costs_no_more_than_its_calls(
    store: Store, place: Place, outcome: Outcome
) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 9, now=NOW)
    use(store, outcome, wanting(cost=4))
    shown = account(store, id_)
    assert (shown.failed_count, shown.last_failure_at, shown.expired_reason) == (0, None, None)
    assert (shown.quotas["default"].remaining, shown.request_count) == (5, 1)
    assert chosen(store) == id_


def test_a_real_cost_above_the_lease_is_charged_but_never_below_zero(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 10, now=NOW)
    use(store, Outcome.SUCCESS, used=4)
    assert account(store, id_).quotas["default"].remaining == 6
    use(store, Outcome.SUCCESS, used=40)
    quota = account(store, id_).quotas["default"]
    assert (quota.remaining, quota.window_ends_at) == (0, NOW + DEFAULT_WINDOW_S)
    assert chosen(store) is None


@pytest.mark.parametrize("left", [None, 4, 9])
def test_what_never_came_to_the_account_costs_nothing(store: Store, place: Place, left: int | None) -> None:
    (id_,) = add(store, 1)
    if left is not None:
        set_quota(store, [id_], "default", left, now=NOW)
    for _ in range(3):
        assert use(store, Outcome.CHALLENGED, wanting(cost=4)) == id_
    quota = account(store, id_).quotas["default"]
    assert (quota.remaining, account(store, id_).failed_count) == (left, 0)
    check = store.leases.begin_check(id_, NOW + 1, NOW)
    assert check is not None
    store.leases.end_check(check, Finding({"default": QuotaReading(30)}), NOW + 1)
    assert account(store, id_).quotas["default"].remaining == 30


def test_the_cost_of_a_void_lease_stays_spent(store: Store) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 9, now=NOW)
    lease = take(store, wanting(cost=4))
    store.leases.heal(NOW + LEASE_S + 1)
    end(store, lease, Outcome.CHALLENGED, NOW + LEASE_S + 2)
    assert account(store, id_).quotas["default"].remaining == 5


def test_a_real_cost_of_an_unknown_quota_leaves_it_unknown(store: Store) -> None:
    (id_,) = add(store, 1)
    use(store, Outcome.SUCCESS, used=40)
    assert account(store, id_).quotas["default"].remaining is None


# --- timed cooldowns ---


def test_capacity_cools_for_ten_seconds_at_most(store: Store) -> None:
    (id_,) = add(store, 1)
    use(store, Outcome.CAPACITY, wait_s=600)
    assert chosen(store, at=NOW + 9.9) is None
    assert chosen(store, at=NOW + 10) == id_


def test_rate_limited_with_quota_left_or_unknown_cools_for_an_hour(store: Store, place: Place) -> None:
    unknown, known = add(store, 2)
    set_quota(store, [known], "default", 9, now=NOW)
    assert {use(store, Outcome.RATE_LIMITED), use(store, Outcome.RATE_LIMITED)} == {unknown, known}
    assert account(store, known).quotas["default"].remaining == 8
    assert chosen(store, at=NOW + HOUR_S - 1) is None
    assert {chosen(store, wanting(exclude=(id_,)), NOW + HOUR_S) for id_ in (unknown, known)} == {
        unknown,
        known,
    }


@pytest.mark.parametrize("said", [True, False])
def test_rate_limited_without_quota_cools_for_ten_hours(store: Store, place: Place, said: bool) -> None:
    (id_,) = add(store, 1)
    if not said:
        set_quota(store, [id_], "default", 1, now=NOW)
    use(store, Outcome.RATE_LIMITED, exhausted=said)
    assert account(store, id_).quotas["default"].remaining == 0
    assert chosen(store, at=NOW + 10 * HOUR_S - 1) is None
    assert chosen(store, at=NOW + 10 * HOUR_S) == id_
    assert account(store, id_).quotas["default"].remaining is None


def test_a_cooldown_lasts_as_long_as_upstream_says(store: Store) -> None:
    (id_,) = add(store, 1)
    use(store, Outcome.RATE_LIMITED, wait_s=77)
    assert chosen(store, at=NOW + 76) is None
    assert chosen(store, at=NOW + 77) == id_


@pytest.mark.parametrize("shorter", [Outcome.CAPACITY, Outcome.SUCCESS, Outcome.FAILED])
def test_a_cooldown_is_never_shortened(store: Store, shorter: Outcome) -> None:
    (id_,) = add(store, 1)
    late = take(store)
    use(store, Outcome.RATE_LIMITED)
    end(store, late, shorter, NOW + 1)
    assert chosen(store, at=NOW + HOUR_S - 1) is None
    assert chosen(store, at=NOW + HOUR_S) == id_


def test_a_longer_cooldown_replaces_a_shorter_one(store: Store) -> None:
    (id_,) = add(store, 1)
    late = take(store)
    use(store, Outcome.CAPACITY)
    end(store, late, Outcome.RATE_LIMITED, NOW + 1)
    assert chosen(store, at=NOW + HOUR_S) is None
    assert chosen(store, at=NOW + HOUR_S + 1) == id_


# --- exhausted ---


def test_the_last_call_makes_an_account_exhausted(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 1, now=NOW)
    use(store, Outcome.SUCCESS)
    shown = account(store, id_)
    assert status_of(shown, NOW) is Status.EXHAUSTED
    assert shown.quotas["default"].window_ends_at == NOW + DEFAULT_WINDOW_S


def test_exhausted_ends_with_the_window_and_quota_is_unknown_again(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 1, now=NOW, ends_at=NOW + 300)
    use(store, Outcome.SUCCESS)
    assert chosen(store, at=NOW + 299) is None
    lease = take(store, wanting(cost=4), NOW + 300)
    assert (lease.account_id, lease.remaining_before) == (id_, None)
    quota = account(store, id_).quotas["default"]
    assert (quota.remaining, quota.window_ends_at) == (None, None)


def test_a_window_that_ends_does_not_end_a_cooldown(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 2, now=NOW, ends_at=NOW + 300)
    use(store, Outcome.RATE_LIMITED)
    assert chosen(store, at=NOW + 301) is None
    assert chosen(store, at=NOW + HOUR_S) == id_


def test_a_cooldown_that_ends_does_not_end_a_window(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 2, now=NOW, ends_at=NOW + 300)
    late = take(store)
    use(store, Outcome.SUCCESS)
    end(store, late, Outcome.CAPACITY)
    assert chosen(store, at=NOW + 11) is None
    assert chosen(store, at=NOW + 300) == id_


def test_a_window_that_ends_makes_what_was_left_unknown(store: Store, place: Place) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 2, now=NOW, ends_at=NOW + 300)
    assert chosen(store, wanting(cost=4), NOW + 299) is None
    assert take(store, wanting(cost=4), NOW + 300).remaining_before is None


# --- expired ---


def refused(store: Store, id_: int, times: int) -> None:
    for _ in range(times):
        assert use(store, Outcome.UNAUTHORIZED) == id_


def test_three_refusals_in_a_row_expire(store: Store) -> None:
    (id_,) = add(store, 1)
    refused(store, id_, 3)
    shown = account(store, id_)
    assert (shown.expired_reason, shown.failed_count) == ("unauthorized", 3)
    assert status_of(shown, NOW) is Status.EXPIRED
    assert chosen(store, at=NOW + 10**7) is None


@pytest.mark.parametrize("between", [Outcome.SUCCESS, Outcome.FAILED, Outcome.CAPACITY, Outcome.RATE_LIMITED])
def test_something_else_in_between_starts_the_count_anew(store: Store, between: Outcome) -> None:
    (id_,) = add(store, 1)
    leases = [take(store) for _ in range(6)]
    outcomes = [Outcome.UNAUTHORIZED, Outcome.UNAUTHORIZED, between] + 3 * [Outcome.UNAUTHORIZED]
    for lease, outcome in zip(leases[:5], outcomes, strict=False):
        end(store, lease, outcome)
    assert account(store, id_).expired_reason is None
    end(store, leases[5], outcomes[5])
    assert account(store, id_).expired_reason == "unauthorized"


@pytest.mark.parametrize("silent", [Outcome.ABANDONED, Outcome.CHALLENGED])
def test_an_end_that_says_nothing_of_the_account_leaves_the_count_alone(
    store: Store, silent: Outcome
) -> None:
    (id_,) = add(store, 1)
    refused(store, id_, 2)
    use(store, silent)
    refused(store, id_, 1)
    assert account(store, id_).expired_reason == "unauthorized"


def test_success_forgets_the_failures(store: Store) -> None:
    (id_,) = add(store, 1)
    refused(store, id_, 2)
    use(store, Outcome.SUCCESS)
    shown = account(store, id_)
    assert (shown.failed_count, shown.last_failure_reason) == (0, "unauthorized")


def test_a_dead_account_expires_at_once_in_every_pool(store: Store) -> None:
    (id_,) = add(store, 1, Tier.SUPER)
    use(store, Outcome.DEAD)
    assert account(store, id_).expired_reason == "dead"
    assert chosen(store, ANY, NOW + 10**7) is None
    assert chosen(store, HEAVY, NOW + 10**7) is None


def test_a_blocked_account_stays_blocked_whatever_else_is_said_of_it(store: Store) -> None:
    (id_,) = add(store, 1)
    lease = take(store)
    for one, reason in ((take(store), BLOCKED), (lease, "session_deleted")):
        store.leases.settle(one, settlement_for(Outcome.DEAD, one, reason=reason), NOW)
    check = store.leases.begin_check(id_, NOW, NOW)
    assert check is not None
    store.leases.end_check(check, Finding(failure="x", expire="email_domain_rejected"), NOW)
    store.leases.end_check(check, Finding({"default": QuotaReading(30)}, good=True), NOW)
    assert account(store, id_).expired_reason == BLOCKED


def test_an_expired_account_stays_so_when_its_other_requests_end_well(store: Store) -> None:
    (id_,) = add(store, 1)
    late = take(store)
    use(store, Outcome.DEAD)
    end(store, late, Outcome.SUCCESS)
    assert account(store, id_).expired_reason == "dead"
    assert chosen(store) is None


def test_the_reason_of_an_expiry_is_kept_when_more_refusals_come(store: Store) -> None:
    (id_,) = add(store, 1)
    late = [take(store) for _ in range(4)]
    use(store, Outcome.DEAD)
    for lease in late:
        end(store, lease, Outcome.UNAUTHORIZED)
    assert account(store, id_).expired_reason == "dead"


@pytest.mark.parametrize(
    "outcome", [Outcome.RATE_LIMITED, Outcome.FAILED, Outcome.CAPACITY, Outcome.CHALLENGED]
)
def test_what_is_no_refusal_never_expires_an_account(store: Store, outcome: Outcome) -> None:
    (id_,) = add(store, 1)
    for lease in [take(store) for _ in range(20)]:
        end(store, lease, outcome)
    assert account(store, id_).expired_reason is None
    assert chosen(store, at=NOW + 20 * HOUR_S) == id_


def test_a_void_lease_still_has_its_say(store: Store) -> None:
    (id_,) = add(store, 1)
    lost = take(store)
    assert chosen(store, wanting(max_in_flight=1), NOW + 100) == id_
    end(store, lost, Outcome.DEAD, NOW + 200)
    assert account(store, id_).expired_reason == "dead"
    assert in_flight(store) == 0


def test_a_reason_of_any_length_is_noted(store: Store) -> None:
    (id_,) = add(store, 1)
    lease = take(store)
    store.leases.settle(lease, settlement_for(Outcome.DEAD, lease, reason="é☂" * 500), NOW)
    shown = account(store, id_)
    assert shown.last_failure_reason and shown.last_failure_reason.startswith("é☂")
    assert shown.expired_reason and chosen(store) is None


# --- rests ---


def failed(store: Store) -> tuple[int, int]:
    """Two accounts, the first of which has just failed."""
    ids = add(store, 2)
    bad = use(store, Outcome.FAILED)
    return bad, next(id_ for id_ in ids if id_ != bad)


def test_a_failed_account_sits_out_five_client_requests(store: Store, place: Place) -> None:
    bad, good = failed(store)
    set_quota(store, [good], "default", 1000, now=NOW)  # so that the failed one would be the better
    assert [chosen(store) for _ in range(6)] == [good] * 5 + [bad]


def test_failover_attempts_do_not_count_as_client_requests(store: Store, place: Place) -> None:
    bad, good = failed(store)
    set_quota(store, [good], "default", 1000, now=NOW)
    assert [chosen(store, FAILOVER) for _ in range(20)] == [good] * 20
    assert [chosen(store) for _ in range(6)] == [good] * 5 + [bad]


def test_client_requests_count_over_the_whole_deployment(store: Store, place: Place) -> None:
    bad, good = failed(store)
    set_quota(store, [good], "default", 1000, now=NOW)
    workers = [store, place.open(), place.open()]
    assert [chosen(workers[step % 3]) for step in range(6)] == [good] * 5 + [bad]


def test_requests_of_another_pool_do_not_count(store: Store, place: Place) -> None:
    ids = add(store, 2, Tier.SUPER)
    bad = use(store, Outcome.FAILED)
    good = next(id_ for id_ in ids if id_ != bad)
    set_quota(store, [good], "default", 1000, now=NOW)
    for _ in range(10):
        chosen(store, HEAVY)
    assert chosen(store) == good


def test_a_rest_holds_in_its_own_pool_only(store: Store, place: Place) -> None:
    ids = add(store, 2, Tier.SUPER)
    bad = use(store, Outcome.FAILED)
    set_quota(store, [id_ for id_ in ids if id_ != bad], "heavy", 5, now=NOW)
    assert chosen(store, HEAVY) == bad


def test_a_rest_ends_after_ten_minutes(store: Store, place: Place) -> None:
    bad, good = failed(store)
    set_quota(store, [good], "default", 1000, now=NOW)
    assert chosen(store, at=NOW + 599) == good
    assert chosen(store, at=NOW + 600) == bad


def test_a_resting_account_serves_when_nothing_else_is_fit(store: Store) -> None:
    bad, good = failed(store)
    assert chosen(store, wanting(exclude=(good,))) == bad
    use(store, Outcome.RATE_LIMITED)
    assert chosen(store) == bad


def test_a_fit_account_of_the_next_tier_comes_before_a_resting_one(store: Store) -> None:
    (basic,) = add(store, 1)
    (super_,) = add(store, 1, Tier.SUPER)
    assert use(store, Outcome.FAILED) == basic
    assert chosen(store) == super_


def test_a_success_ends_a_rest(store: Store, place: Place) -> None:
    bad, good = failed(store)
    set_quota(store, [good], "default", 1000, now=NOW)
    assert use(store, Outcome.SUCCESS, wanting(exclude=(good,))) == bad
    assert chosen(store) == bad


def test_a_success_ends_a_rest_also_after_one_in_another_pool(store: Store, place: Place) -> None:
    good, bad = add(store, 2, Tier.SUPER)
    set_quota(store, [good], "default", 1000, now=NOW)
    set_quota(store, [good], "heavy", 1000, now=NOW)
    assert use(store, Outcome.FAILED) == bad
    assert use(store, Outcome.SUCCESS, HEAVY) == bad
    assert use(store, Outcome.SUCCESS, wanting(exclude=(good,))) == bad
    assert chosen(store) == bad


def test_a_further_failure_starts_the_rest_anew(store: Store, place: Place) -> None:
    bad, good = failed(store)
    set_quota(store, [good], "default", 1000, now=NOW)
    assert [chosen(store) for _ in range(3)] == [good] * 3
    use(store, Outcome.FAILED, wanting(exclude=(good,), first_attempt=False))
    assert [chosen(store) for _ in range(6)] == [good] * 5 + [bad]


def test_requests_during_a_cooldown_count_towards_a_rest(store: Store, place: Place) -> None:
    (bad,) = add(store, 1)
    late = take(store)
    use(store, Outcome.FAILED)
    end(store, late, Outcome.CAPACITY)
    (good,) = add(store, 1, name="good")
    set_quota(store, [good], "default", 1000, now=NOW)
    assert [chosen(store) for _ in range(6)] == [good] * 6
    assert chosen(store, at=NOW + 10) == bad
