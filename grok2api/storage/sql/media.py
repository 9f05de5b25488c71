"""The index of media in SQL. It is right whatever others write, so that no work of theirs waits for it, see Runner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, text, true

from grok2api.media import Kind, MediaItem
from grok2api.storage.base import Media
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.tables import MediaRow, table_of

_media = table_of(MediaRow)
_path, _created_at = _media.c.path, _media.c.created_at

#: Forgotten at a time: some milliseconds.
_BATCH = 200

#: SQL that all of them share, if not with the standard. PyMySQL makes one statement of many rows.
_ADD = text(
    "REPLACE INTO media (path, kind, account_id, created_at) VALUES (:path, :kind, :account_id, :created_at)"
)


class SqlMedia(Media):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def add(self, items: Sequence[MediaItem]) -> None:
        last = {item.path: item for item in items}
        # In one order, so that two who add the same seldom lock each other out.
        rows = [vars(last[path]) | {"kind": str(last[path].kind)} for path in sorted(last)]
        if rows:
            self._runner.write_beside(lambda connection: connection.execute(_ADD, rows))

    def get(self, path: str) -> MediaItem | None:
        query = select(_media).where(_path == path)
        row = self._runner.read(lambda connection: connection.execute(query).one_or_none())
        return _item(row) if row is not None else None

    def page(self, kind: Kind | None, offset: int, limit: int) -> tuple[list[MediaItem], int]:
        asked = [] if kind is None else [_media.c.kind == str(kind)]
        newest = select(_media).where(*asked).order_by(_created_at.desc(), _path.desc())
        query = newest.offset(offset).limit(limit)
        count = select(func.count()).select_from(_media).where(*asked)

        def work(connection: Connection) -> tuple[list[MediaItem], int]:
            rows = connection.execute(query).all()
            return [_item(row) for row in rows], connection.scalar(count) or 0

        return self._runner.read(work)

    def forget_older(self, created_before: float) -> int:
        return self._forget(_created_at < created_before)

    def forget_all(self) -> None:
        self._forget(true())

    def walk(self, after_path: str, limit: int) -> list[MediaItem]:
        query = select(_media).where(_path > after_path).order_by(_path).limit(limit)
        rows = self._runner.read(lambda connection: connection.execute(query).all())
        return [_item(row) for row in rows]

    def _forget(self, which: ColumnElement[bool]) -> int:
        """How many there were."""
        some = select(_path).where(which).order_by(_created_at, _path).limit(_BATCH)

        def work(connection: Connection) -> tuple[int, int]:
            paths = connection.scalars(some).all()
            if not paths:
                return 0, 0
            # Somebody may have added one of them anew.
            gone = connection.execute(delete(_media).where(_path.in_(paths), which)).rowcount
            return len(paths), gone

        found, done = _BATCH, 0
        while found == _BATCH:
            found, gone = self._runner.write_beside(work)
            done += gone
        return done


def _item(row: Row[Any]) -> MediaItem:
    return MediaItem(row.path, Kind(row.kind), row.account_id, row.created_at)
