"""Choosing an account and taking it, in a handful of index look-ups whatever the pool's size.

The statements are built once: making one costs more than running it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, exists, func, insert, select, update

from grok2api.accounts import LEASE_S, Lease, LeaseRequest, Tier
from grok2api.storage.sql.standing import quotas, standings, write_standing
from grok2api.storage.sql.tables import AccountRow, CounterRow, LeaseRow, State, table_of

_accounts, _counters, _leases = table_of(AccountRow), table_of(CounterRow), table_of(LeaseRow)

#: How many void leases or returning accounts are tidied up at a time: one lease goes on only while it
#: finds no account, so that a crowd that returns at once delays nobody for long.
_TIDY_LIMIT = 200

_of_pool = quotas.c.pool == bindparam("pool_name")
_of_account = quotas.c.account_id == bindparam("account")
_void = _leases.c.expires_at <= bindparam("now")
_due = and_(_of_pool, quotas.c.returns_at <= bindparam("now"))
_resting = and_(_of_pool, quotas.c.rest_until_request.is_not(None))
_choice = and_(_of_pool, quotas.c.tier == bindparam("tier"), quotas.c.state == bindparam("state"))

_TIDY = select(
    exists(select(_leases.c.id).where(_void)).label("void"),
    exists(select(quotas.c.account_id).where(_due)).label("due"),
    exists(select(quotas.c.account_id).where(_resting)).label("resting"),
)
_VOID_LEASES = (
    select(_leases.c.id, _leases.c.account_id).where(_void).order_by(_leases.c.expires_at).limit(_TIDY_LIMIT)
)
_DUE = select(quotas).where(_due).order_by(quotas.c.returns_at).limit(_TIDY_LIMIT).with_for_update()
_RESTED = (
    update(quotas)
    .where(
        _resting,
        (quotas.c.rest_until_request < bindparam("number")) | (quotas.c.rest_until_at <= bindparam("now")),
    )
    .values(
        # One that waits or is out as well stays what it is.
        state=case((quotas.c.state == State.RESTING, State.READY), else_=quotas.c.state),
        rest_until_request=None,
        rest_until_at=None,
    )
)
_BEST = (
    select(quotas.c.account_id, quotas.c.remaining, _accounts.c.secret)
    .join(_accounts, _accounts.c.id == quotas.c.account_id)
    .where(_choice, quotas.c.in_flight == bindparam("level"), quotas.c.quota_order <= bindparam("most"))
    .order_by(quotas.c.quota_order, quotas.c.used_at)
    .limit(1)
)
_BEST_UNTRIED = _BEST.where(quotas.c.account_id.not_in(bindparam("exclude", expanding=True)))
_NEXT_LEVEL = select(func.min(quotas.c.in_flight)).where(_choice, quotas.c.in_flight > bindparam("level"))
_drawn = and_(_of_pool, quotas.c.remaining.is_not(None))
_TAKE = (
    update(quotas)
    .where(_of_account)
    .values(
        in_flight=quotas.c.in_flight + 1,
        used_at=bindparam("now"),
        quota_order=case((_drawn, quotas.c.quota_order + bindparam("taken")), else_=quotas.c.quota_order),
        remaining=case((_drawn, quotas.c.remaining - bindparam("taken")), else_=quotas.c.remaining),
    )
)
_INSERT_LEASE = insert(_leases)
_DELETE_LEASE = delete(_leases).where(_leases.c.id == bindparam("lease"))
_RELEASE = update(quotas).where(_of_account, quotas.c.in_flight > 0).values(in_flight=quotas.c.in_flight - 1)
_COUNTER = select(_counters.c.value).where(_counters.c.name == bindparam("counter"))
_COUNT = update(_counters).where(_counters.c.name == bindparam("counter")).values(value=_counters.c.value + 1)


def take_best(connection: Connection, wanted: LeaseRequest, now: float) -> Lease | None:
    """The contract's `lease`, within a transaction."""
    waiting = connection.execute(_TIDY, {"pool_name": wanted.pool, "now": now}).one()
    if waiting.resting:
        _end_rests(connection, wanted, now)
    more = waiting.void or waiting.due
    while True:
        more = more and _tidy(connection, wanted.pool, now)
        for state in (State.READY,) if more else (State.READY, State.RESTING):
            for tier in wanted.tiers:
                row = _best(connection, wanted, tier, state)
                if row is not None:
                    return _take(connection, row, wanted, tier, now)
        if not more:
            return None


def release(connection: Connection, lease_id: str, account_id: int) -> None:
    """Drop a lease and the slot that it still holds."""
    if connection.execute(_DELETE_LEASE, {"lease": lease_id}).rowcount:
        connection.execute(_RELEASE, {"account": account_id})


def request_number(connection: Connection, pool: str) -> int:
    """How many client requests of a pool have been counted; starts the count."""
    number = connection.scalar(_COUNTER, {"counter": f"requests:{pool}"})
    if number is None:
        connection.execute(insert(_counters), {"name": f"requests:{pool}", "value": 0})
        return 0
    return int(number)


def _tidy(connection: Connection, pool: str, now: float) -> bool:
    """Free void leases and look again at accounts whose time has come; whether there may be more of them."""
    void = connection.execute(_VOID_LEASES, {"now": now}).all()
    for row in void:
        release(connection, row.id, row.account_id)
    due = connection.execute(_DUE, {"pool_name": pool, "now": now}).mappings().all()
    for standing in due:
        write_standing(connection, dict(standing), out=standing["state"] == State.OUT, now=now)
    return len(void) == _TIDY_LIMIT or len(due) == _TIDY_LIMIT


def _end_rests(connection: Connection, wanted: LeaseRequest, now: float) -> None:
    """Count this request and end the rests that are over.

    Requests are only counted while somebody rests: nobody else asks for the number.
    """
    number = request_number(connection, wanted.pool)
    if wanted.first_attempt:
        connection.execute(_COUNT, {"counter": f"requests:{wanted.pool}"})
        number += 1
    connection.execute(_RESTED, {"pool_name": wanted.pool, "now": now, "number": number})


def _best(connection: Connection, wanted: LeaseRequest, tier: Tier, state: State) -> Any:
    """The fit account with fewest requests in flight, then most quota, then longest unused.

    Level by level of requests in flight, so that accounts with too little quota left are stepped over by
    the index and never walked through.
    """
    choice: dict[str, Any] = {"pool_name": wanted.pool, "tier": tier, "state": state, "level": 0}
    query = _BEST
    values: dict[str, Any] = {"most": -wanted.cost}
    if wanted.exclude:
        query = _BEST_UNTRIED
        values["exclude"] = wanted.exclude
    while not wanted.max_in_flight or choice["level"] < wanted.max_in_flight:
        row = connection.execute(query, choice | values).first()
        if row is not None:
            return row
        level = connection.scalar(_NEXT_LEVEL, choice)
        if level is None:
            break
        choice["level"] = level
    return None


def _take(connection: Connection, row: Any, wanted: LeaseRequest, tier: Tier, now: float) -> Lease:
    lease = Lease(uuid.uuid4().hex, row.account_id, row.secret, tier, wanted.pool, wanted.cost, row.remaining)
    values = {"account": row.account_id, "pool_name": wanted.pool, "taken": wanted.cost, "now": now}
    connection.execute(_TAKE, values)
    if row.remaining == wanted.cost:  # nothing is left: it is out of choice until its window ends
        for standing in standings(connection, row.account_id):
            write_standing(connection, standing, out=False, now=now)
    connection.execute(
        _INSERT_LEASE, {"id": lease.id, "account_id": row.account_id, "expires_at": now + LEASE_S}
    )
    return lease


def leased_until(lease_ids: Sequence[str], now: float) -> Any:
    """The statement that renews leases which are not void."""
    query = update(_leases).where(_leases.c.id.in_(lease_ids), _leases.c.expires_at > now)
    return query.values(expires_at=now + LEASE_S)
