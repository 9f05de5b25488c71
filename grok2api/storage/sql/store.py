"""The store that bundles the SQL repositories over one database."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, insert, inspect, select, text

from grok2api.errors import StorageUnavailable
from grok2api.storage.base import Store
from grok2api.storage.sql.accounts import SqlAccounts, reseal_accounts
from grok2api.storage.sql.jobs import SqlJobs
from grok2api.storage.sql.leases import SqlLeases
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.sessions import SqlSessions
from grok2api.storage.sql.settings import SqlSettings, raise_version, reseal_settings
from grok2api.storage.sql.tables import AccountRow, KeptRow, SettingRow, table_of
from grok2api.storage.vault import Vault

_CLEARED = 5000

#: The kept value that tells with which SECRET_KEY the database is sealed.
KEY_CHECK = "key_check"


def read_check_value(connection: Connection) -> str | None:
    """The vault's check value beside the data; None for a database that is empty or not sealed."""
    if not inspect(connection).has_table(KeptRow.__tablename__):
        return None
    return connection.scalar(select(KeptRow.value).where(KeptRow.name == KEY_CHECK))


class SqlStore(Store):
    leases: SqlLeases
    accounts: SqlAccounts
    settings: SqlSettings

    def __init__(
        self, runner: Runner, pools: Sequence[str], vault: Vault, scrub: Callable[[], None] | None = None
    ) -> None:
        """vault: fits what is stored, see `read_check_value`; data that is not sealed yet is sealed with it. scrub:
        called when secrets were sealed anew, to leave no old copies."""
        self._runner = runner
        self._scrub = scrub
        kept = runner.read(read_check_value)
        vault.verify(kept)
        held = vault if kept is not None else Vault()
        self.leases = SqlLeases(runner, held)
        self.accounts = SqlAccounts(runner, pools, held)
        self.settings = SqlSettings(runner, held)
        self.sessions = SqlSessions(runner)
        self.jobs = SqlJobs(runner)
        if kept != vault.check_value:
            self.reseal(vault)

    def ping(self) -> None:
        self._runner.read(lambda connection: connection.execute(text("SELECT 1")).scalar())

    def warnings(self) -> list[str]:
        return []

    def clear(self) -> None:
        """In batches, as `delete`: a server answers a statement within seconds or not at all."""
        some = select(AccountRow.id).limit(_CLEARED)
        while ids := self._runner.read(lambda connection: connection.scalars(some).all()):
            self.accounts.delete(ids)

        def work(connection: Connection) -> None:
            connection.execute(delete(table_of(SettingRow)))
            raise_version(connection)

        self._runner.write(work)

    def reseal(self, new: Vault) -> None:
        old = self.accounts.vault

        def work(connection: Connection) -> bool:
            kept = read_check_value(connection)
            if kept == new.check_value:
                return False  # somebody was quicker
            if kept != old.check_value:
                raise StorageUnavailable("The storage has another SECRET_KEY by now. Restart with it.")
            reseal_accounts(connection, old, new)
            reseal_settings(connection, old, new)
            connection.execute(delete(KeptRow).where(KeptRow.name == KEY_CHECK))
            if new.check_value is not None:
                connection.execute(insert(KeptRow).values(name=KEY_CHECK, value=new.check_value))
            return True

        done = self._runner.write(work)
        self.leases.vault = self.accounts.vault = self.settings.vault = new
        if done and self._scrub is not None:
            self._scrub()

    def close(self) -> None:
        self._runner.close()
