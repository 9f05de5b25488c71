"""The accounts in SQL: adding, listing and counting them; choosing and settling have modules of their own.

Every public method is one transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, case, func, insert, select, update

from grok2api.accounts import (
    Account,
    AddReport,
    Lease,
    LeaseRequest,
    Quota,
    Settlement,
    Shortage,
    Tier,
    dedupe,
)
from grok2api.storage.base import Accounts
from grok2api.storage.sql.choice import leased_until, take_best
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.settling import settle
from grok2api.storage.sql.standing import new_standing, quotas
from grok2api.storage.sql.tables import AccountRow, State, TagRow, table_of

_accounts, _tags = table_of(AccountRow), table_of(TagRow)

_BATCH = 500


class SqlAccounts(Accounts):
    def __init__(self, runner: Runner, pools: Sequence[str]) -> None:
        self._runner = runner
        self._pools = tuple(pools)
        runner.write(self._ensure_pools)

    def add(self, secrets: Sequence[str], tier: Tier, now: float) -> AddReport:
        by_digest = {digest_of(secret): secret for secret in dedupe(secrets)}

        def work(connection: Connection) -> AddReport:
            known = _tiers_of(connection, list(by_digest))
            new = [digest for digest in by_digest if digest not in known]
            moved = [digest for digest, (_, old) in known.items() if old != tier]
            _move(connection, [known[digest][0] for digest in moved], tier)
            for start in range(0, len(new), _BATCH):
                self._insert(connection, {d: by_digest[d] for d in new[start : start + _BATCH]}, tier, now)
            return AddReport(len(new), len(secrets) - len(new) - len(moved), len(moved))

        return self._runner.write(work)

    def page(self, offset: int, limit: int) -> tuple[list[Account], int]:
        def work(connection: Connection) -> tuple[list[Account], int]:
            total = connection.scalar(select(func.count()).select_from(_accounts)) or 0
            rows = connection.execute(select(_accounts).order_by(_accounts.c.id).offset(offset).limit(limit))
            return _with_details(connection, [dict(row) for row in rows.mappings()]), total

        return self._runner.read(work)

    def lease(self, wanted: LeaseRequest, now: float) -> Lease | None:
        return self._runner.write(lambda connection: take_best(connection, wanted, now))

    def renew(self, lease_ids: Sequence[str], now: float) -> None:
        def work(connection: Connection) -> None:
            for start in range(0, len(lease_ids), _BATCH):
                connection.execute(leased_until(lease_ids[start : start + _BATCH], now))

        self._runner.write(work)

    def settle(self, lease: Lease, settlement: Settlement, now: float) -> None:
        self._runner.write(lambda connection: settle(connection, lease, settlement, now))

    def shortage(self, wanted: LeaseRequest, now: float) -> Shortage:
        return self._runner.read(lambda connection: _shortage(connection, wanted, now))

    def _ensure_pools(self, connection: Connection) -> None:
        """A standing in each pool for every account, also in pools that the catalogue has got since."""
        for pool in self._pools:
            standing = select(quotas.c.account_id).where(
                quotas.c.account_id == _accounts.c.id, quotas.c.pool == pool
            )
            missing = select(
                _accounts.c.id, _accounts.c.tier, _accounts.c.disabled, _accounts.c.expired_reason
            )
            rows = [
                new_standing(row.id, row.tier, pool)
                | ({"state": State.OUT} if row.disabled or row.expired_reason is not None else {})
                for row in connection.execute(missing.where(~standing.exists()))
            ]
            if rows:
                connection.execute(insert(quotas), rows)

    def _insert(self, connection: Connection, secrets: dict[str, str], tier: Tier, now: float) -> None:
        blank = {"disabled": False, "strikes": 0, "failed_count": 0, "note": "", "request_count": 0}
        rows = [
            {"digest": digest, "secret": secret, "tier": tier, "created_at": now} | blank
            for digest, secret in secrets.items()
        ]
        connection.execute(insert(_accounts), rows)
        ids = connection.scalars(select(_accounts.c.id).where(_accounts.c.digest.in_(secrets))).all()
        connection.execute(
            insert(quotas), [new_standing(id_, tier, pool) for id_ in ids for pool in self._pools]
        )


def digest_of(secret: str) -> str:
    """What an account is found by, so that its secret needs no index."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _tiers_of(connection: Connection, digests: list[str]) -> dict[str, tuple[int, str]]:
    """Id and tier of the accounts that exist, by digest."""
    found: dict[str, tuple[int, str]] = {}
    for start in range(0, len(digests), _BATCH):
        query = select(_accounts.c.digest, _accounts.c.id, _accounts.c.tier)
        rows = connection.execute(query.where(_accounts.c.digest.in_(digests[start : start + _BATCH])))
        found.update({row.digest: (row.id, row.tier) for row in rows})
    return found


def _move(connection: Connection, ids: Sequence[int], tier: Tier) -> None:
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        connection.execute(update(_accounts).where(_accounts.c.id.in_(batch)).values(tier=tier))
        connection.execute(update(quotas).where(quotas.c.account_id.in_(batch)).values(tier=tier))


def _with_details(connection: Connection, rows: list[dict[str, Any]]) -> list[Account]:
    ids = [row["id"] for row in rows]
    standing: dict[int, dict[str, Quota]] = {}
    in_flight: dict[int, int] = {}
    tags: dict[int, list[str]] = {}
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        for row in connection.execute(select(quotas).where(quotas.c.account_id.in_(batch))):
            standing.setdefault(row.account_id, {})[row.pool] = Quota(
                row.remaining, row.window_ends_at, row.cooldown_until, row.state == State.RESTING
            )
            in_flight[row.account_id] = row.in_flight
        for row in connection.execute(
            select(_tags).where(_tags.c.account_id.in_(batch)).order_by(_tags.c.tag)
        ):
            tags.setdefault(row.account_id, []).append(row.tag)
    own = ("digest", "strikes", "tier")
    return [
        Account(
            **{name: value for name, value in row.items() if name not in own},
            tier=Tier(row["tier"]),
            quotas=standing.get(row["id"], {}),
            in_flight=in_flight.get(row["id"], 0),
            tags=tuple(tags.get(row["id"], ())),
        )
        for row in rows
    ]


def _shortage(connection: Connection, wanted: LeaseRequest, now: float) -> Shortage:
    def count(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    quota, out = quotas.c, quotas.c.state == State.OUT
    fit_tier = quota.tier.in_(wanted.tiers)
    waiting = and_(fit_tier, quota.state == State.WAITING)
    standing = and_(fit_tier, quota.state.in_((State.READY, State.RESTING)))
    tried = quota.account_id.in_(wanted.exclude)
    cooling = and_(waiting, quota.cooldown_until > now)
    poor = and_(standing, ~tried, quota.quota_order > -wanted.cost)
    busy = and_(standing, ~tried, quota.quota_order <= -wanted.cost)
    query = select(
        func.count().label("total"),
        count(and_(out, _accounts.c.disabled.is_(False))).label("expired"),
        count(and_(out, _accounts.c.disabled.is_(True))).label("disabled"),
        count(and_(~out, ~fit_tier)).label("wrong_tier"),
        count(cooling).label("cooling"),
        (count(and_(waiting, func.coalesce(quota.cooldown_until, 0) <= now)) + count(poor)).label(
            "exhausted"
        ),
        count(busy).label("busy"),
        count(and_(standing, tried)).label("tried"),
        func.min(case((waiting, quota.returns_at), (poor, quota.window_ends_at))).label("returns_at"),
    ).join(_accounts, _accounts.c.id == quota.account_id)
    row = connection.execute(query.where(quota.pool == wanted.pool)).mappings().one()
    returns_at = row["returns_at"]
    counts = {name: int(value) for name, value in row.items() if name != "returns_at"}
    return Shortage(**counts, returns_at=returns_at)
