"""The clients' keys in SQL. Their use is counted beside others' writing, see Runner: one row is locked, or some in the
order of their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, case, delete, func, insert, select, update

from grok2api.client_keys import ClientKey, KeyEdit, Windows, take
from grok2api.storage.clients import Keys
from grok2api.storage.sql.prepared import Prepared, run_together
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.settings import raise_version
from grok2api.storage.sql.tables import ClientKeyRow, table_of

_keys = table_of(ClientKeyRow)
_id, _last_used_at, _request_count = _keys.c.id, _keys.c.last_used_at, _keys.c.request_count

_KEY = [_keys.c[field.name] for field in fields(ClientKey)]
_WINDOWS = [field.name for field in fields(Windows)]

_of_key = _id == bindparam("key_id")
_used_at: Any = bindparam("used_at")
_USED: dict[str, Any] = {
    "request_count": _request_count + bindparam("requests"),
    "last_used_at": case((_last_used_at > _used_at, _last_used_at), else_=_used_at),
}
_LIMITS = Prepared(
    select(_keys.c.per_minute, _keys.c.per_day, *(_keys.c[name] for name in _WINDOWS))
    .where(_of_key)
    .with_for_update()
)
_COUNT = Prepared(
    update(_keys).where(_of_key).values({name: bindparam(f"new_{name}") for name in _WINDOWS} | _USED)
)
_NOTE_USED = Prepared(update(_keys).where(_of_key).values(_USED))


class SqlKeys(Keys):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def add(self, key: ClientKey) -> ClientKey:
        row = _row(key)
        del row["id"]

        def work(connection: Connection) -> ClientKey:
            id_ = connection.execute(insert(_keys), row).lastrowid
            raise_version(connection)
            return replace(key, id=id_)

        return self._runner.write(work)

    def restore(self, keys: Sequence[ClientKey]) -> None:
        rows = [_row(key) for key in keys]

        def work(connection: Connection) -> None:
            connection.execute(insert(_keys), rows)
            raise_version(connection)

        if rows:
            self._runner.write(work)

    def all(self) -> list[ClientKey]:
        query = select(*_KEY).order_by(_id)
        rows = self._runner.read(lambda connection: connection.execute(query).mappings().all())
        return [ClientKey(**{**row, "models": tuple(orjson.loads(row["models"]))}) for row in rows]

    def edit(self, ids: Sequence[int], edit: KeyEdit) -> int:
        values = _values(edit)
        count = select(func.count()).select_from(_keys).where(_id.in_(ids))

        def work(connection: Connection) -> int:
            if not values:
                return connection.scalar(count) or 0
            done = connection.execute(update(_keys).where(_id.in_(ids)).values(values)).rowcount
            raise_version(connection)
            return done

        return self._runner.write(work)

    def delete(self, ids: Sequence[int]) -> int:
        def work(connection: Connection) -> int:
            done = connection.execute(delete(_keys).where(_id.in_(ids))).rowcount
            raise_version(connection)
            return done

        return self._runner.write(work)

    def take(self, id_: int, now: float) -> float:
        def work(connection: Connection) -> float:
            found = _LIMITS.first(connection, {"key_id": id_})
            if found is None:
                return 0.0
            per_minute, per_day, *known = found
            wait_s, counted = take(Windows(*known), per_minute, per_day, now)
            if not wait_s:
                new = {f"new_{name}": value for name, value in vars(counted).items()}
                _COUNT.run(connection, {"key_id": id_, "used_at": now, "requests": 1} | new)
            return wait_s

        return self._runner.write_beside(work, brief=True)

    def note_used(self, uses: Mapping[int, tuple[int, float]]) -> None:
        # In one order, so that two who note the same seldom lock each other out.
        steps = [
            (_NOTE_USED, {"key_id": id_, "requests": requests, "used_at": used_at})
            for id_, (requests, used_at) in sorted(uses.items())
        ]
        if steps:
            self._runner.write_beside(lambda connection: run_together(connection, *steps))


def forget_keys(connection: Connection) -> None:
    """Within a transaction that raises the settings' version."""
    connection.execute(delete(_keys))


def _row(key: ClientKey) -> dict[str, Any]:
    return vars(key) | {"models": _models_json(key.models)}


def _values(edit: KeyEdit) -> dict[str, Any]:
    values = {name: value for name, value in vars(edit).items() if value is not None}
    if values.pop("set_expiry"):
        values["expires_at"] = edit.expires_at
    else:
        values.pop("expires_at", None)
    if edit.models is not None:
        values["models"] = _models_json(edit.models)
    return values


def _models_json(models: Sequence[str]) -> str:
    return orjson.dumps(models).decode()
