"""Which failed logins are listed one by one."""

from __future__ import annotations

from grok2api.services.failed_logins import LISTED_MOST, LISTED_S, FailedLogins


def test_so_many_an_hour_are_listed_and_the_next_one_says_how_many_were_not() -> None:
    failed = FailedLogins()
    assert [failed.to_list(100.0 + n) for n in range(LISTED_MOST)] == [0] * LISTED_MOST
    assert [failed.to_list(200.0) for _ in range(5)] == [None] * 5
    assert failed.to_list(100.0 + LISTED_S) == 5
    assert failed.to_list(100.0 + LISTED_S) is None
    assert failed.to_list(101.0 + LISTED_S) == 1


def test_a_clock_that_steps_back_ends_no_listing_for_ever() -> None:
    failed = FailedLogins()
    for n in range(LISTED_MOST):
        failed.to_list(10_000.0 + n)
    assert failed.to_list(5_000.0) == 0
