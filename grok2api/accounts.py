"""Accounts and the rules of the pool: pure words and functions, no clock, no storage.

An *account* is a Grok web account; its *secret* is the value of the `sso` cookie. A *lease* is an
account taken for one attempt; it is *settled* with an *outcome*. Times are epoch seconds (`…_at`,
`…_until`), durations seconds (`…_s`). Quota, window end and cooldown are kept per account and *quota
pool* (today `default` and `heavy`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

#: An unknown quota counts as full: more than any real one.
FULL_QUOTA = 1_000_000_000

#: The quota pool that an account's one-word status and its `remaining_queries` speak of.
DEFAULT_POOL = "default"

LEASE_S = 45.0
LEASE_RENEWAL_S = 15.0
#: How long a void lease is remembered, for the outcome that may still come.
VOID_KEPT_S = 86_400.0

REST_REQUESTS = 5
REST_MAX_S = 600.0
CAPACITY_S = 10.0
RATE_LIMITED_S = 3600.0
RATE_LIMITED_EXHAUSTED_S = 36_000.0
DEFAULT_WINDOW_S = 72_000.0
UNAUTHORIZED_LIMIT = 3

#: The reason of expiry that no later success lifts.
BLOCKED = "blocked"

#: An account's id as the console shows it; no storage comes to more digits.
_NAMED_ID = re.compile(r"#[0-9]{1,9}")


class Tier(StrEnum):
    BASIC = "basic"
    SUPER = "super"


class Status(StrEnum):
    UNUSED = "unused"
    ACTIVE = "active"
    COOLING = "cooling"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"


class Outcome(StrEnum):
    """How a lease ended, as far as the account is concerned."""

    SUCCESS = "success"
    ABANDONED = "abandoned"  # the client left before upstream said anything
    OUR_FAULT = "our_fault"  # a 400 of our own making, moderated content
    CHALLENGED = "challenged"  # Cloudflare or anti-bot: shared by all accounts of this address
    CAPACITY = "capacity"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    DEAD = "dead"
    FAILED = "failed"


@dataclass(frozen=True)
class Quota:
    """One account's standing in one quota pool.

    remaining: calls left, None when unknown. rest_requests: client requests of the pool that it still sits
    out, until `rest_until` at most; None of both when it does not rest.
    """

    remaining: int | None = None
    window_ends_at: float | None = None
    cooldown_until: float | None = None
    rest_requests: int | None = None
    rest_until: float | None = None

    @property
    def resting(self) -> bool:
        return self.rest_until is not None


@dataclass(frozen=True)
class Account:
    """All that is known of an account. `strikes`: plain 401s in a row. `checked_at`: when upstream was last
    asked about its quota."""

    id: int
    secret: str = field(repr=False)
    tier: Tier
    created_at: float
    quotas: dict[str, Quota] = field(default_factory=dict)
    disabled: bool = False
    expired_reason: str | None = None
    strikes: int = 0
    failed_count: int = 0
    last_failure_at: float | None = None
    last_failure_reason: str | None = None
    tags: tuple[str, ...] = ()
    note: str = ""
    last_used_at: float | None = None
    request_count: int = 0
    in_flight: int = 0
    checked_at: float | None = None


class Sort(StrEnum):
    """What a list of accounts can be sorted by; unknown quota counts as full, never used as long ago."""

    ADDED = "created_time"
    LAST_USED = "last_used"
    REMAINING = "remaining_queries"
    REQUESTS = "request_count"
    FAILURES = "failed_count"
    IN_FLIGHT = "in_flight"


@dataclass(frozen=True)
class AccountQuery:
    """Which accounts, in which order; accounts that are equal in it follow in the order of adding.

    text: a whole secret, `#` and an id, or a part of a tag, the note or the hint (ASCII letters in either case).
    status: as `status_of` has it; `disabled` is asked for apart.
    """

    text: str = ""
    status: Status | None = None
    disabled: bool | None = None
    tier: Tier | None = None
    tag: str | None = None
    sort: Sort = Sort.ADDED
    descending: bool = False
    offset: int = 0
    limit: int = 100

    @property
    def named_id(self) -> int | None:
        """The id in a text such as `#20`, None in any other."""
        return int(self.text[1:]) if _NAMED_ID.fullmatch(self.text) else None


@dataclass(frozen=True)
class AccountEdit:
    """What the operator changes; None leaves a field as it is. lift: end cooldowns and rests, forget failures.

    tags: in place of those there are. add_tags, remove_tags: beside them, out of them; each account keeps its others.
    """

    tier: Tier | None = None
    tags: tuple[str, ...] | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    note: str | None = None
    disabled: bool | None = None
    lift: bool = False


@dataclass(frozen=True)
class Check:
    """A question to upstream about an account's quota, begun.

    settled: per pool, the cost of all that the account was ever leased for, less what is in flight now. An
    answer of upstream counts at least this much; what was leased beyond it may not be in the answer yet.
    """

    account_id: int
    secret: str = field(repr=False)
    tier: Tier
    settled: Mapping[str, int]


@dataclass(frozen=True)
class QuotaReading:
    """Upstream's word on a quota pool: calls left, and when (epoch seconds) the window ends at the latest, None
    when that is unknown: then a quota that is used up counts as such for DEFAULT_WINDOW_S."""

    remaining: int
    window_ends_at: float | None = None


@dataclass(frozen=True)
class Finding:
    """What a check found. quotas: by pool, those that upstream told.

    good: failures are forgotten, and an expired account is active again unless it was BLOCKED. failure,
    strike_limit, expire: as in a Settlement.
    """

    quotas: Mapping[str, QuotaReading] = field(default_factory=dict)
    good: bool = False
    failure: str | None = None
    strike_limit: int | None = None
    expire: str | None = None


@dataclass(frozen=True)
class AddReport:
    """What became of the values handed in; blank lines are not counted."""

    added: int = 0
    duplicates: int = 0
    moved: int = 0
    invalid: int = 0

    def __str__(self) -> str:
        return (
            f"{self.added} added, {self.duplicates} known already, {self.moved} moved, {self.invalid} invalid"
        )


@dataclass(frozen=True)
class LeaseRequest:
    """What a client's request needs of an account.

    tiers: in order of preference. cost: calls of the pool's quota. exclude: ids that this request has
    tried. max_in_flight: per account, 0 = no limit. first_attempt: False for a request's own failover,
    which does not count as a client request for the accounts that sit some out.
    """

    tiers: tuple[Tier, ...]
    pool: str
    cost: int
    exclude: tuple[int, ...] = ()
    max_in_flight: int = 0
    first_attempt: bool = True


@dataclass(frozen=True)
class Lease:
    """An account taken for one attempt. `remaining_before`: the quota before the cost was taken."""

    id: str
    account_id: int
    secret: str = field(repr=False)
    tier: Tier
    pool: str
    cost: int
    remaining_before: int | None


@dataclass(frozen=True)
class Settlement:
    """What the end of a lease changes, decided here and carried out by the storage.

    used: the real cost. What the lease took beyond it is given back, unless the lease is void by then.
    reset: failures are forgotten.
    failure: a reason to note and count. strike_limit: this failure counts towards expiry, and the
    account expires with `failure` at that many in a row. expire: the reason to expire at once.
    cooldown_s: out of choice for this long (never shortens a running cooldown). rest_requests,
    rest_s: sits out that many client requests, at most that long, unless nothing else is fit.
    exhausted: nothing is left in this window.
    """

    outcome: Outcome
    used: int
    reset: bool = False
    failure: str | None = None
    strike_limit: int | None = None
    expire: str | None = None
    cooldown_s: float | None = None
    rest_requests: int = 0
    rest_s: float = 0.0
    exhausted: bool = False


@dataclass(frozen=True)
class Shortage:
    """Why no account is fit, in counts of accounts, and when (epoch seconds) the first one returns."""

    total: int = 0
    cooling: int = 0
    exhausted: int = 0
    expired: int = 0
    disabled: int = 0
    wrong_tier: int = 0
    busy: int = 0
    tried: int = 0
    returns_at: float | None = None

    #: What may stand in the way: what passes, what does not, and that there is none.
    PASSING: ClassVar[tuple[str, ...]] = ("cooling", "exhausted", "busy", "tried")
    LASTING: ClassVar[tuple[str, ...]] = ("expired", "disabled", "wrong_tier")
    REASONS: ClassVar[tuple[str, ...]] = (*PASSING, *LASTING, "no_account")

    @property
    def main_reason(self) -> str:
        """One of REASONS: what holds for the most accounts, but first of those for which it passes."""
        for reasons in (self.PASSING, self.LASTING):
            reason = max(reasons, key=lambda name: int(getattr(self, name)))
            if getattr(self, reason):
                return reason
        return self.REASONS[-1]

    @property
    def hopeless(self) -> bool:
        """Whether waiting does not help: there is none that could ever serve this request."""
        return not any(getattr(self, reason) for reason in self.PASSING)

    def describe(self) -> str:
        if self.total == 0:
            return "No account is configured. Add one with `flask accounts add` or POST /api/tokens/add."
        words = (
            (self.cooling, "cooling down"),
            (self.exhausted, "out of quota"),
            (self.busy, "at the limit of requests in flight"),
            (self.expired, "expired"),
            (self.disabled, "disabled"),
            (self.wrong_tier, "of a tier that this model cannot use"),
        )
        reasons = ", ".join(f"{count} {word}" for count, word in words if count)
        return f"No account can serve this request now (of {self.total}: {reasons or 'none fit'})."


@dataclass(frozen=True)
class TierSummary:
    """A tier's accounts in counts. statuses: each status, as `status_of` has it. disabled: also counted under their
    status. fit: a request for the default pool could be given them now, but for the limit of requests in flight.

    By quota pool, of those that are neither disabled nor expired: remaining: the sum of the calls left, where known.
    unknown: of how many they are not known; a window that is over tells nothing.
    """

    statuses: dict[Status, int]
    disabled: int
    fit: int
    remaining: dict[str, int]
    unknown: dict[str, int]


def status_of(account: Account, now: float) -> Status:
    """The one word that stands for an account: what it is for its default pool."""
    if account.expired_reason is not None:
        return Status.EXPIRED
    quota = account.quotas.get(DEFAULT_POOL, Quota())
    if quota.cooldown_until is not None and quota.cooldown_until > now:
        return Status.COOLING
    if is_exhausted(quota, now):
        return Status.EXHAUSTED
    if quota.rest_until is not None and quota.rest_until > now:
        return Status.COOLING
    known = any(q.remaining is not None for q in account.quotas.values())
    return Status.ACTIVE if known or account.request_count else Status.UNUSED


def is_exhausted(quota: Quota, now: float) -> bool:
    """Whether nothing is left until the window ends."""
    if quota.remaining is None or quota.remaining > 0:
        return False
    return quota.window_ends_at is None or quota.window_ends_at > now


def settlement_for(
    outcome: Outcome,
    lease: Lease,
    *,
    reason: str = "",
    used: int | None = None,
    wait_s: float | None = None,
    exhausted: bool = False,
) -> Settlement:
    """The rules: what each outcome costs an account.

    reason: noted as the last failure. used: the real cost when it is not the lease's. wait_s: how long
    upstream itself says to wait. exhausted: upstream said that the quota is gone.
    """
    spent = lease.cost if used is None else used
    if outcome is Outcome.CHALLENGED:
        return Settlement(outcome, used=0)  # it never came to the account
    if outcome is Outcome.SUCCESS:
        return Settlement(outcome, spent, reset=True)
    if outcome is Outcome.DEAD:
        return Settlement(outcome, spent, failure=reason, expire=reason)
    if outcome is Outcome.UNAUTHORIZED:
        return Settlement(outcome, spent, failure=reason, strike_limit=UNAUTHORIZED_LIMIT)
    if outcome is Outcome.CAPACITY:
        wait = CAPACITY_S if wait_s is None else min(wait_s, CAPACITY_S)
        return Settlement(outcome, spent, failure=reason, cooldown_s=wait)
    if outcome is Outcome.RATE_LIMITED:
        gone = exhausted or (lease.remaining_before is not None and lease.remaining_before <= lease.cost)
        default = RATE_LIMITED_EXHAUSTED_S if gone else RATE_LIMITED_S
        wait = wait_s if wait_s is not None and wait_s > 0 else default
        return Settlement(outcome, spent, failure=reason, cooldown_s=wait, exhausted=gone)
    if outcome is Outcome.FAILED:
        return Settlement(outcome, spent, failure=reason, rest_requests=REST_REQUESTS, rest_s=REST_MAX_S)
    return Settlement(outcome, spent)  # abandoned, our fault: no penalty


def dedupe(secrets: Sequence[str]) -> list[str]:
    """Each secret once, in the order of first appearance."""
    return list(dict.fromkeys(secrets))
