"""The store that bundles the SQL repositories over one database."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, delete, select, text

from grok2api.storage.base import Store
from grok2api.storage.sql.accounts import SqlAccounts
from grok2api.storage.sql.audit import SqlAudit
from grok2api.storage.sql.jobs import SqlJobs
from grok2api.storage.sql.keys import SqlKeys, forget_keys
from grok2api.storage.sql.leases import SqlLeases
from grok2api.storage.sql.logins import SqlLogins
from grok2api.storage.sql.media import SqlMedia
from grok2api.storage.sql.request_log import SqlRequestLog
from grok2api.storage.sql.responses import SqlResponses
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.sealing import read_check_value, reseal
from grok2api.storage.sql.sessions import SqlSessions
from grok2api.storage.sql.settings import SqlSettings, raise_version
from grok2api.storage.sql.tables import AccountRow, SettingRow, table_of
from grok2api.storage.sql.usage import SqlUsage
from grok2api.storage.vault import Vault

_CLEARED = 5000


class SqlStore(Store):
    leases: SqlLeases
    accounts: SqlAccounts
    settings: SqlSettings
    responses: SqlResponses
    media: SqlMedia

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
        self.responses = SqlResponses(runner, held)
        self.media = SqlMedia(runner)
        self.logins = SqlLogins(runner)
        self.audit = SqlAudit(runner)
        self.usage = SqlUsage(runner)
        self.keys = SqlKeys(runner)
        self.requests = SqlRequestLog(runner)
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
        self.responses.forget_all()
        self.media.forget_all()

        def work(connection: Connection) -> None:
            connection.execute(delete(table_of(SettingRow)))
            forget_keys(connection)
            raise_version(connection)

        self._runner.write(work)

    def reseal(self, new: Vault) -> None:
        old = self.accounts.vault
        done = self._runner.write(lambda connection: reseal(connection, old, new))
        self.leases.vault = self.accounts.vault = self.settings.vault = self.responses.vault = new
        if done and self._scrub is not None:
            self._scrub()

    def close(self) -> None:
        self._runner.close()
