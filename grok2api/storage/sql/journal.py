"""What audit and request log share in SQL: tables of what happened, with `at`, an `id` that grows, and an index over
both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, Select, Table, or_, select

from grok2api.storage.sql.forgetting import forget
from grok2api.storage.sql.runner import Runner


def newest_first(journal: Table) -> Select[Any]:
    return select(journal).order_by(journal.c.at.desc(), journal.c.id.desc())


def forget_older(runner: Runner, journal: Table, before: float, keep_most: int) -> None:
    """Those from before then, and all but the newest `keep_most`, in small steps."""
    at, id_ = journal.c.at, journal.c.id
    forget(runner, id_, at < before)
    query = select(at, id_).order_by(at.desc(), id_.desc()).offset(keep_most).limit(1)
    first = runner.read(lambda connection: connection.execute(query).one_or_none())
    if first is not None:
        forget(runner, id_, at <= first.at, or_(at < first.at, id_ <= first.id))


def walk(runner: Runner, journal: Table, limit: int) -> Iterator[Sequence[Row[Any]]]:
    """All rows, the oldest first, at most so many at a time."""
    at, id_ = journal.c.at, journal.c.id
    query = select(journal).order_by(at, id_).limit(limit)
    rows = runner.read(lambda connection: connection.execute(query).all())
    while rows:
        yield rows
        last = rows[-1]
        further = query.where(at >= last.at, or_(at > last.at, id_ > last.id))
        rows = runner.read(lambda connection, further=further: connection.execute(further).all())  # type: ignore[misc]
