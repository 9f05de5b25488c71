"""Short words for dealings with a pool of accounts, so that a test reads as its rule does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from grok2api.accounts import Account, Lease, LeaseRequest, Outcome, Tier, settlement_for
from grok2api.storage.base import Accounts

NOW = 1_700_000_000.0
HOUR_S = 3600.0

BOTH = (Tier.BASIC, Tier.SUPER)
ANY = LeaseRequest(tiers=BOTH, pool="default", cost=1)
COSTLY = replace(ANY, cost=4)
HEAVY = LeaseRequest(tiers=(Tier.SUPER,), pool="heavy", cost=1)


def wanting(**changes: Any) -> LeaseRequest:
    """A request for an account of any tier from the default pool at cost 1, but for `changes`."""
    return replace(ANY, **changes)


def add(
    accounts: Accounts, count: int, tier: Tier = Tier.BASIC, *, name: str = "", at: float = NOW
) -> list[int]:
    """Add so many new accounts; their ids in the order of adding."""
    secrets = [f"{name or tier}-{number:06}" for number in range(count)]
    assert accounts.add(secrets, tier, at).added == count
    ids = {account.secret: account.id for account in everyone(accounts)}
    return [ids[secret] for secret in secrets]


def take(accounts: Accounts, wanted: LeaseRequest = ANY, at: float = NOW) -> Lease:
    """A lease that there must be."""
    lease = accounts.lease(wanted, at)
    assert lease is not None, accounts.shortage(wanted, at)
    return lease


def end(
    accounts: Accounts, lease: Lease, outcome: Outcome = Outcome.SUCCESS, at: float = NOW, **more: Any
) -> None:
    accounts.settle(lease, settlement_for(outcome, lease, reason=str(outcome), **more), at)


def use(
    accounts: Accounts, outcome: Outcome, wanted: LeaseRequest = ANY, at: float = NOW, **more: Any
) -> int:
    """Take an account and end at once with this outcome; its id."""
    lease = take(accounts, wanted, at)
    end(accounts, lease, outcome, at, **more)
    return lease.account_id


def chosen(accounts: Accounts, wanted: LeaseRequest = ANY, at: float = NOW) -> int | None:
    """The id of the account that a request would be given now; the slot is free again after."""
    lease = accounts.lease(wanted, at)
    if lease is not None:
        end(accounts, lease, Outcome.ABANDONED, at)
    return lease.account_id if lease is not None else None


def everyone(accounts: Accounts) -> Sequence[Account]:
    return accounts.page(0, 100_000)[0]


def account(accounts: Accounts, account_id: int) -> Account:
    return next(one for one in everyone(accounts) if one.id == account_id)


def in_flight(accounts: Accounts) -> int:
    return sum(one.in_flight for one in everyone(accounts))
