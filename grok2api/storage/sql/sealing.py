"""With which SECRET_KEY the database is sealed, and sealing everything anew."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, inspect, select, update

from grok2api.errors import StorageUnavailable
from grok2api.storage.sql.accounts import reseal_accounts
from grok2api.storage.sql.settings import reseal_settings
from grok2api.storage.sql.tables import KeptRow, ResponseRow
from grok2api.storage.vault import Vault

#: The kept value that tells it: a vault's check value, empty when there is no key.
KEY_CHECK = "key_check"

_FOREIGN = "The storage has another SECRET_KEY by now. Restart with it."

#: Responses that a statement forgets: it is to be answered within seconds.
_FORGOTTEN = 100

_kept = select(KeptRow.value).where(KeptRow.name == KEY_CHECK)


def read_check_value(connection: Connection) -> str | None:
    """The vault's check value beside the data; None for a database that is empty or not sealed."""
    if not inspect(connection).has_table(KeptRow.__tablename__):
        return None
    return connection.scalar(_kept) or None


def hold_seal(connection: Connection, vault: Vault) -> None:
    """Let nobody seal anew until the transaction ends, also while it writes beside others (see Runner). Raises
    StorageUnavailable when the database is not sealed with this vault."""
    if (connection.scalar(_kept.with_for_update(read=True)) or None) != vault.check_value:
        raise StorageUnavailable(_FOREIGN)


def reseal(connection: Connection, old: Vault, new: Vault) -> bool:
    """The contract's `reseal`, from one vault to another, within a transaction. False: somebody was quicker."""
    kept = connection.scalar(_kept.with_for_update()) or None
    if kept == new.check_value:
        return False
    if kept != old.check_value:
        raise StorageUnavailable(_FOREIGN)
    _forget_responses(connection)
    reseal_accounts(connection, old, new)
    reseal_settings(connection, old, new)
    check_value = new.check_value or ""
    query = update(KeptRow).where(KeptRow.name == KEY_CHECK).values(value=check_value)
    if not connection.execute(query).rowcount:
        connection.execute(insert(KeptRow).values(name=KEY_CHECK, value=check_value))
    return True


def _forget_responses(connection: Connection) -> None:
    some = select(ResponseRow.id).order_by(ResponseRow.id).limit(_FORGOTTEN)
    last = ""
    while ids := connection.scalars(some.where(ResponseRow.id > last)).all():
        connection.execute(delete(ResponseRow).where(ResponseRow.id.in_(ids)))
        last = ids[-1]
