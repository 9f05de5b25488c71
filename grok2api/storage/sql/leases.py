"""The pool in SQL. Every public method is one transaction; the choosing, settling and checking itself lies in
modules of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, and_, case, func, select

from grok2api.accounts import Check, Finding, Lease, LeaseRequest, Settlement, Shortage
from grok2api.storage.base import Leases
from grok2api.storage.sql.checking import begin_check, end_check
from grok2api.storage.sql.choice import TIDY_LIMIT, forget_old_void, leased_until, release_void, take_best
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.settling import is_plain, settle, settle_plainly
from grok2api.storage.sql.standing import quotas
from grok2api.storage.sql.tables import AccountRow, State, table_of
from grok2api.storage.vault import Vault

_accounts = table_of(AccountRow)

_BATCH = 500


class SqlLeases(Leases):
    def __init__(self, runner: Runner, vault: Vault) -> None:
        self._runner = runner
        self.vault = vault

    def lease(self, wanted: LeaseRequest, now: float) -> Lease | None:
        def work(connection: Connection) -> Lease | None:
            lease = take_best(connection, wanted, now)
            # Opened here: when it cannot be, nothing is taken.
            return replace(lease, secret=self.vault.open(lease.secret)) if lease is not None else None

        return self._runner.write(work, brief=True)

    def renew(self, lease_ids: Sequence[str], now: float) -> None:
        def work(connection: Connection) -> None:
            for start in range(0, len(lease_ids), _BATCH):
                connection.execute(leased_until(lease_ids[start : start + _BATCH], now))

        self._runner.write(work)

    def settle(self, lease: Lease, settlement: Settlement, now: float) -> None:
        def plainly(connection: Connection) -> bool:
            return settle_plainly(connection, lease, now)

        if is_plain(settlement, lease) and self._runner.write_beside(plainly, brief=True):
            return
        self._runner.write(lambda connection: settle(connection, lease, settlement, now), brief=True)

    def heal(self, now: float) -> None:
        def work(connection: Connection) -> bool:
            forget_old_void(connection, now)
            return release_void(connection, now) == TIDY_LIMIT

        while self._runner.write(work):
            pass

    def shortage(self, wanted: LeaseRequest, now: float) -> Shortage:
        return self._runner.read(lambda connection: _shortage(connection, wanted, now))

    def begin_check(self, account_id: int, now: float, unless_since: float) -> Check | None:
        def work(connection: Connection) -> Check | None:
            check = begin_check(connection, account_id, now, unless_since)
            return replace(check, secret=self.vault.open(check.secret)) if check is not None else None

        return self._runner.write(work, brief=True)

    def end_check(self, check: Check, finding: Finding, now: float) -> None:
        self._runner.write(lambda connection: end_check(connection, check, finding, now), brief=True)


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
