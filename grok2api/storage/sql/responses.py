"""Stored responses in SQL.

They are large, and right whatever others write: no work of theirs waits for the one turn to write, or makes others
wait for it, where the database has more than one writer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, select, text, true

from grok2api.storage.base import Responses, StoredResponse
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.sealing import hold_seal
from grok2api.storage.sql.tables import ResponseRow, table_of
from grok2api.storage.vault import Vault

_responses = table_of(ResponseRow)
_id, _expires_at = _responses.c.id, _responses.c.expires_at

#: Forgotten at a time. SQLite overwrites what it deletes, 20 ms for a large one, and nobody else writes meanwhile.
_BATCH = 5

#: SQL that all of them share, if not with the standard.
_SAVE = text("REPLACE INTO responses (id, owner, expires_at, body) VALUES (:id, :owner, :expires_at, :body)")


class SqlResponses(Responses):
    def __init__(self, runner: Runner, vault: Vault) -> None:
        self._runner = runner
        self.vault = vault

    def save(self, response: StoredResponse) -> None:
        vault = self.vault
        row = vars(response) | {"body": vault.seal_bytes(response.body)}

        def work(connection: Connection) -> None:
            hold_seal(connection, vault)
            connection.execute(_SAVE, row)

        self._runner.write_beside(work)

    def get(self, id_: str, owner: str, now: float) -> StoredResponse | None:
        query = select(_responses).where(*_theirs(id_, owner, now))
        row = self._runner.read(lambda connection: connection.execute(query).one_or_none())
        return self._opened(row) if row is not None else None

    def delete(self, id_: str, owner: str, now: float) -> bool:
        query = delete(_responses).where(*_theirs(id_, owner, now))
        return self._runner.write_beside(lambda connection: bool(connection.execute(query).rowcount))

    def forget_expired(self, now: float) -> None:
        self._forget(_expires_at <= now)

    def forget_all(self) -> None:
        self._forget(true())

    def walk(self, limit: int, now: float) -> Iterator[list[StoredResponse]]:
        last = ""
        while rows := self._runner.read(partial(_page, last, limit, now)):
            yield [self._opened(row) for row in rows]
            last = rows[-1].id

    def _forget(self, which: ColumnElement[bool]) -> None:
        some = select(_id).where(which).order_by(_expires_at).limit(_BATCH)

        def work(connection: Connection) -> int:
            ids = connection.scalars(some).all()
            if ids:
                connection.execute(delete(_responses).where(_id.in_(ids), which))
            return len(ids)

        while self._runner.write_beside(work) == _BATCH:
            pass

    def _opened(self, row: Row[Any]) -> StoredResponse:
        return StoredResponse(row.id, row.owner, self.vault.open_bytes(row.body), row.expires_at)


def _page(last: str, limit: int, now: float, connection: Connection) -> Sequence[Row[Any]]:
    query = select(_responses).where(_id > last, _expires_at > now).order_by(_id).limit(limit)
    return connection.execute(query).all()


def _theirs(id_: str, owner: str, now: float) -> tuple[ColumnElement[bool], ...]:
    return _id == id_, _responses.c.owner == owner, _expires_at > now
