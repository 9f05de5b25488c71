"""Where each backend keeps its data, for the contract's tests: a clean place, opened as often as wanted.

`PLACES` has a row for each row of `grok2api.storage.BACKENDS`.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask

from grok2api.env import Env
from grok2api.storage import open_store
from grok2api.storage.base import Store

POOLS = ("default", "heavy")

#: Of an SQL database, but for those that hang on accounts, and the counters.
TABLES = (
    "accounts", "settings", "kept_values", "sessions", "jobs", "responses", "media", "login_failures",
    "good_addresses", "audit", "usage_counts", "client_keys", "request_log",
)  # fmt: skip


def open_at(env: Env, pools: Sequence[str] = POOLS) -> Store:
    """A store of its own, as another worker would open it, also one of a release with other pools."""
    return open_store(Flask("contract"), env, pools)


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
        with self.sql() as connection:
            for table in (*TABLES, "counters"):  # what hangs on the accounts goes with them
                connection.execute(f"DELETE FROM {table}")


def _mysql(folder: Path) -> Place:
    from tests.contract.mysql_place import MysqlPlace

    return MysqlPlace()


def _redis(folder: Path) -> Place:
    from tests.contract.redis_place import RedisPlace

    return RedisPlace()


#: What makes a clean place of each backend. folder: for those that keep files.
PLACES: dict[str, Callable[[Path], Place]] = {"file": FilePlace, "mysql": _mysql, "redis": _redis}
