"""Forgetting rows in small steps between which others get their turn to write."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, select

from grok2api.storage.sql.runner import Runner

#: Forgotten at a time: some milliseconds.
_BATCH = 200


def forget(runner: Runner, key: ColumnElement[str] | ColumnElement[int], *which: ColumnElement[bool]) -> None:
    """Delete the rows of the table whose primary key this is. which: an index finds them."""
    some = select(key).where(*which).limit(_BATCH)

    def work(connection: Connection) -> int:
        keys = connection.scalars(some).all()
        if keys:
            # Somebody may have changed one of them.
            connection.execute(delete(key.table).where(key.in_(keys), *which))
        return len(keys)

    while runner.write_beside(work) == _BATCH:
        pass
