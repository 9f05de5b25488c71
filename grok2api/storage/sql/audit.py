"""What the operators did, in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, insert, or_, select

from grok2api.storage.oversight import Audit, AuditEntry
from grok2api.storage.sql.forgetting import forget
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.tables import AuditRow, table_of

_audit = table_of(AuditRow)
_id, _at = _audit.c.id, _audit.c.at


class SqlAudit(Audit):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def add(self, *entries: AuditEntry) -> None:
        rows = [vars(entry) | {"detail": orjson.dumps(entry.detail).decode()} for entry in entries]
        if rows:
            self._runner.write_beside(lambda connection: connection.execute(insert(_audit), rows))

    def page(self, offset: int, limit: int) -> tuple[list[AuditEntry], int]:
        query = select(_audit).order_by(_at.desc(), _id.desc()).offset(offset).limit(limit)
        count = select(func.count()).select_from(_audit)

        def work(connection: Connection) -> tuple[list[AuditEntry], int]:
            rows = connection.execute(query).all()
            return [_entry(row) for row in rows], connection.scalar(count) or 0

        return self._runner.read(work)

    def forget_older(self, before: float, keep_most: int) -> None:
        forget(self._runner, _id, _at < before)
        query = select(_at, _id).order_by(_at.desc(), _id.desc()).offset(keep_most).limit(1)
        first = self._runner.read(lambda connection: connection.execute(query).one_or_none())
        if first is not None:
            forget(self._runner, _id, _at <= first.at, or_(_at < first.at, _id <= first.id))

    def walk(self, limit: int) -> Iterator[list[AuditEntry]]:
        query = select(_audit).order_by(_at, _id).limit(limit)
        rows = self._runner.read(lambda connection: connection.execute(query).all())
        while rows:
            yield [_entry(row) for row in rows]
            last = rows[-1]
            further = query.where(_at >= last.at, or_(_at > last.at, _id > last.id))
            rows = self._runner.read(lambda connection, further=further: connection.execute(further).all())  # type: ignore[misc]


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.at, row.username, row.address, row.action, orjson.loads(row.detail))
