"""Which accounts a query asks for, and accounts as they are shown, with quotas and tags."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, exists, func, or_, select

from grok2api.account_secrets import lower_ascii
from grok2api.accounts import DEFAULT_POOL, FULL_QUOTA, Account, AccountQuery, Quota, Sort, Status, Tier
from grok2api.storage.sql.choice import request_numbers
from grok2api.storage.sql.standing import quotas
from grok2api.storage.sql.tables import AccountRow, TagRow, table_of
from grok2api.storage.vault import Vault

_accounts, _tags = table_of(AccountRow), table_of(TagRow)

_BATCH = 500

_ORDER: dict[Sort, ColumnElement[Any]] = {
    Sort.ADDED: _accounts.c.id,
    Sort.LAST_USED: func.coalesce(_accounts.c.last_used_at, 0.0),
    Sort.REMAINING: func.coalesce(quotas.c.remaining, FULL_QUOTA),
    Sort.REQUESTS: _accounts.c.request_count,
    Sort.FAILURES: _accounts.c.failed_count,
    Sort.IN_FLIGHT: quotas.c.in_flight,
}


def page(
    connection: Connection, query: AccountQuery, digest: str, now: float
) -> tuple[list[dict[str, Any]], int]:
    """The rows of `accounts` that a query asks for, and how many there are in all. digest: of the query's text."""
    conditions = _conditions(query, digest, now)
    order = _ORDER[query.sort]
    rows = select(_accounts).order_by(order.desc() if query.descending else order, _accounts.c.id)
    count = select(func.count()).select_from(_accounts)
    if conditions or query.sort in (Sort.REMAINING, Sort.IN_FLIGHT):
        standing = and_(quotas.c.account_id == _accounts.c.id, quotas.c.pool == DEFAULT_POOL)
        rows = rows.outerjoin(quotas, standing).where(*conditions)
        count = count.outerjoin(quotas, standing).where(*conditions)
    total = connection.scalar(count) or 0
    found = connection.execute(rows.offset(query.offset).limit(query.limit))
    return [dict(row) for row in found.mappings()], total


def _conditions(query: AccountQuery, digest: str, now: float) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.tier is not None:
        conditions.append(_accounts.c.tier == query.tier)
    if query.disabled is not None:
        conditions.append(_accounts.c.disabled.is_(query.disabled))
    if query.status is not None:
        conditions.append(status_in_sql(now) == query.status)
    if query.tag is not None:
        conditions.append(_has_tag(_tags.c.tag == query.tag))
    if query.text:
        places = [
            _accounts.c.digest == digest,
            _contains(_accounts.c.hint, query.text),
            _contains(_accounts.c.note, query.text),
            _has_tag(_contains(_tags.c.tag, query.text)),
        ]
        if query.named_id is not None:
            places.append(_accounts.c.id == query.named_id)
        conditions.append(or_(*places))
    return conditions


def _contains(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whatever the case of ASCII letters: SQLite's lower() knows no others, MySQL's knows them all."""
    parts = {lower_ascii(text), text.lower()}
    return or_(*(func.lower(column).contains(part, autoescape=True) for part in sorted(parts)))


def _has_tag(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(_tags.c.account_id == _accounts.c.id, condition)


def status_in_sql(now: float) -> ColumnElement[str]:
    """`status_of` in SQL, of an account joined with its standing in the default pool (a contract test compares)."""
    known = exists().where(_any.c.account_id == _accounts.c.id, _any.c.remaining.is_not(None))
    over = quotas.c.window_ends_at <= now
    return case(
        (_accounts.c.expired_reason.is_not(None), Status.EXPIRED),
        (quotas.c.cooldown_until > now, Status.COOLING),
        (and_(quotas.c.remaining == 0, ~func.coalesce(over, False)), Status.EXHAUSTED),
        (quotas.c.rest_until_at > now, Status.COOLING),
        (or_(known, _accounts.c.request_count > 0), Status.ACTIVE),
        else_=Status.UNUSED,
    )


_any = quotas.alias("any_quota")


def with_details(connection: Connection, rows: Sequence[dict[str, Any]], vault: Vault) -> list[Account]:
    """Accounts of rows of `accounts`, in their order."""
    ids = [row["id"] for row in rows]
    numbers = request_numbers(connection)
    standing: dict[int, dict[str, Quota]] = {}
    in_flight: dict[int, int] = {}
    tags: dict[int, list[str]] = {}
    for start in range(0, len(ids), _BATCH):
        batch = ids[start : start + _BATCH]
        for row in connection.execute(select(quotas).where(quotas.c.account_id.in_(batch))):
            standing.setdefault(row.account_id, {})[row.pool] = _quota(row, numbers.get(row.pool, 0))
            in_flight[row.account_id] = row.in_flight
        for row in connection.execute(select(_tags).where(_tags.c.account_id.in_(batch))):
            tags.setdefault(row.account_id, []).append(row.tag)
    return [
        _account(
            row, vault, standing.get(row["id"], {}), in_flight.get(row["id"], 0), tags.get(row["id"], [])
        )
        for row in rows
    ]


def _quota(row: Any, number: int) -> Quota:
    rest = None if row.rest_until_request is None else max(0, row.rest_until_request - number)
    return Quota(row.remaining, row.window_ends_at, row.cooldown_until, rest, row.rest_until_at)


def _account(
    row: dict[str, Any], vault: Vault, standing: dict[str, Quota], in_flight: int, tags: list[str]
) -> Account:
    own = ("digest", "hint", "secret", "tier", "checked_at")
    return Account(
        **{name: value for name, value in row.items() if name not in own},
        secret=vault.open(row["secret"]),
        tier=Tier(row["tier"]),
        checked_at=row["checked_at"] or None,
        quotas=standing,
        in_flight=in_flight,
        tags=tuple(sorted(tags)),
    )
