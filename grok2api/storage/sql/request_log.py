"""The log of the clients' requests in SQL. It is right whatever others write, so that no lease waits for it, see
Runner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from sqlalchemy import Row, insert, true

from grok2api.storage.clients import RequestEntry, RequestLog
from grok2api.storage.sql.forgetting import forget
from grok2api.storage.sql.journal import forget_older, newest_first, walk
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.tables import RequestLogRow, table_of

_log = table_of(RequestLogRow)


class SqlRequestLog(RequestLog):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def add(self, entries: Sequence[RequestEntry]) -> None:
        rows = [vars(entry) | {"document": orjson.dumps(entry.document).decode()} for entry in entries]
        if rows:
            self._runner.write_beside(lambda connection: connection.execute(insert(_log), rows))

    def recent(self, limit: int) -> list[RequestEntry]:
        query = newest_first(_log).limit(limit)
        rows = self._runner.read(lambda connection: connection.execute(query).all())
        return [_entry(row) for row in rows]

    def clear(self) -> int:
        return forget(self._runner, _log.c.id, true())

    def forget_older(self, before: float, keep_most: int) -> None:
        forget_older(self._runner, _log, before, keep_most)

    def walk(self, limit: int) -> Iterator[list[RequestEntry]]:
        for rows in walk(self._runner, _log, limit):
            yield [_entry(row) for row in rows]


def _entry(row: Row[Any]) -> RequestEntry:
    return RequestEntry(row.at, row.request_id, orjson.loads(row.document))
