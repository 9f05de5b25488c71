"""The accounts in counts, by tier."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, select

from grok2api.accounts import DEFAULT_POOL, Status, Tier, TierSummary
from grok2api.storage.sql.listing import status_in_sql
from grok2api.storage.sql.standing import quotas
from grok2api.storage.sql.tables import AccountRow, State, table_of

_accounts = table_of(AccountRow)


def summary(connection: Connection, pools: Sequence[str], now: float) -> dict[Tier, TierSummary]:
    """The contract's `summary`. pools: those that are told also where no account has a standing in them."""
    statuses: dict[str, Counter[str]] = defaultdict(Counter)
    disabled: Counter[str] = Counter()
    fit: Counter[str] = Counter()
    for tier, is_disabled, status, cools, count in connection.execute(_by_status(now)):
        statuses[tier][status] += count
        if is_disabled:
            disabled[tier] += count
        elif status in (Status.ACTIVE, Status.UNUSED) or (status == Status.COOLING and not cools):
            fit[tier] += count  # also one that only rests
    remaining: dict[str, dict[str, int]] = {tier: dict.fromkeys(pools, 0) for tier in Tier}
    unknown: dict[str, dict[str, int]] = {tier: dict.fromkeys(pools, 0) for tier in Tier}
    for tier, pool, left, unheard in connection.execute(_by_pool(now)):
        remaining[tier][pool], unknown[tier][pool] = int(left), int(unheard)  # MySQL sums up to decimals
    return {
        tier: TierSummary(_all(statuses[tier]), disabled[tier], fit[tier], remaining[tier], unknown[tier])
        for tier in Tier
    }


def _all(counts: Counter[str]) -> dict[Status, int]:
    return {status: counts[status] for status in Status}


def _by_status(now: float) -> Select[Any]:
    cools = func.coalesce(quotas.c.cooldown_until > now, False)
    keys = (_accounts.c.tier, _accounts.c.disabled, status_in_sql(now).label("status"), cools.label("cools"))
    standing = and_(quotas.c.account_id == _accounts.c.id, quotas.c.pool == DEFAULT_POOL)
    counted = select(*keys).select_from(_accounts).outerjoin(quotas, standing).subquery()
    columns = (counted.c.tier, counted.c.disabled, counted.c.status, counted.c.cools)
    return select(*columns, func.count()).group_by(*columns)


def _by_pool(now: float) -> Select[Any]:
    over = func.coalesce(quotas.c.window_ends_at <= now, False)
    known = and_(quotas.c.remaining.is_not(None), ~over)
    sums = (func.sum(case((known, quotas.c.remaining), else_=0)), func.sum(case((known, 0), else_=1)))
    query = select(quotas.c.tier, quotas.c.pool, *sums).where(quotas.c.state != State.OUT)
    return query.group_by(quotas.c.tier, quotas.c.pool)
