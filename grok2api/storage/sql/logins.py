"""The throttle of logins in SQL."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from grok2api.storage.login_rule import Failures, failed, taken_back, wait_s
from grok2api.storage.oversight import GOOD_ADDRESS_S, LOGIN_WINDOW_S, Logins
from grok2api.storage.sql.forgetting import forget
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.tables import GoodAddressRow, LoginFailuresRow, table_of

_failures, _good = table_of(LoginFailuresRow), table_of(GoodAddressRow)


class SqlLogins(Logins):
    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def is_good(self, address: str, now: float) -> bool:
        return self._runner.read(lambda connection: _is_good(connection, address, now))

    def attempt(self, address: str, username: str, now: float) -> float:
        def look(connection: Connection) -> dict[str, Failures | None]:
            names = [_of_address(address)]
            if not _is_good(connection, address, now):
                names.append(_of_username(username))
            return _read(connection, names)

        def count(connection: Connection) -> float:
            known = look(connection)
            wait = _longest(known, now)
            if not wait:
                _write(connection, {name: failed(one, now) for name, one in known.items()})
            return wait

        # Looked at first: those that have to wait, who may be many, take no turn to write.
        return _longest(self._runner.read(look), now) or self._runner.write(count)

    def succeeded(self, address: str, username: str, now: float) -> None:
        def work(connection: Connection) -> None:
            changes: dict[str, Failures | None] = {_of_address(address): None}
            if not _is_good(connection, address, now):
                for name, known in _read(connection, [_of_username(username)]).items():
                    changes[name] = taken_back(known)
            _write(connection, changes)
            connection.execute(delete(_good).where(_good.c.address == address))
            connection.execute(insert(_good).values(address=address, good_at=now))

        self._runner.write(work)

    def forget_old(self, now: float) -> None:
        forget(self._runner, _failures.c.name, _failures.c.held_until <= now - LOGIN_WINDOW_S)
        forget(self._runner, _good.c.address, _good.c.good_at <= now - GOOD_ADDRESS_S)


def _of_address(address: str) -> str:
    return f"address:{address}"


def _of_username(username: str) -> str:
    return f"username:{username}"


def _longest(known: Mapping[str, Failures | None], now: float) -> float:
    return max(wait_s(failures, now) for failures in known.values())


def _is_good(connection: Connection, address: str, now: float) -> bool:
    good_at = connection.scalar(select(_good.c.good_at).where(_good.c.address == address))
    return good_at is not None and now - good_at < GOOD_ADDRESS_S


def _read(connection: Connection, names: list[str]) -> dict[str, Failures | None]:
    """All of the names, with what is stored of them."""
    rows = connection.execute(select(_failures).where(_failures.c.name.in_(names)))
    found = {row.name: Failures(row.failures, row.started_at, row.held_until) for row in rows}
    return {name: found.get(name) for name in names}


def _write(connection: Connection, changes: Mapping[str, Failures | None]) -> None:
    connection.execute(delete(_failures).where(_failures.c.name.in_(list(changes))))
    rows = [
        {"name": name, "failures": one.count, "started_at": one.started_at, "held_until": one.held_until}
        for name, one in changes.items()
        if one is not None
    ]
    if rows:
        connection.execute(insert(_failures), rows)
