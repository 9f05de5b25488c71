"""Forgetting rows in small steps between which others get their turn to write."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, select

from grok2api.storage.sql.runner import Runner

#: Forgotten at a time: some milliseconds.
_BATCH = 200


def forget(runner: Runner, key: ColumnElement[str] | ColumnElement[int], *which: ColumnElement[bool]) -> int:
    """Delete the rows of the table whose primary key this is; how many. which: an index finds them."""
    some = select(key).where(*which).limit(_BATCH)

    def work(connection: Connection) -> tuple[int, int]:
        keys = connection.scalars(some).all()
        if not keys:
            return 0, 0
        # Somebody may have changed one of them.
        return len(keys), connection.execute(delete(key.table).where(key.in_(keys), *which)).rowcount

    found, done = _BATCH, 0
    while found == _BATCH:
        found, gone = runner.write_beside(work)
        done += gone
    return done
