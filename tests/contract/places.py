"""Where each backend keeps its data, for the contract's tests: a clean place, opened as often as wanted.

`PLACES` has a row for each row of `grok2api.storage.BACKENDS`. What the contract has no word for yet (the
operator's disabling, a quota learnt from upstream) is done here, in the backend's own way.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask

from grok2api.accounts import DEFAULT_WINDOW_S
from grok2api.env import Env
from grok2api.storage import open_store
from grok2api.storage.base import Store

POOLS = ("default", "heavy")


def open_at(env: Env) -> Store:
    """A store of its own, as another worker would open it."""
    return open_store(Flask("contract"), env, POOLS)


class Place(ABC):
    """One backend with nothing in it. `env` opens it from any process."""

    env: Env

    def __init__(self) -> None:
        self._opened: list[Store] = []

    def open(self) -> Store:
        """A further store over this place; closed with it."""
        self._opened.append(open_at(self.env))
        return self._opened[-1]

    @cached_property
    def store(self) -> Store:
        """The first store over this place."""
        return self.open()

    def close(self) -> None:
        for store in self._opened:
            store.close()

    @abstractmethod
    def clear(self) -> None:
        """Forget everything but the schema."""

    @abstractmethod
    def disable(self, account_id: int) -> None: ...

    @abstractmethod
    def delete(self, account_id: int) -> None: ...

    @abstractmethod
    def occupy(self, account_ids: list[int]) -> None:
        """Give each a request in flight that never ends."""

    @abstractmethod
    def describe(self, account_id: int, note: str, tags: tuple[str, ...]) -> None: ...

    @abstractmethod
    def set_quota(
        self, account_ids: list[int], pool: str, remaining: int, *, now: float, ends_at: float | None = None
    ) -> None:
        """What upstream says of these accounts' quota."""


class FilePlace(Place):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.env = Env(data_dir=folder)
        self.path = folder / "grok2api.db"

    @contextmanager
    def sql(self) -> Iterator[sqlite3.Connection]:
        """The file from outside, in one transaction."""
        with closing(sqlite3.connect(self.path, timeout=10)) as connection:
            connection.execute("PRAGMA foreign_keys=ON")
            with connection:
                yield connection

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.sql() as connection:
            return connection.execute(query, values).fetchall()

    def clear(self) -> None:
        tables = ("accounts", "counters", "settings", "kept_values", "sessions")
        with self.sql() as connection:
            for table in tables:  # what hangs on the accounts goes with them
                connection.execute(f"DELETE FROM {table}")

    def disable(self, account_id: int) -> None:
        with self.sql() as connection:
            connection.execute("UPDATE accounts SET disabled = 1 WHERE id = ?", (account_id,))
            connection.execute("UPDATE account_quotas SET state = 3 WHERE account_id = ?", (account_id,))

    def delete(self, account_id: int) -> None:
        with self.sql() as connection:
            connection.execute("DELETE FROM accounts WHERE id = ?", (account_id,))

    def occupy(self, account_ids: list[int]) -> None:
        with self.sql() as connection:
            connection.executemany(
                "UPDATE account_quotas SET in_flight = 1 WHERE account_id = ?",
                [(id_,) for id_ in account_ids],
            )

    def describe(self, account_id: int, note: str, tags: tuple[str, ...]) -> None:
        with self.sql() as connection:
            connection.execute("UPDATE accounts SET note = ? WHERE id = ?", (note, account_id))
            connection.executemany(
                "INSERT INTO account_tags VALUES (?, ?)", [(account_id, tag) for tag in tags]
            )

    def set_quota(
        self, account_ids: list[int], pool: str, remaining: int, *, now: float, ends_at: float | None = None
    ) -> None:
        values = {"pool": pool, "remaining": remaining, "ends_at": ends_at, "empty_until": None}
        if remaining == 0:
            values["empty_until"] = values["ends_at"] = ends_at or now + DEFAULT_WINDOW_S
        with self.sql() as connection:
            connection.executemany(_SET_QUOTA, [values | {"id": id_} for id_ in account_ids])


_SET_QUOTA = """
    UPDATE account_quotas
    SET remaining = :remaining, quota_order = -:remaining, window_ends_at = :ends_at,
        returns_at = CASE WHEN cooldown_until IS NULL THEN :ends_at
                          ELSE max(cooldown_until, coalesce(:empty_until, 0)) END,
        state = CASE WHEN state = 3 THEN 3
                     WHEN cooldown_until IS NOT NULL OR :remaining = 0 THEN 2
                     WHEN rest_until_at IS NOT NULL THEN 1
                     ELSE 0 END
    WHERE account_id = :id AND pool = :pool
"""

PLACES: dict[str, Callable[[Path], Place]] = {"file": FilePlace}
