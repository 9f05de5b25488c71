"""Choosing an account and taking it, in a handful of index look-ups whatever the pool's size.

The statements are built once, and those of every request compiled once: making one costs more than running it.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, case, delete, exists, func, insert, select, update

from grok2api.accounts import LEASE_S, VOID_KEPT_S, Lease, LeaseRequest, Tier
from grok2api.storage.sql.prepared import Prepared, run_together
from grok2api.storage.sql.standing import quotas, standings, write_standings
from grok2api.storage.sql.tables import AccountRow, CounterRow, LeaseRow, State, VoidLeaseRow, table_of

_accounts, _counters = table_of(AccountRow), table_of(CounterRow)
_leases, _void_leases = table_of(LeaseRow), table_of(VoidLeaseRow)

#: How many void leases or returning accounts are tidied up at a time: one lease goes on only while it
#: finds no account, so that a crowd that returns at once delays nobody for long.
TIDY_LIMIT = 200

_NO_LIMIT = 2**31 - 1

_of_pool = quotas.c.pool == bindparam("pool_name")
_of_account = quotas.c.account_id == bindparam("account")
_void = _leases.c.expires_at <= bindparam("now")
_due = and_(_of_pool, quotas.c.returns_at <= bindparam("now"))
_resting = and_(_of_pool, quotas.c.rest_until_request.is_not(None))
_choice = and_(_of_pool, quotas.c.tier == bindparam("tier"), quotas.c.state == bindparam("state"))

_TO_TIDY = (
    exists(select(_leases.c.id).where(_void)),
    exists(select(quotas.c.account_id).where(_due)),
    exists(select(quotas.c.account_id).where(_resting)),
)
_TIDY = Prepared(select(*_TO_TIDY))
_VOID_LEASES = select(_leases).where(_void).order_by(_leases.c.expires_at).limit(TIDY_LIMIT)
_DUE = select(quotas).where(_due).order_by(quotas.c.returns_at).limit(TIDY_LIMIT)
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
    # MySQL's statistics lag behind a crowd that was just added.
    .with_hint(quotas, "FORCE INDEX (ix_account_quotas_choice)", "mysql")
    .where(_choice, quotas.c.in_flight == bindparam("level"), quotas.c.quota_order <= bindparam("most"))
    .order_by(quotas.c.quota_order, quotas.c.used_at)
    .limit(1)
)
#: The same at any level of requests in flight, for the last look.
_ANY = (
    select(quotas.c.account_id, quotas.c.remaining, _accounts.c.secret)
    .join(_accounts, _accounts.c.id == quotas.c.account_id)
    .with_hint(quotas, "FORCE INDEX (ix_account_quotas_choice)", "mysql")
    .where(
        _choice,
        quotas.c.quota_order <= bindparam("most"),
        quotas.c.in_flight < bindparam("limit"),
        quotas.c.account_id.not_in(bindparam("exclude", expanding=True)),
    )
    .order_by(quotas.c.in_flight, quotas.c.quota_order, quotas.c.used_at)
    .limit(1)
)
_BEST_UNTRIED = _BEST.where(quotas.c.account_id.not_in(bindparam("exclude", expanding=True)))
_BEST_PREPARED = Prepared(_BEST)
_BEST_AND_TIDY = Prepared(_BEST.add_columns(*_TO_TIDY))
_NEXT_LEVEL = Prepared(
    select(func.min(quotas.c.in_flight)).where(_choice, quotas.c.in_flight > bindparam("level"))
)
_drawn = and_(_of_pool, quotas.c.remaining.is_not(None))
_TAKE = Prepared(
    update(quotas)
    .where(_of_account)
    .values(
        in_flight=quotas.c.in_flight + 1,
        used_at=bindparam("now"),
        held=case((_of_pool, quotas.c.held + bindparam("cost")), else_=quotas.c.held),
        taken=case((_of_pool, quotas.c.taken + bindparam("cost")), else_=quotas.c.taken),
        quota_order=case((_drawn, quotas.c.quota_order + bindparam("cost")), else_=quotas.c.quota_order),
        remaining=case((_drawn, quotas.c.remaining - bindparam("cost")), else_=quotas.c.remaining),
    )
)
_INSERT_LEASE = Prepared(
    insert(_leases).values({column.name: bindparam(f"new_{column.name}") for column in _leases.columns})
)
_FORGET_VOID = delete(_void_leases).where(_void_leases.c.id == bindparam("lease"))
DELETE_LEASE = Prepared(delete(_leases).where(_leases.c.id == bindparam("lease")))
#: Gives back the slot of a lease that has just been dropped.
FREE_SLOT = Prepared(
    update(quotas)
    .where(_of_account)
    .values(
        in_flight=case((quotas.c.in_flight > 0, quotas.c.in_flight - 1), else_=0),
        held=case((_of_pool, quotas.c.held - bindparam("cost")), else_=quotas.c.held),
    )
)
_COUNTER = select(_counters.c.value).where(_counters.c.name == bindparam("counter"))
_COUNT = update(_counters).where(_counters.c.name == bindparam("counter")).values(value=_counters.c.value + 1)


def take_best(connection: Connection, wanted: LeaseRequest, now: float) -> Lease | None:
    """The contract's `lease`, within a transaction."""
    return _take_at_once(connection, wanted, now) or _tidy_and_take(connection, wanted, now)


def _take_at_once(connection: Connection, wanted: LeaseRequest, now: float) -> Lease | None:
    """The common case in one look: an idle account of the first tier is ready, and there is nothing to tidy up."""
    if wanted.exclude or not wanted.tiers:
        return None
    tier = wanted.tiers[0]
    row = _BEST_AND_TIDY.first(connection, _choice_of(wanted, tier, State.READY) | {"now": now})
    if row is None or any(row[3:]):
        return None
    return _take(connection, row[:3], wanted, tier, now)


def _tidy_and_take(connection: Connection, wanted: LeaseRequest, now: float) -> Lease | None:
    void, due, resting = _TIDY.first(connection, {"pool_name": wanted.pool, "now": now})
    if resting:
        _end_rests(connection, wanted, now)
    more = void or due
    while True:
        more = more and _tidy(connection, wanted.pool, now)
        for state in (State.READY,) if more else (State.READY, State.RESTING):
            for tier in wanted.tiers:
                row = _best(connection, wanted, tier, state)
                if row is not None:
                    return _take(connection, row, wanted, tier, now)
        if not more:
            return _take_what_came_free(connection, wanted, now)


def release(connection: Connection, lease_id: str, account_id: int, pool: str, cost: int) -> bool:
    """Drop a lease and its slot; whether it was still there."""
    if not DELETE_LEASE.run(connection, {"lease": lease_id}).rowcount:
        return False
    FREE_SLOT.run(connection, {"account": account_id, "pool_name": pool, "cost": cost})
    return True


def forget_void(connection: Connection, lease_id: str) -> bool:
    """Whether the lease had become void; it is remembered no longer."""
    return bool(connection.execute(_FORGET_VOID, {"lease": lease_id}).rowcount)


def forget_old_void(connection: Connection, now: float) -> None:
    connection.execute(delete(_void_leases).where(_void_leases.c.void_at <= now - VOID_KEPT_S))


def release_void(connection: Connection, now: float) -> int:
    """Drop void leases, a limited number at a time; how many."""
    void = connection.execute(_VOID_LEASES, {"now": now}).all()
    released = [row for row in void if release(connection, row.id, row.account_id, row.pool, row.cost)]
    if released:  # those that nobody settled meanwhile
        rows = [{"id": row.id, "account_id": row.account_id, "void_at": now} for row in released]
        connection.execute(insert(_void_leases), rows)
    return len(void)


def request_number(connection: Connection, pool: str) -> int:
    """How many client requests of a pool have been counted; starts the count."""
    number = connection.scalar(_COUNTER, {"counter": f"requests:{pool}"})
    if number is None:
        connection.execute(insert(_counters), {"name": f"requests:{pool}", "value": 0})
        return 0
    return int(number)


def request_numbers(connection: Connection) -> dict[str, int]:
    """The same of all pools that have a count."""
    query = select(_counters).where(_counters.c.name.startswith("requests:", autoescape=True))
    return {row.name.removeprefix("requests:"): row.value for row in connection.execute(query)}


def _tidy(connection: Connection, pool: str, now: float) -> bool:
    """Free void leases and look again at accounts whose time has come; whether there may be more of them."""
    void = release_void(connection, now)
    due = connection.execute(_DUE, {"pool_name": pool, "now": now}).mappings().all()
    write_standings(connection, [(dict(row), row["state"] == State.OUT) for row in due], now=now)
    return TIDY_LIMIT in (void, len(due))


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
    choice = _choice_of(wanted, tier, state)
    while not wanted.max_in_flight or choice["level"] < wanted.max_in_flight:
        if wanted.exclude:
            row = connection.execute(_BEST_UNTRIED, choice | {"exclude": wanted.exclude}).first()
        else:
            row = _BEST_PREPARED.first(connection, choice)
        if row is not None:
            return row
        (level,) = _NEXT_LEVEL.first(connection, choice)
        if level is None:
            break
        choice["level"] = level
    return None


def _take_what_came_free(connection: Connection, wanted: LeaseRequest, now: float) -> Lease | None:
    """One look at all levels, where others write beside: slots come free behind a look level by level.

    It walks through the accounts with too little quota, as does the count of why there is none, which would follow.
    """
    if connection.dialect.name == "sqlite":
        return None  # one writer at a time
    limit = {"exclude": wanted.exclude, "limit": wanted.max_in_flight or _NO_LIMIT}
    for state in (State.READY, State.RESTING):
        for tier in wanted.tiers:
            row = connection.execute(_ANY, _choice_of(wanted, tier, state) | limit).first()
            if row is not None:
                return _take(connection, row, wanted, tier, now)
    return None


def _choice_of(wanted: LeaseRequest, tier: Tier, state: State) -> dict[str, Any]:
    """The parameters of a look among the idle ones."""
    return {
        "pool_name": wanted.pool,
        "tier": str(tier),
        "state": int(state),
        "level": 0,
        "most": -wanted.cost,
    }


def _take(connection: Connection, row: Any, wanted: LeaseRequest, tier: Tier, now: float) -> Lease:
    account_id, remaining, secret = row
    lease = Lease(uuid.uuid4().hex, account_id, secret, tier, wanted.pool, wanted.cost, remaining)
    taken = {"account": account_id, "pool_name": wanted.pool, "cost": wanted.cost, "now": now}
    new = {
        "new_id": lease.id,
        "new_account_id": account_id,
        "new_expires_at": now + LEASE_S,
        "new_pool": wanted.pool,
        "new_cost": wanted.cost,
    }
    run_together(connection, (_TAKE, taken), (_INSERT_LEASE, new))
    if remaining == wanted.cost:  # nothing is left: it is out of choice until its window ends
        rows = standings(connection, account_id)
        write_standings(connection, [(standing, False) for standing in rows], now=now)
    return lease


def leased_until(lease_ids: Sequence[str], now: float) -> Any:
    """The statement that renews leases which are not void."""
    query = update(_leases).where(_leases.c.id.in_(lease_ids), _leases.c.expires_at > now)
    return query.values(expires_at=now + LEASE_S)
