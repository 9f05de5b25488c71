"""The SQL repositories but for the accounts: settings, sessions, and the store that bundles them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Table, delete, insert, select, text, update

from grok2api.storage.base import AdminSession, Sessions, Settings, Store, StoredSettings
from grok2api.storage.sql.accounts import SqlAccounts
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.tables import CounterRow, KeptRow, SessionRow, SettingRow, table_of

SESSION_MAX_S = 7 * 24 * 3600.0
_SETTINGS_VERSION = "settings_version"


class SqlStore(Store):
    def __init__(self, runner: Runner, pools: Sequence[str]) -> None:
        self._runner = runner
        self.accounts = SqlAccounts(runner, pools)
        self.settings = SqlSettings(runner)
        self.sessions = SqlSessions(runner)

    def ping(self) -> None:
        self._runner.read(lambda connection: connection.execute(text("SELECT 1")).scalar())

    def close(self) -> None:
        self._runner.close()


class SqlSettings(Settings):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def version(self) -> int:
        return self._runner.read(_version)

    def load(self) -> StoredSettings:
        def work(connection: Connection) -> StoredSettings:
            rows = connection.execute(select(SettingRow.name, SettingRow.value))
            return StoredSettings(_version(connection), {name: orjson.loads(value) for name, value in rows})

        return self._runner.read(work)

    def save(self, values: Mapping[str, object]) -> None:
        def work(connection: Connection) -> None:
            for name, value in values.items():
                _put(connection, table_of(SettingRow), name, orjson.dumps(value).decode())
            _put(connection, table_of(CounterRow), _SETTINGS_VERSION, _version(connection) + 1)

        self._runner.write(work)

    def keep(self, name: str, value: str) -> str:
        def work(connection: Connection) -> str:
            kept = connection.scalar(select(KeptRow.value).where(KeptRow.name == name))
            if kept is not None:
                return kept
            connection.execute(insert(KeptRow).values(name=name, value=value))
            return value

        return self._runner.write(work)


def _version(connection: Connection) -> int:
    query = select(CounterRow.value).where(CounterRow.name == _SETTINGS_VERSION)
    return connection.scalar(query) or 0


def _put(connection: Connection, table: Table, name: str, value: Any) -> None:
    """Update or insert: the form of it that all SQL databases share."""
    done = connection.execute(update(table).where(table.c.name == name).values(value=value))
    if not done.rowcount:
        connection.execute(insert(table).values(name=name, value=value))


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
