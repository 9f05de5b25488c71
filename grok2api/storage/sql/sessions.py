"""The operator's sessions in SQL."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from grok2api.storage.base import AdminSession, Sessions
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.tables import SessionRow, table_of

SESSION_MAX_S = 7 * 24 * 3600.0


class SqlSessions(Sessions):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def create(self, session: AdminSession) -> None:
        def work(connection: Connection) -> None:
            oldest = session.created_at - SESSION_MAX_S
            connection.execute(delete(SessionRow).where(SessionRow.seen_at < oldest))
            connection.execute(insert(SessionRow).values(**vars(session)))

        self._runner.write(work)

    def get(self, digest: str) -> AdminSession | None:
        def work(connection: Connection) -> AdminSession | None:
            query = select(table_of(SessionRow)).where(SessionRow.digest == digest)
            row = connection.execute(query).mappings().one_or_none()
            return AdminSession(**row) if row is not None else None

        return self._runner.read(work)

    def touch(self, digest: str, now: float) -> None:
        query = update(SessionRow).where(SessionRow.digest == digest).values(seen_at=now)
        self._runner.write(lambda connection: connection.execute(query))

    def delete(self, digest: str) -> None:
        self._runner.write(lambda c: c.execute(delete(SessionRow).where(SessionRow.digest == digest)))

    def delete_all(self) -> None:
        self._runner.write(lambda connection: connection.execute(delete(SessionRow)))
