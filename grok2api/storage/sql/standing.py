"""An account's standing in a quota pool: the one place that derives what choosing reads.

`state`, `returns_at` and `quota_order` of `account_quotas` follow from what is known of the account
(`remaining`, its window, its cooldown, its rest); `write_standing` stores them together.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from grok2api.accounts import DEFAULT_WINDOW_S, FULL_QUOTA
from grok2api.storage.sql.tables import QuotaRow, State, table_of

quotas = table_of(QuotaRow)


def new_standing(account_id: int, tier: str, pool: str) -> dict[str, Any]:
    """A new account's row in a pool: nothing is known, so its quota counts as full."""
    return {
        "account_id": account_id,
        "pool": pool,
        "tier": tier,
        "state": State.READY,
        "in_flight": 0,
        "quota_order": -FULL_QUOTA,
        "used_at": 0.0,
    }


def standings(connection: Connection, account_id: int) -> list[dict[str, Any]]:
    """An account's rows, locked for writing, in the order of their pools."""
    query = select(quotas).where(quotas.c.account_id == account_id).order_by(quotas.c.pool)
    return [dict(row) for row in connection.execute(query.with_for_update()).mappings()]


def write_standing(connection: Connection, row: dict[str, Any], *, out: bool, now: float) -> None:
    """Store a row after a change of what is known. `out`: the account is disabled or expired."""
    if row["window_ends_at"] is not None and row["window_ends_at"] <= now:
        row["remaining"] = row["window_ends_at"] = None
    if row["cooldown_until"] is not None and row["cooldown_until"] <= now:
        row["cooldown_until"] = None
    if row["remaining"] == 0 and row["window_ends_at"] is None:
        row["window_ends_at"] = now + DEFAULT_WINDOW_S
    waits = [row["cooldown_until"]] if row["cooldown_until"] is not None else []
    if row["remaining"] == 0:
        waits.append(row["window_ends_at"])
    row["quota_order"] = -(FULL_QUOTA if row["remaining"] is None else row["remaining"])
    if out:
        row["state"], row["returns_at"] = State.OUT, None
    elif waits:
        row["state"], row["returns_at"] = State.WAITING, max(waits)
    else:
        row["state"] = State.READY if row["rest_until_at"] is None else State.RESTING
        row["returns_at"] = row["window_ends_at"]
    kept = ("account_id", "pool", "tier", "in_flight", "used_at")
    query = update(quotas).where(quotas.c.account_id == row["account_id"], quotas.c.pool == row["pool"])
    connection.execute(query.values({name: value for name, value in row.items() if name not in kept}))
