"""What upstream says of an account when it is asked: its quota, and whether its secret is good."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from grok2api.accounts import BLOCKED, Check, Finding, Tier
from grok2api.storage.sql.choice import release_void
from grok2api.storage.sql.failures import failure_changes
from grok2api.storage.sql.standing import standings, write_standings
from grok2api.storage.sql.tables import AccountRow, table_of

_accounts = table_of(AccountRow)


def begin_check(connection: Connection, account_id: int, now: float, unless_since: float) -> Check | None:
    """The contract's `begin_check`, within a transaction; the secret is as it is stored."""
    query = select(_accounts.c.secret, _accounts.c.tier, _accounts.c.checked_at)
    account = connection.execute(query.where(_accounts.c.id == account_id)).one_or_none()
    if account is None or account.checked_at > unless_since:
        return None
    connection.execute(update(_accounts).where(_accounts.c.id == account_id).values(checked_at=now))
    release_void(connection, now)
    settled = {row["pool"]: row["taken"] - row["held"] for row in standings(connection, account_id)}
    return Check(account_id, account.secret, Tier(account.tier), settled)


def end_check(connection: Connection, check: Check, finding: Finding, now: float) -> None:
    """The contract's `end_check`, within a transaction."""
    account = (
        connection.execute(select(_accounts).where(_accounts.c.id == check.account_id))
        .mappings()
        .one_or_none()
    )
    if account is None:
        return
    changes = failure_changes(account, finding, now)
    if finding.good:
        changes |= {"strikes": 0, "failed_count": 0}
        if account["expired_reason"] != BLOCKED:
            changes["expired_reason"] = None
    if changes:
        connection.execute(update(_accounts).where(_accounts.c.id == check.account_id).values(**changes))
    expired = changes.get("expired_reason", account["expired_reason"]) is not None
    rows = standings(connection, check.account_id)
    for row in rows:
        reading = finding.quotas.get(row["pool"])
        if reading is not None:
            unseen = row["taken"] - check.settled.get(row["pool"], 0)
            row["remaining"] = max(0, reading.remaining - unseen)
            row["window_ends_at"] = reading.window_ends_at
    write_standings(connection, [(row, expired or account["disabled"]) for row in rows], now=now)
