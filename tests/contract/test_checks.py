"""Asking upstream about an account: what the answer changes, also while the account is in use."""

from __future__ import annotations

import pytest

from grok2api.accounts import LEASE_S, Check, Finding, Outcome, QuotaReading, Status, Tier, status_of
from grok2api.storage.base import Store
from tests.contract.dealings import (
    COSTLY,
    HEAVY,
    NOW,
    account,
    add,
    chosen,
    disable,
    end,
    set_quota,
    take,
    use,
    wanting,
)

GOOD = Finding(good=True)
REFUSED = Finding(failure="bad_credentials", strike_limit=3)


def begin(store: Store, id_: int, at: float = NOW) -> Check:
    check = store.leases.begin_check(id_, at, at)
    assert check is not None
    return check


def reading(remaining: int, ends_at: float | None = None) -> Finding:
    return Finding(quotas={"default": QuotaReading(remaining, ends_at)})


def left(store: Store, id_: int) -> int | None:
    return account(store, id_).quotas["default"].remaining


def test_a_check_tells_whom_to_ask(store: Store) -> None:
    (id_,) = add(store, 1, Tier.SUPER, name="mine")
    check = begin(store, id_)
    assert (check.account_id, check.secret, check.tier) == (id_, "mine-000000", Tier.SUPER)
    assert check.settled == {"default": 0, "heavy": 0}
    assert account(store, id_).checked_at == NOW
    assert "mine" not in repr(check)


def test_there_is_no_check_of_nobody(store: Store) -> None:
    assert store.leases.begin_check(7, NOW, NOW) is None


def test_a_check_begun_since_then_stands_in_for_another(store: Store) -> None:
    (id_,) = add(store, 1)
    assert store.leases.begin_check(id_, NOW, NOW - 20) is not None
    assert store.leases.begin_check(id_, NOW + 19, NOW - 1) is None
    assert store.leases.begin_check(id_, NOW + 20, NOW) is not None


def test_a_reading_is_what_is_left(store: Store) -> None:
    (id_,) = add(store, 1)
    store.leases.end_check(begin(store, id_), reading(17, NOW + 900), NOW)
    quota = account(store, id_).quotas["default"]
    assert (quota.remaining, quota.window_ends_at) == (17, NOW + 900)
    assert account(store, id_).quotas["heavy"].remaining is None
    assert take(store).remaining_before == 17


def test_each_pool_has_its_own_reading(store: Store) -> None:
    (id_,) = add(store, 1, Tier.SUPER)
    quotas = {"default": QuotaReading(3), "heavy": QuotaReading(0, NOW + 60), "unheard": QuotaReading(5)}
    store.leases.end_check(begin(store, id_), Finding(quotas), NOW)
    assert chosen(store, HEAVY) is None
    assert take(store).remaining_before == 3
    assert take(store, HEAVY, NOW + 61).remaining_before is None


def test_what_is_in_flight_while_upstream_answers_may_not_be_in_its_answer(store: Store) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 20, now=NOW)
    before = take(store, COSTLY)
    check = begin(store, id_)
    during = take(store)
    end(store, before)
    end(store, during)
    store.leases.end_check(check, reading(20), NOW)
    assert left(store, id_) == 20 - 4 - 1, "both may have been taken from it after it was read"
    store.leases.end_check(begin(store, id_), reading(15), NOW)
    assert left(store, id_) == 15, "nothing was open: the reading is exact"


def test_what_was_settled_before_is_in_the_answer(store: Store) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 20, now=NOW)
    use(store, Outcome.SUCCESS)
    use(store, Outcome.SUCCESS, used=4)
    assert left(store, id_) == 15
    store.leases.end_check(begin(store, id_), reading(12), NOW)
    assert left(store, id_) == 12


def test_a_cost_that_showed_in_the_end_counts_as_well(store: Store) -> None:
    (id_,) = add(store, 1)
    lease = take(store)
    check = begin(store, id_)
    end(store, lease, used=4)
    store.leases.end_check(check, reading(10), NOW)
    assert left(store, id_) == 6


def test_a_void_lease_holds_nothing_back(store: Store) -> None:
    (id_,) = add(store, 1)
    take(store)
    later = NOW + LEASE_S + 1
    store.leases.end_check(begin(store, id_, later), reading(9), later)
    assert left(store, id_) == 9
    assert account(store, id_).in_flight == 0


def test_more_in_flight_than_is_left_is_nothing_left(store: Store) -> None:
    (id_,) = add(store, 1)
    take(store, COSTLY)
    store.leases.end_check(begin(store, id_), reading(2, NOW + 100), NOW)
    assert left(store, id_) == 0
    assert chosen(store) is None
    assert chosen(store, at=NOW + 101) == id_


def test_an_empty_reading_without_a_window_counts_for_twenty_hours(store: Store) -> None:
    (id_,) = add(store, 1)
    store.leases.end_check(begin(store, id_), reading(0), NOW)
    assert account(store, id_).quotas["default"].window_ends_at == NOW + 72_000
    assert status_of(account(store, id_), NOW) is Status.EXHAUSTED


def test_a_reading_ends_exhaustion(store: Store) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 0, now=NOW, ends_at=NOW + 9000)
    assert chosen(store) is None
    set_quota(store, [id_], "default", 8, now=NOW + 10)
    assert chosen(store) == id_


def test_a_check_never_shortens_a_cooldown_nor_ends_a_rest(store: Store) -> None:
    cooling, resting = add(store, 2)
    use(store, Outcome.RATE_LIMITED, wanting(exclude=(resting,)))
    use(store, Outcome.FAILED, wanting(exclude=(cooling,)))
    for id_ in (cooling, resting):
        store.leases.end_check(begin(store, id_), Finding({"default": QuotaReading(9)}, good=True), NOW)
    assert account(store, cooling).quotas["default"].cooldown_until == NOW + 3600
    assert account(store, resting).quotas["default"].resting
    assert chosen(store, wanting(exclude=(resting,))) is None


def test_a_good_check_forgets_failures(store: Store) -> None:
    (id_,) = add(store, 1)
    for at in (NOW, NOW + 1):
        use(store, Outcome.UNAUTHORIZED, at=at)
    store.leases.end_check(begin(store, id_), GOOD, NOW)
    assert (account(store, id_).failed_count, account(store, id_).strikes) == (0, 0)
    use(store, Outcome.UNAUTHORIZED)
    assert account(store, id_).expired_reason is None


def test_a_reading_alone_forgets_nothing(store: Store) -> None:
    (id_,) = add(store, 1)
    use(store, Outcome.UNAUTHORIZED)
    store.leases.end_check(begin(store, id_), reading(5), NOW)
    assert (account(store, id_).failed_count, account(store, id_).strikes) == (1, 1)


@pytest.mark.parametrize(("reason", "back"), [("session_deleted", True), ("blocked", False)])
def test_a_good_check_brings_an_expired_account_back_unless_it_is_blocked(
    store: Store, reason: str, back: bool
) -> None:
    (id_,) = add(store, 1)
    store.leases.end_check(begin(store, id_), Finding(failure=reason, expire=reason), NOW)
    assert account(store, id_).expired_reason == reason
    assert account(store, id_).last_failure_reason == reason
    store.leases.end_check(begin(store, id_), GOOD, NOW)
    assert (account(store, id_).expired_reason is None) is back
    assert (chosen(store) == id_) is back


def test_a_good_check_enables_nothing(store: Store) -> None:
    (id_,) = add(store, 1)
    disable(store, id_)
    store.leases.end_check(begin(store, id_), GOOD, NOW)
    assert chosen(store) is None


def test_three_refusals_in_a_row_expire_wherever_they_come_from(store: Store) -> None:
    (id_,) = add(store, 1)
    store.leases.end_check(begin(store, id_), REFUSED, NOW)
    use(store, Outcome.UNAUTHORIZED)
    assert account(store, id_).expired_reason is None
    store.leases.end_check(begin(store, id_), REFUSED, NOW + 5)
    shown = account(store, id_)
    assert (shown.expired_reason, shown.failed_count, shown.last_failure_at) == (
        "bad_credentials",
        3,
        NOW + 5,
    )
    assert chosen(store) is None


def test_a_check_that_found_nothing_changes_nothing(store: Store) -> None:
    (id_,) = add(store, 1)
    set_quota(store, [id_], "default", 6, now=NOW)
    use(store, Outcome.FAILED)
    before = account(store, id_)
    store.leases.end_check(begin(store, id_), Finding(), NOW)
    assert account(store, id_) == before


def test_a_check_of_an_account_that_was_deleted_meanwhile_is_harmless(store: Store) -> None:
    (id_,) = add(store, 1)
    check = begin(store, id_)
    store.accounts.delete([id_])
    store.leases.end_check(check, reading(5), NOW)
    (new,) = add(store, 1)
    assert left(store, new) is None


def test_healing_frees_the_slots_of_void_leases(store: Store) -> None:
    (id_,) = add(store, 1)
    for _ in range(3):
        take(store)
    kept = take(store)
    store.leases.renew([kept.id], NOW + 30)
    store.leases.heal(NOW + LEASE_S - 1)
    assert account(store, id_).in_flight == 4
    store.leases.heal(NOW + LEASE_S)
    assert account(store, id_).in_flight == 1
