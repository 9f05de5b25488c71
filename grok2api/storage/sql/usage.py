"""Counts over time in SQL. They are right whatever others write, so that no lease waits for them, see Runner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, delete, func, select, text, tuple_

from grok2api.storage.oversight import Usage, UsageCount
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.tables import UsageRow, table_of

_usage = table_of(UsageRow)
_span_s, _start, _name = _usage.c.span_s, _usage.c.start, _usage.c.name

#: Starts that are forgotten at a time, each with some twenty counts.
_BATCH = 10
_NEVER = 2**62

_INSERT = "INSERT INTO usage_counts (span_s, start, name, count) VALUES (:span_s, :start, :name, :count) "
_ON_CONFLICT = "ON CONFLICT (span_s, start, name) DO UPDATE SET count = count + excluded.count"
_ON_DUPLICATE_KEY = "ON DUPLICATE KEY UPDATE count = count + VALUES(count)"

#: Here the databases do not agree. PyMySQL makes one statement of many rows.
_ADD = {
    "sqlite": text(_INSERT + _ON_CONFLICT),
    "mysql": text(_INSERT + _ON_DUPLICATE_KEY),
    "mariadb": text(_INSERT + _ON_DUPLICATE_KEY),
}


class SqlUsage(Usage):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def add(self, counts: Sequence[UsageCount]) -> None:
        # In one order, so that two who add to the same seldom lock each other out.
        rows = [one._asdict() for one in sorted(counts)]
        if rows:
            self._runner.write_beside(
                lambda connection: connection.execute(_ADD[connection.dialect.name], rows)
            )

    def since(self, span_s: int, start: int) -> list[UsageCount]:
        query = select(_usage).where(_span_s == span_s, _start >= start).order_by(_start, _name)
        rows = self._runner.read(lambda connection: connection.execute(query).all())
        return [UsageCount(*row) for row in rows]

    def forget_before(self, span_s: int, start: int) -> None:
        old = (_span_s == span_s, _start < start)
        some = select(_start).where(*old).distinct().order_by(_start).limit(_BATCH)

        def work(connection: Connection) -> int:
            starts = connection.scalars(some).all()
            if starts:
                connection.execute(delete(_usage).where(_span_s == span_s, _start.in_(starts)))
            return len(starts)

        while self._runner.write_beside(work) == _BATCH:
            pass

    def forget_all(self) -> None:
        query = select(func.max(_span_s))
        while span_s := self._runner.read(lambda connection: connection.scalar(query)):
            self.forget_before(span_s, _NEVER)

    def walk(self, limit: int) -> Iterator[list[UsageCount]]:
        after = (0, 0, "")
        while page := self._after(after, limit):
            yield page
            after = page[-1][:3]

    def _after(self, after: tuple[int, int, str], limit: int) -> list[UsageCount]:
        key = tuple_(_span_s, _start, _name)
        query = select(_usage).where(key > after).order_by(_span_s, _start, _name).limit(limit)
        rows = self._runner.read(lambda connection: connection.execute(query).all())
        return [UsageCount(*row) for row in rows]
