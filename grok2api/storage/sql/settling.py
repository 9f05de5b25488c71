"""Ending a lease: what its outcome changes in the account and in its standing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, exists, select, update

from grok2api.accounts import DEFAULT_WINDOW_S, Lease, Settlement
from grok2api.storage.sql.choice import DELETE_LEASE, FREE_SLOT, forget_void, release, request_number
from grok2api.storage.sql.failures import failure_changes
from grok2api.storage.sql.prepared import Prepared, run_together
from grok2api.storage.sql.standing import quotas, standings, write_standings
from grok2api.storage.sql.tables import AccountRow, LeaseRow, table_of

_accounts, _leases = table_of(AccountRow), table_of(LeaseRow)

_no_failures = exists().where(
    _accounts.c.id == bindparam("account"), _accounts.c.strikes == 0, _accounts.c.failed_count == 0
)
_rests = exists().where(
    quotas.c.account_id == bindparam("account"),
    quotas.c.pool == bindparam("pool_name"),
    quotas.c.rest_until_request.is_not(None),
)
# An update, although a deletion would do: MySQL locks what a deletion's conditions read, and settlements of one account
# would stand in each other's way.
_CLAIM_PLAIN = Prepared(
    update(_leases)
    .where(_leases.c.id == bindparam("lease"), _no_failures, ~_rests)
    .values(cost=_leases.c.cost)
)
_COUNT = Prepared(
    update(_accounts)
    .where(_accounts.c.id == bindparam("account"))
    .values(request_count=_accounts.c.request_count + 1, last_used_at=bindparam("now"))
)


def is_plain(settlement: Settlement, lease: Lease) -> bool:
    """Whether `settle_plainly` may be enough."""
    return settlement.reset and settlement.used == lease.cost


def settle_plainly(connection: Connection, lease: Lease, now: float) -> bool:
    """The common end, within a transaction of its own beside others: the lease is dropped, and its account, which has
    no failures to forget, needs no more than its counters. False: nothing was done, as there is more to do."""
    slot = {"account": lease.account_id, "pool_name": lease.pool, "cost": lease.cost}
    claim = {"lease": lease.id, "account": lease.account_id, "pool_name": lease.pool}
    if not _CLAIM_PLAIN.run(connection, claim).rowcount:
        return False
    run_together(
        connection,
        (DELETE_LEASE, {"lease": lease.id}),
        (FREE_SLOT, slot),
        (_COUNT, {"account": lease.account_id, "now": now}),
    )
    return True


def settle(connection: Connection, lease: Lease, settlement: Settlement, now: float) -> None:
    """The contract's `settle`, within a transaction."""
    held = release(connection, lease.id, lease.account_id, lease.pool, lease.cost)
    if held or forget_void(connection, lease.id):
        _carry_out(connection, lease, settlement, now, held=held)


def _carry_out(
    connection: Connection, lease: Lease, settlement: Settlement, now: float, *, held: bool
) -> None:
    query = select(_accounts).where(_accounts.c.id == lease.account_id)
    account = connection.execute(query).mappings().one_or_none()
    if account is None:
        return  # deleted meanwhile
    changes = _account_changes(account, settlement, now)
    connection.execute(update(_accounts).where(_accounts.c.id == lease.account_id).values(**changes))
    expired = changes.get("expired_reason", account["expired_reason"]) is not None
    rows = standings(connection, lease.account_id)
    for row in rows:
        if row["pool"] == lease.pool:
            _charge(row, settlement.used - lease.cost, held=held)
            _change_standing(connection, row, lease, settlement, now)
    write_standings(connection, [(row, expired or account["disabled"]) for row in rows], now=now)


def _account_changes(account: Any, settlement: Settlement, now: float) -> dict[str, Any]:
    changes: dict[str, Any] = {"request_count": _accounts.c.request_count + 1, "last_used_at": now}
    if settlement.reset:
        changes |= {"strikes": 0, "failed_count": 0}
    return changes | failure_changes(account, settlement, now)


def _charge(row: dict[str, Any], more: int, *, held: bool) -> None:
    """The real cost, where it is more than was taken, or less; a void lease's cost stays spent."""
    if more > 0 or held:
        row["taken"] += more
        if row["remaining"] is not None:
            row["remaining"] = max(0, row["remaining"] - more)


def _change_standing(
    connection: Connection, row: dict[str, Any], lease: Lease, settlement: Settlement, now: float
) -> None:
    if settlement.reset:
        row["rest_until_request"] = row["rest_until_at"] = None
    if settlement.exhausted:
        row["remaining"] = 0
        row["window_ends_at"] = now + (settlement.cooldown_s or DEFAULT_WINDOW_S)
    if settlement.cooldown_s is not None:
        row["cooldown_until"] = max(row["cooldown_until"] or 0.0, now + settlement.cooldown_s)
    if settlement.rest_requests:
        row["rest_until_request"] = request_number(connection, lease.pool) + settlement.rest_requests
        row["rest_until_at"] = now + settlement.rest_s
