"""What the operators did, in SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from sqlalchemy import Connection, Row, func, insert, select

from grok2api.storage.oversight import Audit, AuditEntry
from grok2api.storage.sql.journal import forget_older, newest_first, walk
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.tables import AuditRow, table_of

_audit = table_of(AuditRow)


class SqlAudit(Audit):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def add(self, *entries: AuditEntry) -> None:
        rows = [vars(entry) | {"detail": orjson.dumps(entry.detail).decode()} for entry in entries]
        if rows:
            self._runner.write_beside(lambda connection: connection.execute(insert(_audit), rows))

    def page(self, offset: int, limit: int) -> tuple[list[AuditEntry], int]:
        query = newest_first(_audit).offset(offset).limit(limit)
        count = select(func.count()).select_from(_audit)

        def work(connection: Connection) -> tuple[list[AuditEntry], int]:
            rows = connection.execute(query).all()
            return [_entry(row) for row in rows], connection.scalar(count) or 0

        return self._runner.read(work)

    def forget_older(self, before: float, keep_most: int) -> None:
        forget_older(self._runner, _audit, before, keep_most)

    def walk(self, limit: int) -> Iterator[list[AuditEntry]]:
        for rows in walk(self._runner, _audit, limit):
            yield [_entry(row) for row in rows]


def _entry(row: Row[Any]) -> AuditEntry:
    return AuditEntry(row.at, row.username, row.address, row.action, orjson.loads(row.detail))
