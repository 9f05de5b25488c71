"""Settling a lease: what each outcome costs the account."""

from __future__ import annotations

import pytest

from grok2api.accounts import DEFAULT_WINDOW_S, Outcome, Status, Tier, settlement_for, status_of
from grok2api.storage.base import Accounts, Store
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
    take,
    use,
    wanting,
)
from tests.contract.places import Place

FAILOVER = wanting(first_attempt=False)


def test_settling_twice_frees_the_slot_once(accounts: Accounts) -> None:
    add(accounts, 1)
    first, _ = take(accounts), take(accounts)
    end(accounts, first)
    end(accounts, first)
    assert in_flight(accounts) == 1


def test_settling_in_any_store_frees_the_slot(store: Store, place: Place) -> None:
    add(store.accounts, 1)
    end(place.open().accounts, take(store.accounts))
    assert in_flight(store.accounts) == 0


def test_settling_for_a_deleted_account_is_nothing(accounts: Accounts, place: Place) -> None:
    add(accounts, 1)
    leases = [take(accounts) for _ in Outcome]
    place.delete(leases[0].account_id)
    (new,) = add(accounts, 1, name="new")
    for lease, outcome in zip(leases, Outcome, strict=True):
        end(accounts, lease, outcome)
    assert account(accounts, new).request_count == 0
    assert chosen(accounts) == new


@pytest.mark.parametrize(
    "outcome", [Outcome.ABANDONED, Outcome.OUR_FAULT, Outcome.CHALLENGED, Outcome.SUCCESS]
)
def test_an_end_without_fault_costs_no_more_than_its_calls(
    accounts: Accounts, place: Place, outcome: Outcome
) -> None:
    (id_,) = add(accounts, 1)
    place.set_quota([id_], "default", 9, now=NOW)
    use(accounts, outcome, wanting(cost=4))
    shown = account(accounts, id_)
    assert (shown.failed_count, shown.last_failure_at, shown.expired_reason) == (0, None, None)
    assert (shown.quotas["default"].remaining, shown.request_count) == (5, 1)
    assert chosen(accounts) == id_


def test_a_real_cost_above_the_lease_is_charged_but_never_below_zero(
    accounts: Accounts, place: Place
) -> None:
    (id_,) = add(accounts, 1)
    place.set_quota([id_], "default", 10, now=NOW)
    use(accounts, Outcome.SUCCESS, used=4)
    assert account(accounts, id_).quotas["default"].remaining == 6
    use(accounts, Outcome.SUCCESS, used=40)
    quota = account(accounts, id_).quotas["default"]
    assert (quota.remaining, quota.window_ends_at) == (0, NOW + DEFAULT_WINDOW_S)
    assert chosen(accounts) is None


def test_a_real_cost_of_an_unknown_quota_leaves_it_unknown(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    use(accounts, Outcome.SUCCESS, used=40)
    assert account(accounts, id_).quotas["default"].remaining is None


# --- timed cooldowns ---


def test_capacity_cools_for_ten_seconds_at_most(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    use(accounts, Outcome.CAPACITY, wait_s=600)
    assert chosen(accounts, at=NOW + 9.9) is None
    assert chosen(accounts, at=NOW + 10) == id_


def test_rate_limited_with_quota_left_or_unknown_cools_for_an_hour(accounts: Accounts, place: Place) -> None:
    unknown, known = add(accounts, 2)
    place.set_quota([known], "default", 9, now=NOW)
    assert {use(accounts, Outcome.RATE_LIMITED), use(accounts, Outcome.RATE_LIMITED)} == {unknown, known}
    assert account(accounts, known).quotas["default"].remaining == 8
    assert chosen(accounts, at=NOW + HOUR_S - 1) is None
    assert {chosen(accounts, wanting(exclude=(id_,)), NOW + HOUR_S) for id_ in (unknown, known)} == {
        unknown,
        known,
    }


@pytest.mark.parametrize("said", [True, False])
def test_rate_limited_without_quota_cools_for_ten_hours(accounts: Accounts, place: Place, said: bool) -> None:
    (id_,) = add(accounts, 1)
    if not said:
        place.set_quota([id_], "default", 1, now=NOW)
    use(accounts, Outcome.RATE_LIMITED, exhausted=said)
    assert account(accounts, id_).quotas["default"].remaining == 0
    assert chosen(accounts, at=NOW + 10 * HOUR_S - 1) is None
    assert chosen(accounts, at=NOW + 10 * HOUR_S) == id_
    assert account(accounts, id_).quotas["default"].remaining is None


def test_a_cooldown_lasts_as_long_as_upstream_says(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    use(accounts, Outcome.RATE_LIMITED, wait_s=77)
    assert chosen(accounts, at=NOW + 76) is None
    assert chosen(accounts, at=NOW + 77) == id_


@pytest.mark.parametrize("shorter", [Outcome.CAPACITY, Outcome.SUCCESS, Outcome.FAILED])
def test_a_cooldown_is_never_shortened(accounts: Accounts, shorter: Outcome) -> None:
    (id_,) = add(accounts, 1)
    late = take(accounts)
    use(accounts, Outcome.RATE_LIMITED)
    end(accounts, late, shorter, NOW + 1)
    assert chosen(accounts, at=NOW + HOUR_S - 1) is None
    assert chosen(accounts, at=NOW + HOUR_S) == id_


def test_a_longer_cooldown_replaces_a_shorter_one(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    late = take(accounts)
    use(accounts, Outcome.CAPACITY)
    end(accounts, late, Outcome.RATE_LIMITED, NOW + 1)
    assert chosen(accounts, at=NOW + HOUR_S) is None
    assert chosen(accounts, at=NOW + HOUR_S + 1) == id_


# --- exhausted ---


def test_the_last_call_makes_an_account_exhausted(accounts: Accounts, place: Place) -> None:
    (id_,) = add(accounts, 1)
    place.set_quota([id_], "default", 1, now=NOW)
    use(accounts, Outcome.SUCCESS)
    shown = account(accounts, id_)
    assert status_of(shown, NOW) is Status.EXHAUSTED
    assert shown.quotas["default"].window_ends_at == NOW + DEFAULT_WINDOW_S


def test_exhausted_ends_with_the_window_and_quota_is_unknown_again(accounts: Accounts, place: Place) -> None:
    (id_,) = add(accounts, 1)
    place.set_quota([id_], "default", 1, now=NOW, ends_at=NOW + 300)
    use(accounts, Outcome.SUCCESS)
    assert chosen(accounts, at=NOW + 299) is None
    lease = take(accounts, wanting(cost=4), NOW + 300)
    assert (lease.account_id, lease.remaining_before) == (id_, None)
    quota = account(accounts, id_).quotas["default"]
    assert (quota.remaining, quota.window_ends_at) == (None, None)


def test_a_window_that_ends_does_not_end_a_cooldown(accounts: Accounts, place: Place) -> None:
    (id_,) = add(accounts, 1)
    place.set_quota([id_], "default", 2, now=NOW, ends_at=NOW + 300)
    use(accounts, Outcome.RATE_LIMITED)
    assert chosen(accounts, at=NOW + 301) is None
    assert chosen(accounts, at=NOW + HOUR_S) == id_


def test_a_cooldown_that_ends_does_not_end_a_window(accounts: Accounts, place: Place) -> None:
    (id_,) = add(accounts, 1)
    place.set_quota([id_], "default", 2, now=NOW, ends_at=NOW + 300)
    late = take(accounts)
    use(accounts, Outcome.SUCCESS)
    end(accounts, late, Outcome.CAPACITY)
    assert chosen(accounts, at=NOW + 11) is None
    assert chosen(accounts, at=NOW + 300) == id_


def test_a_window_that_ends_makes_what_was_left_unknown(accounts: Accounts, place: Place) -> None:
    (id_,) = add(accounts, 1)
    place.set_quota([id_], "default", 2, now=NOW, ends_at=NOW + 300)
    assert chosen(accounts, wanting(cost=4), NOW + 299) is None
    assert take(accounts, wanting(cost=4), NOW + 300).remaining_before is None


# --- expired ---


def refused(accounts: Accounts, id_: int, times: int) -> None:
    for _ in range(times):
        assert use(accounts, Outcome.UNAUTHORIZED) == id_


def test_three_refusals_in_a_row_expire(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    refused(accounts, id_, 3)
    shown = account(accounts, id_)
    assert (shown.expired_reason, shown.failed_count) == ("unauthorized", 3)
    assert status_of(shown, NOW) is Status.EXPIRED
    assert chosen(accounts, at=NOW + 10**7) is None


@pytest.mark.parametrize("between", [Outcome.SUCCESS, Outcome.FAILED, Outcome.CAPACITY, Outcome.RATE_LIMITED])
def test_something_else_in_between_starts_the_count_anew(accounts: Accounts, between: Outcome) -> None:
    (id_,) = add(accounts, 1)
    leases = [take(accounts) for _ in range(6)]
    outcomes = [Outcome.UNAUTHORIZED, Outcome.UNAUTHORIZED, between] + 3 * [Outcome.UNAUTHORIZED]
    for lease, outcome in zip(leases[:5], outcomes, strict=False):
        end(accounts, lease, outcome)
    assert account(accounts, id_).expired_reason is None
    end(accounts, leases[5], outcomes[5])
    assert account(accounts, id_).expired_reason == "unauthorized"


@pytest.mark.parametrize("silent", [Outcome.ABANDONED, Outcome.CHALLENGED])
def test_an_end_that_says_nothing_of_the_account_leaves_the_count_alone(
    accounts: Accounts, silent: Outcome
) -> None:
    (id_,) = add(accounts, 1)
    refused(accounts, id_, 2)
    use(accounts, silent)
    refused(accounts, id_, 1)
    assert account(accounts, id_).expired_reason == "unauthorized"


def test_success_forgets_the_failures(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    refused(accounts, id_, 2)
    use(accounts, Outcome.SUCCESS)
    shown = account(accounts, id_)
    assert (shown.failed_count, shown.last_failure_reason) == (0, "unauthorized")


def test_a_dead_account_expires_at_once_in_every_pool(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1, Tier.SUPER)
    use(accounts, Outcome.DEAD)
    assert account(accounts, id_).expired_reason == "dead"
    assert chosen(accounts, ANY, NOW + 10**7) is None
    assert chosen(accounts, HEAVY, NOW + 10**7) is None


def test_an_expired_account_stays_so_when_its_other_requests_end_well(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    late = take(accounts)
    use(accounts, Outcome.DEAD)
    end(accounts, late, Outcome.SUCCESS)
    assert account(accounts, id_).expired_reason == "dead"
    assert chosen(accounts) is None


def test_the_reason_of_an_expiry_is_kept_when_more_refusals_come(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    late = [take(accounts) for _ in range(4)]
    use(accounts, Outcome.DEAD)
    for lease in late:
        end(accounts, lease, Outcome.UNAUTHORIZED)
    assert account(accounts, id_).expired_reason == "dead"


@pytest.mark.parametrize(
    "outcome", [Outcome.RATE_LIMITED, Outcome.FAILED, Outcome.CAPACITY, Outcome.CHALLENGED]
)
def test_what_is_no_refusal_never_expires_an_account(accounts: Accounts, outcome: Outcome) -> None:
    (id_,) = add(accounts, 1)
    for lease in [take(accounts) for _ in range(20)]:
        end(accounts, lease, outcome)
    assert account(accounts, id_).expired_reason is None
    assert chosen(accounts, at=NOW + 20 * HOUR_S) == id_


def test_a_void_lease_still_has_its_say(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    lost = take(accounts)
    assert chosen(accounts, wanting(max_in_flight=1), NOW + 100) == id_
    end(accounts, lost, Outcome.DEAD, NOW + 200)
    assert account(accounts, id_).expired_reason == "dead"
    assert in_flight(accounts) == 0


def test_a_reason_of_any_length_is_noted(accounts: Accounts) -> None:
    (id_,) = add(accounts, 1)
    lease = take(accounts)
    accounts.settle(lease, settlement_for(Outcome.DEAD, lease, reason="é☂" * 500), NOW)
    shown = account(accounts, id_)
    assert shown.last_failure_reason and shown.last_failure_reason.startswith("é☂")
    assert shown.expired_reason and chosen(accounts) is None


# --- rests ---


def failed(accounts: Accounts) -> tuple[int, int]:
    """Two accounts, the first of which has just failed."""
    ids = add(accounts, 2)
    bad = use(accounts, Outcome.FAILED)
    return bad, next(id_ for id_ in ids if id_ != bad)


def test_a_failed_account_sits_out_five_client_requests(accounts: Accounts, place: Place) -> None:
    bad, good = failed(accounts)
    place.set_quota([good], "default", 1000, now=NOW)  # so that the failed one would be the better
    assert [chosen(accounts) for _ in range(6)] == [good] * 5 + [bad]


def test_failover_attempts_do_not_count_as_client_requests(accounts: Accounts, place: Place) -> None:
    bad, good = failed(accounts)
    place.set_quota([good], "default", 1000, now=NOW)
    assert [chosen(accounts, FAILOVER) for _ in range(20)] == [good] * 20
    assert [chosen(accounts) for _ in range(6)] == [good] * 5 + [bad]


def test_client_requests_count_over_the_whole_deployment(store: Store, place: Place) -> None:
    bad, good = failed(store.accounts)
    place.set_quota([good], "default", 1000, now=NOW)
    workers = [store.accounts, place.open().accounts, place.open().accounts]
    assert [chosen(workers[step % 3]) for step in range(6)] == [good] * 5 + [bad]


def test_requests_of_another_pool_do_not_count(accounts: Accounts, place: Place) -> None:
    ids = add(accounts, 2, Tier.SUPER)
    bad = use(accounts, Outcome.FAILED)
    good = next(id_ for id_ in ids if id_ != bad)
    place.set_quota([good], "default", 1000, now=NOW)
    for _ in range(10):
        chosen(accounts, HEAVY)
    assert chosen(accounts) == good


def test_a_rest_holds_in_its_own_pool_only(accounts: Accounts, place: Place) -> None:
    ids = add(accounts, 2, Tier.SUPER)
    bad = use(accounts, Outcome.FAILED)
    place.set_quota([id_ for id_ in ids if id_ != bad], "heavy", 5, now=NOW)
    assert chosen(accounts, HEAVY) == bad


def test_a_rest_ends_after_ten_minutes(accounts: Accounts, place: Place) -> None:
    bad, good = failed(accounts)
    place.set_quota([good], "default", 1000, now=NOW)
    assert chosen(accounts, at=NOW + 599) == good
    assert chosen(accounts, at=NOW + 600) == bad


def test_a_resting_account_serves_when_nothing_else_is_fit(accounts: Accounts) -> None:
    bad, good = failed(accounts)
    assert chosen(accounts, wanting(exclude=(good,))) == bad
    use(accounts, Outcome.RATE_LIMITED)
    assert chosen(accounts) == bad


def test_a_fit_account_of_the_next_tier_comes_before_a_resting_one(accounts: Accounts) -> None:
    (basic,) = add(accounts, 1)
    (super_,) = add(accounts, 1, Tier.SUPER)
    assert use(accounts, Outcome.FAILED) == basic
    assert chosen(accounts) == super_


def test_a_success_ends_a_rest(accounts: Accounts, place: Place) -> None:
    bad, good = failed(accounts)
    place.set_quota([good], "default", 1000, now=NOW)
    assert use(accounts, Outcome.SUCCESS, wanting(exclude=(good,))) == bad
    assert chosen(accounts) == bad


def test_a_success_ends_a_rest_also_after_one_in_another_pool(accounts: Accounts, place: Place) -> None:
    good, bad = add(accounts, 2, Tier.SUPER)
    place.set_quota([good], "default", 1000, now=NOW)
    place.set_quota([good], "heavy", 1000, now=NOW)
    assert use(accounts, Outcome.FAILED) == bad
    assert use(accounts, Outcome.SUCCESS, HEAVY) == bad
    assert use(accounts, Outcome.SUCCESS, wanting(exclude=(good,))) == bad
    assert chosen(accounts) == bad


def test_a_further_failure_starts_the_rest_anew(accounts: Accounts, place: Place) -> None:
    bad, good = failed(accounts)
    place.set_quota([good], "default", 1000, now=NOW)
    assert [chosen(accounts) for _ in range(3)] == [good] * 3
    use(accounts, Outcome.FAILED, wanting(exclude=(good,), first_attempt=False))
    assert [chosen(accounts) for _ in range(6)] == [good] * 5 + [bad]


def test_requests_during_a_cooldown_count_towards_a_rest(accounts: Accounts, place: Place) -> None:
    (bad,) = add(accounts, 1)
    late = take(accounts)
    use(accounts, Outcome.FAILED)
    end(accounts, late, Outcome.CAPACITY)
    (good,) = add(accounts, 1, name="good")
    place.set_quota([good], "default", 1000, now=NOW)
    assert [chosen(accounts) for _ in range(6)] == [good] * 6
    assert chosen(accounts, at=NOW + 10) == bad
