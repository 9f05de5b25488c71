"""Ending a lease: what its outcome changes in the account and in its standing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, exists, select, update

from grok2api.accounts import DEFAULT_WINDOW_S, Lease, Settlement
from grok2api.storage.sql.choice import release, request_number
from grok2api.storage.sql.standing import quotas, standings, write_standing
from grok2api.storage.sql.tables import AccountRow, table_of

_accounts = table_of(AccountRow)

_rests = exists().where(
    quotas.c.account_id == bindparam("account"),
    quotas.c.pool == bindparam("pool_name"),
    quotas.c.rest_until_request.is_not(None),
)
_PLAIN_SUCCESS = (
    update(_accounts)
    .where(
        _accounts.c.id == bindparam("account"),
        _accounts.c.strikes == 0,
        _accounts.c.failed_count == 0,
        ~_rests,
    )
    .values(request_count=_accounts.c.request_count + 1, last_used_at=bindparam("now"))
)


def settle(connection: Connection, lease: Lease, settlement: Settlement, now: float) -> None:
    """The contract's `settle`, within a transaction."""
    if not (_is_plain(settlement, lease) and _count_success(connection, lease, now)):
        _carry_out(connection, lease, settlement, now)
    release(connection, lease.id, lease.account_id)


def _is_plain(settlement: Settlement, lease: Lease) -> bool:
    return settlement.reset and settlement.used <= lease.cost


def _count_success(connection: Connection, lease: Lease, now: float) -> bool:
    """The common end: an account without failures to forget needs no more than its counters. False: it has some."""
    values = {"account": lease.account_id, "pool_name": lease.pool, "now": now}
    return bool(connection.execute(_PLAIN_SUCCESS, values).rowcount)


def _carry_out(connection: Connection, lease: Lease, settlement: Settlement, now: float) -> None:
    query = select(_accounts).where(_accounts.c.id == lease.account_id).with_for_update()
    account = connection.execute(query).mappings().one_or_none()
    if account is None:
        return  # deleted meanwhile
    changes = _account_changes(account, settlement, now)
    connection.execute(update(_accounts).where(_accounts.c.id == lease.account_id).values(**changes))
    expired = changes.get("expired_reason", account["expired_reason"]) is not None
    for row in standings(connection, lease.account_id):
        if row["pool"] == lease.pool:
            _change_standing(connection, row, lease, settlement, now)
        write_standing(connection, row, out=expired or account["disabled"], now=now)


def _account_changes(account: Any, settlement: Settlement, now: float) -> dict[str, Any]:
    changes: dict[str, Any] = {"request_count": account["request_count"] + 1, "last_used_at": now}
    if settlement.reset:
        changes |= {"strikes": 0, "failed_count": 0}
    if settlement.failure is not None:
        reason = settlement.failure[:255]
        changes |= {"failed_count": account["failed_count"] + 1}
        changes |= {"last_failure_at": now, "last_failure_reason": reason}
        if settlement.strike_limit is not None:
            changes["strikes"] = account["strikes"] + 1
            if changes["strikes"] >= settlement.strike_limit and account["expired_reason"] is None:
                changes["expired_reason"] = reason[:64]
        elif not settlement.expire:
            changes["strikes"] = 0  # something else came between: the refusals were not in a row
    if settlement.expire is not None:
        changes["expired_reason"] = settlement.expire[:64]
    return changes


def _change_standing(
    connection: Connection, row: dict[str, Any], lease: Lease, settlement: Settlement, now: float
) -> None:
    if row["remaining"] is not None and settlement.used > lease.cost:
        row["remaining"] = max(0, row["remaining"] - (settlement.used - lease.cost))
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
