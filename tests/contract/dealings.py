"""Short words for dealings with a pool of accounts, so that a test reads as its rule does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from grok2api.accounts import (
    Account,
    AccountEdit,
    Finding,
    Lease,
    LeaseRequest,
    Outcome,
    QuotaReading,
    Tier,
    settlement_for,
)
from grok2api.storage.base import Store

NOW = 1_700_000_000.0
HOUR_S = 3600.0

BOTH = (Tier.BASIC, Tier.SUPER)
ANY = LeaseRequest(tiers=BOTH, pool="default", cost=1)
COSTLY = replace(ANY, cost=4)
HEAVY = LeaseRequest(tiers=(Tier.SUPER,), pool="heavy", cost=1)


def wanting(**changes: Any) -> LeaseRequest:
    """A request for an account of any tier from the default pool at cost 1, but for `changes`."""
    return replace(ANY, **changes)


def add(store: Store, count: int, tier: Tier = Tier.BASIC, *, name: str = "", at: float = NOW) -> list[int]:
    """Add so many new accounts; their ids in the order of adding."""
    secrets = [f"{name or tier}-{number:06}" for number in range(count)]
    assert store.accounts.add(secrets, tier, at).added == count
    ids = {account.secret: account.id for account in everyone(store)}
    return [ids[secret] for secret in secrets]


def take(store: Store, wanted: LeaseRequest = ANY, at: float = NOW) -> Lease:
    """A lease that there must be."""
    lease = store.leases.lease(wanted, at)
    assert lease is not None, store.leases.shortage(wanted, at)
    return lease


def end(store: Store, lease: Lease, outcome: Outcome = Outcome.SUCCESS, at: float = NOW, **more: Any) -> None:
    store.leases.settle(lease, settlement_for(outcome, lease, reason=str(outcome), **more), at)


def use(store: Store, outcome: Outcome, wanted: LeaseRequest = ANY, at: float = NOW, **more: Any) -> int:
    """Take an account and end at once with this outcome; its id."""
    lease = take(store, wanted, at)
    end(store, lease, outcome, at, **more)
    return lease.account_id


def chosen(store: Store, wanted: LeaseRequest = ANY, at: float = NOW) -> int | None:
    """The id of the account that a request would be given now; the slot is free again after."""
    lease = store.leases.lease(wanted, at)
    if lease is not None:
        end(store, lease, Outcome.ABANDONED, at)
    return lease.account_id if lease is not None else None


def everyone(store: Store) -> Sequence[Account]:
    return store.accounts.walk(0, 100_000)


def account(store: Store, account_id: int) -> Account:
    return next(one for one in everyone(store) if one.id == account_id)


def in_flight(store: Store) -> int:
    return sum(one.in_flight for one in everyone(store))


def set_quota(
    store: Store, ids: Sequence[int], pool: str, remaining: int, *, now: float, ends_at: float | None = None
) -> None:
    """What upstream says of these accounts' quota."""
    finding = Finding(quotas={pool: QuotaReading(remaining, ends_at)})
    for id_ in ids:
        check = store.leases.begin_check(id_, now, now)
        assert check is not None
        store.leases.end_check(check, finding, now)


def disable(store: Store, *ids: int) -> None:
    assert store.accounts.edit(ids, AccountEdit(disabled=True), NOW) == len(ids)


def describe(store: Store, id_: int, note: str, tags: tuple[str, ...]) -> None:
    assert store.accounts.edit([id_], AccountEdit(note=note, tags=tags), NOW) == 1
