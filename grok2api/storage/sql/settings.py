"""The settings in SQL, and the values that are kept for the whole deployment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, Table, bindparam, insert, select, update

from grok2api.storage.base import Settings, StoredSettings
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.tables import CounterRow, KeptRow, SettingRow, table_of
from grok2api.storage.vault import Vault

_SETTINGS_VERSION = "settings_version"

_settings = table_of(SettingRow)


class SqlSettings(Settings):
    def __init__(self, runner: Runner, vault: Vault) -> None:
        self._runner = runner
        self.vault = vault

    def version(self) -> int:
        return self._runner.read(_version)

    def load(self) -> StoredSettings:
        def work(connection: Connection) -> StoredSettings:
            rows = connection.execute(select(SettingRow.name, SettingRow.value))
            values = {name: orjson.loads(self.vault.open(value)) for name, value in rows}
            return StoredSettings(_version(connection), values)

        return self._runner.read(work)

    def save(self, values: Mapping[str, object]) -> None:
        def work(connection: Connection) -> None:
            for name, value in values.items():
                _put(connection, _settings, name, self.vault.seal(orjson.dumps(value).decode()))
            raise_version(connection)

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


def raise_version(connection: Connection) -> None:
    """Tell everybody that the settings have changed, within a transaction."""
    _put(connection, table_of(CounterRow), _SETTINGS_VERSION, _version(connection) + 1)


_RESEAL = update(_settings).where(_settings.c.name == bindparam("setting")).values(value=bindparam("sealed"))


def reseal_settings(connection: Connection, old: Vault, new: Vault) -> None:
    """Seal all settings anew, within a transaction."""
    rows = connection.execute(select(_settings)).all()
    if rows:
        connection.execute(
            _RESEAL, [{"setting": row.name, "sealed": new.seal(old.open(row.value))} for row in rows]
        )


def _put(connection: Connection, table: Table, name: str, value: Any) -> None:
    """Update or insert: the form of it that all SQL databases share."""
    done = connection.execute(update(table).where(table.c.name == name).values(value=value))
    if not done.rowcount:
        connection.execute(insert(table).values(name=name, value=value))
