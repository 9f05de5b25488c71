"""The words and rules of the pool: pasted secrets, what each outcome costs, states and shortages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.account_secrets import clean_lines, clean_secret, mask
from grok2api.accounts import (
    CAPACITY_S,
    Account,
    AddReport,
    Lease,
    Outcome,
    Quota,
    Settlement,
    Shortage,
    Status,
    Tier,
    dedupe,
    is_exhausted,
    settlement_for,
    status_of,
)
from tests.unit.grok_streams import PATIENT

JWT = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzZXNzaW9uX2lkIjoiMDAwMCJ9.c2ln-_nature"
NOW = 1_800_000_000.0
HOUR_S = 3600.0


def lease(cost: int = 1, remaining: int | None = None) -> Lease:
    return Lease("lease-1", 1, JWT, Tier.BASIC, "default", cost, remaining)


def account(default: Quota | None = None, **fields: object) -> Account:
    quotas = {} if default is None else {"default": default}
    return Account(id=1, secret=JWT, tier=Tier.BASIC, created_at=NOW, quotas=quotas, **fields)  # type: ignore[arg-type]


# Secrets


@pytest.mark.parametrize(
    "pasted",
    [
        JWT,
        f"  {JWT}\r\n",
        f'"{JWT}"',
        f"sso={JWT}",
        f"SSO = {JWT} ;",
        f'sso="{JWT}"',
        f"sso={JWT}; sso-rw={JWT}",
        f"sso-rw=other.other;sso={JWT}",
        f"Cookie: sso={JWT}; sso-rw={JWT}",
        f"cookie:a=1; sso={JWT}",
        f"'Cookie: i18nextLng=en; sso={JWT}; cf_clearance=x'",
    ],
)
def test_the_bare_secret_is_found_in_what_is_pasted(pasted: str) -> None:
    assert clean_secret(pasted) == JWT


@pytest.mark.parametrize(
    "secret", ["a" * 8, "a" * 4096, "sim-basic-ok-1.quota.20", "YWJjZGVmZw==", "a+b/c_d~e.f"]
)
def test_a_secret_may_be_no_jwt(secret: str) -> None:
    assert clean_secret(secret) == secret


@pytest.mark.parametrize(
    "pasted",
    ["", " ", "short", "a" * 4097, "two words", "sso=", "sso=short", f"{JWT};{JWT}", "sécret-sécret", "{json: true}",
     f"sso-rw={JWT}", f"cf_clearance={JWT}", f"{JWT}\x00", f"{JWT},{JWT}", "sso=a b c d e f", "=" * 9, "Cookie:"],
)  # fmt: skip
def test_what_holds_no_secret_gives_none(pasted: str) -> None:
    assert clean_secret(pasted) is None


@given(st.text())
@PATIENT
def test_a_cleaned_secret_fits_into_a_header_and_stays_as_it_is(pasted: str) -> None:
    for text in (pasted, f"sso={pasted}"):
        secret = clean_secret(text)
        assert secret is None or (
            secret.isascii() and secret.isprintable() and not set(secret) & set(" ;,\"'")
        )
        assert secret is None or clean_secret(secret) == secret


def test_lines_are_cleaned_in_order_and_blank_ones_count_as_nothing() -> None:
    values = [f"sso={JWT}\n\n  \n aaaaaaaaa \r\nbad one", "", "bbbbbbbbb", "\t", "ccccccccc\u2028sso=x"]
    assert clean_lines(values) == ([JWT, "aaaaaaaaa", "bbbbbbbbb", "ccccccccc"], 2)
    assert clean_lines([]) == ([], 0)
    assert dedupe(["b", "a", "b"]) == ["b", "a"]


def test_a_report_says_what_became_of_the_values() -> None:
    assert str(AddReport(3, 2, 1, 0)) == "3 added, 2 known already, 1 moved, 0 invalid"


@pytest.mark.parametrize(
    ("secret", "shown"),
    [(JWT, "eyJ0…ture"), ("a" * 17, "aaaa…aaaa"), ("a" * 16, "…"), ("sim-basic-ok-1", "…"), ("", "…")],
)
def test_a_mask_shows_too_little_to_use(secret: str, shown: str) -> None:
    assert mask(secret) == shown


def test_no_representation_shows_a_secret() -> None:
    for thing in (account(), lease()):
        assert JWT not in repr(thing)


# Outcomes


@pytest.mark.parametrize("outcome", [Outcome.OUR_FAULT, Outcome.ABANDONED])
def test_what_is_not_the_accounts_fault_costs_no_penalty(outcome: Outcome) -> None:
    assert settlement_for(outcome, lease(4), reason="why") == Settlement(outcome, used=4)


def test_what_never_came_to_the_account_costs_nothing() -> None:
    assert settlement_for(Outcome.CHALLENGED, lease(4), reason="why") == Settlement(
        Outcome.CHALLENGED, used=0
    )


def test_success_forgets_failures() -> None:
    assert settlement_for(Outcome.SUCCESS, lease()) == Settlement(Outcome.SUCCESS, used=1, reset=True)


def test_capacity_rests_the_account_for_at_most_ten_seconds() -> None:
    settled = settlement_for(Outcome.CAPACITY, lease(), reason="full")
    assert settled == Settlement(Outcome.CAPACITY, 1, failure="full", cooldown_s=10.0)
    assert settlement_for(Outcome.CAPACITY, lease(), wait_s=3).cooldown_s == 3
    assert settlement_for(Outcome.CAPACITY, lease(), wait_s=300).cooldown_s == CAPACITY_S


@pytest.mark.parametrize("reason", ["blocked", "session_deleted", "email_domain_rejected"])
def test_a_dead_account_expires_at_once(reason: str) -> None:
    settled = settlement_for(Outcome.DEAD, lease(), reason=reason)
    assert settled == Settlement(Outcome.DEAD, 1, failure=reason, expire=reason)


def test_a_plain_401_counts_and_three_in_a_row_expire() -> None:
    settled = settlement_for(Outcome.UNAUTHORIZED, lease(), reason="bad credentials")
    assert settled == Settlement(Outcome.UNAUTHORIZED, 1, failure="bad credentials", strike_limit=3)


@pytest.mark.parametrize(
    ("remaining", "cost", "wait_s", "exhausted", "cooldown_s", "gone"),
    [
        (None, 1, None, False, HOUR_S, False),
        (20, 1, None, False, HOUR_S, False),
        (5, 4, None, False, HOUR_S, False),
        (4, 4, None, False, 10 * HOUR_S, True),
        (1, 1, None, False, 10 * HOUR_S, True),
        (0, 1, None, False, 10 * HOUR_S, True),
        (None, 1, None, True, 10 * HOUR_S, True),
        (20, 1, None, True, 10 * HOUR_S, True),
        (20, 1, 90.0, False, 90.0, False),
        (1, 1, 90.0, False, 90.0, True),
        (None, 1, 90.0, True, 90.0, True),
        (None, 1, 0.0, False, HOUR_S, False),
        (None, 1, -5.0, True, 10 * HOUR_S, True),
    ],
)
def test_a_429_rests_an_hour_with_quota_and_ten_without_or_as_upstream_says(
    remaining: int | None, cost: int, wait_s: float | None, exhausted: bool, cooldown_s: float, gone: bool
) -> None:
    settled = settlement_for(
        Outcome.RATE_LIMITED, lease(cost, remaining), reason="429", wait_s=wait_s, exhausted=exhausted
    )
    assert settled == Settlement(
        Outcome.RATE_LIMITED, cost, failure="429", cooldown_s=cooldown_s, exhausted=gone
    )


def test_an_ordinary_error_sits_out_five_requests_and_at_most_ten_minutes() -> None:
    settled = settlement_for(Outcome.FAILED, lease(), reason="reset")
    assert settled == Settlement(Outcome.FAILED, 1, failure="reset", rest_requests=5, rest_s=600.0)


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.CHALLENGED}))
def test_the_real_cost_is_settled_where_it_differs(outcome: Outcome) -> None:
    assert settlement_for(outcome, lease(1), used=4).used == 4
    assert settlement_for(outcome, lease(1), used=0).used == 0
    assert settlement_for(outcome, lease(4)).used == 4


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.DEAD, Outcome.UNAUTHORIZED}))
def test_nothing_else_ever_expires_an_account(outcome: Outcome) -> None:
    settled = settlement_for(outcome, lease(1, 1), reason="x", exhausted=True)
    assert settled.expire is None and settled.strike_limit is None


# States


@pytest.mark.parametrize(
    ("subject", "status"),
    [
        (account(), Status.UNUSED),
        (account(Quota()), Status.UNUSED),
        (account(Quota(remaining=5)), Status.ACTIVE),
        (account(Quota(), request_count=1), Status.ACTIVE),
        (account(Quota(remaining=5, cooldown_until=NOW + 1)), Status.COOLING),
        (account(Quota(remaining=5, cooldown_until=NOW)), Status.ACTIVE),
        (account(Quota(remaining=5, rest_until=NOW + 1)), Status.COOLING),
        (account(Quota(remaining=0, window_ends_at=NOW + 1)), Status.EXHAUSTED),
        (account(Quota(remaining=0, window_ends_at=NOW + 1, rest_until=NOW + 1)), Status.EXHAUSTED),
        (account(Quota(remaining=0, window_ends_at=NOW + 1, cooldown_until=NOW + 1)), Status.COOLING),
        (account(Quota(remaining=0, window_ends_at=NOW)), Status.ACTIVE),
        (account(Quota(remaining=0)), Status.EXHAUSTED),
        (account(Quota(remaining=5), expired_reason="blocked"), Status.EXPIRED),
        (account(Quota(remaining=0, cooldown_until=NOW + 1), expired_reason="x"), Status.EXPIRED),
        (account(Quota(remaining=5), disabled=True), Status.ACTIVE),
    ],
)
def test_a_status_is_one_word(subject: Account, status: Status) -> None:
    assert status_of(subject, NOW) is status


def test_a_known_quota_of_any_pool_makes_an_account_used() -> None:
    subject = Account(1, JWT, Tier.SUPER, NOW, {"default": Quota(), "heavy": Quota(remaining=20)})
    assert status_of(subject, NOW) is Status.ACTIVE


def test_a_quota_of_nothing_is_exhausted_until_its_window_ends() -> None:
    assert is_exhausted(Quota(remaining=0, window_ends_at=NOW + 1), NOW)
    assert not is_exhausted(Quota(remaining=0, window_ends_at=NOW), NOW)
    assert not is_exhausted(Quota(remaining=1, window_ends_at=NOW + 1), NOW)
    assert not is_exhausted(Quota(), NOW)


# Shortages


@pytest.mark.parametrize(
    ("shortage", "hopeless", "words"),
    [
        (
            Shortage(),
            True,
            "No account is configured. Add one with `flask accounts add` or POST /api/tokens/add.",
        ),
        (Shortage(total=2, expired=2), True, "(of 2: 2 expired)"),
        (
            Shortage(total=3, disabled=1, wrong_tier=2),
            True,
            "1 disabled, 2 of a tier that this model cannot use",
        ),
        (Shortage(total=2, cooling=1, expired=1), False, "(of 2: 1 cooling down, 1 expired)"),
        (Shortage(total=1, exhausted=1), False, "(of 1: 1 out of quota)"),
        (Shortage(total=1, busy=1), False, "(of 1: 1 at the limit of requests in flight)"),
        (Shortage(total=1, tried=1), False, "(of 1: none fit)"),
    ],
)
def test_a_shortage_says_why_and_whether_waiting_helps(
    shortage: Shortage, hopeless: bool, words: str
) -> None:
    assert shortage.hopeless is hopeless
    assert words in shortage.describe() and shortage.describe().endswith(".")
