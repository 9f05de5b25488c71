"""An account's standing in a quota pool: the one place that derives what choosing reads.

`state`, `returns_at` and `quota_order` of `account_quotas` follow from what is known of the account
(`remaining`, its window, its cooldown, its rest); `write_standings` stores them together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from grok2api.accounts import DEFAULT_WINDOW_S, FULL_QUOTA
from grok2api.storage.sql.tables import QuotaRow, State, table_of

quotas = table_of(QuotaRow)

_WRITTEN = (
    "state", "returns_at", "quota_order", "remaining", "taken", "window_ends_at", "cooldown_until",
    "rest_until_request", "rest_until_at",
)  # fmt: skip
_WRITE = (
    update(quotas)
    .where(quotas.c.account_id == bindparam("account"), quotas.c.pool == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in _WRITTEN})
)


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
        "held": 0,
        "taken": 0,
    }


def standings(connection: Connection, account_id: int) -> list[dict[str, Any]]:
    """An account's rows, for writing, in the order of their pools."""
    query = select(quotas).where(quotas.c.account_id == account_id).order_by(quotas.c.pool)
    return [dict(row) for row in connection.execute(query).mappings()]


def write_standings(
    connection: Connection, rows: Iterable[tuple[dict[str, Any], bool]], *, now: float
) -> None:
    """Store rows after a change of what is known, each with its `out`: the account is disabled or expired."""
    changes = []
    for row, out in rows:
        derive(row, out=out, now=now)
        change = {f"new_{name}": row[name] for name in _WRITTEN}
        changes.append(change | {"account": row["account_id"], "of": row["pool"]})
    if changes:
        connection.execute(_WRITE, changes)


def derive(row: dict[str, Any], *, out: bool, now: float) -> None:
    """Bring what follows from a row's facts up to date."""
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
