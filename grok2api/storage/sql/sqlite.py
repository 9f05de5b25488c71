"""SQLite: a file that the workers of one machine share.

A call into SQLite blocks its thread, for seconds when another process holds the write lock, and no other
greenlet would run meanwhile. So all work is done in native threads: one that writes, because SQLite has
one writer at a time anyway, and a few that read, which never wait for a writer (WAL).
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

from flask import Flask
from gevent import monkey
from gevent.threadpool import ThreadPool
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool, SingletonThreadPool

from grok2api.env import Env
from grok2api.errors import ConfigurationError, StorageUnavailable
from grok2api.storage.base import Store
from grok2api.storage.sql.migrations import migrate
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.sealing import read_check_value
from grok2api.storage.sql.store import SqlStore
from grok2api.storage.sql.tables import db
from grok2api.storage.sql.writer import Writer
from grok2api.storage.vault import Vault

READERS = 2
#: How long a writer waits for another process's lock.
LOCK_WAIT_S = 10.0

T = TypeVar("T")

#: What work gave, or what it raised: handed back, as gevent prints what its threads raise.
Given = tuple[T | None, Exception | None]

log = logging.getLogger(__name__)


def open_store(
    app: Flask, env: Env, pools: Sequence[str], vault: Vault, lock_wait_s: float = LOCK_WAIT_S
) -> Store:
    """The store in the data directory's file, or in the one that DATABASE_URL names."""
    path = database_path(env)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{path.parent}: cannot be made ({error.strerror}). Set GROK2API_DATA_DIR."
        ) from error
    if not os.access(path.parent, os.W_OK | os.X_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise ConfigurationError(
            f"{path}: cannot be written to. Mend its permissions or set GROK2API_DATA_DIR."
        )
    _keep_private(path)
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{path}"
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = _pool_options() | {
        "hide_parameters": True,
        "connect_args": {"isolation_level": None, "timeout": lock_wait_s, "check_same_thread": False},
    }
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    event.listen(engine, "connect", _prepare)
    try:
        with _transaction(engine, "BEGIN IMMEDIATE") as connection:
            vault.verify(read_check_value(connection))
            migrate(connection, before_upgrade=partial(_back_up, path))
        engine.dispose()
        runner = SqliteRunner(engine)
        return SqlStore(runner, pools, vault, runner.scrub)
    except (SQLAlchemyError, sqlite3.Error, StorageUnavailable) as error:
        raise ConfigurationError(f"{path}: cannot be used as the database ({_cause(error)}).") from error


def _keep_private(path: Path) -> None:
    """Make a new file readable by its owner alone, as it will hold secrets; SQLite's side files take its mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return  # its mode is the operator's choice
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be made ({error.strerror}). Set GROK2API_DATA_DIR."
        ) from error


def _back_up(path: Path, revision: str) -> None:
    """Keep what an older release wrote, as it was, beside the file."""
    backup = path.with_name(f"{path.name}.backup-{revision}")
    _keep_private(backup)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    log.warning("the database is upgraded; it is kept as it was in %s", backup)


def database_path(env: Env) -> Path:
    """The SQLite file of this environment."""
    if not env.database_url:
        return env.data_dir / "grok2api.db"
    parts = urlsplit(env.database_url)
    if parts.scheme != "sqlite" or parts.netloc or len(parts.path) < 2:
        raise ConfigurationError(
            "DATABASE_URL: with STORAGE_MODE=file it must look like sqlite:////path/to/file.db."
        )
    return Path(unquote(parts.path[1:])).expanduser().absolute()


def _pool_options() -> dict[str, Any]:
    """A connection for each native thread of a patched process; any thread's connections elsewhere."""
    if monkey.is_module_patched("threading"):
        return {"poolclass": SingletonThreadPool, "pool_size": READERS + 2}
    return {"poolclass": QueuePool, "pool_size": READERS + 2, "max_overflow": -1}


def _prepare(connection: Any, _: Any) -> None:
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        # A checkpoint waits for the disk; every lease writes the same few pages, so it may come seldom.
        "wal_autocheckpoint=4000",
        # What is deleted or sealed is to be gone from the file as well.
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def _transaction(engine: Engine, begin: str) -> Iterator[Connection]:
    # The driver begins none by itself (isolation_level None), and SQLAlchemy's own begin is only a mark.
    with engine.begin() as connection:
        connection.connection.driver_connection.execute(begin)  # type: ignore[union-attr]
        yield connection


class SqliteRunner(Runner):
    """Runs work in native threads when the process is patched by gevent, in the caller's when it is not.

    One writer at a time: waiting for a turn here is fair and cheap, waiting for SQLite's lock is neither.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = Lock()
        # gevent stubs leave the pool's constructor untyped
        self._readers: Any = None
        self._writer: Writer | None = None
        if monkey.is_module_patched("threading"):
            self._readers, self._writer = ThreadPool(READERS), Writer(self._attempt_together)

    def read(self, work: Callable[[Connection], T]) -> T:
        def attempt() -> Given[T]:
            return self._attempt("BEGIN", work)

        given: Given[T] = self._readers.apply(attempt) if self._readers is not None else attempt()
        return _given(given)

    def write(self, work: Callable[[Connection], T], *, brief: bool = False) -> T:
        def attempt() -> Given[T]:
            return self._attempt("BEGIN IMMEDIATE", work)

        if self._writer is None:
            with self._turn:
                return _given(attempt())
        given: Given[T] = self._writer.apply_brief(work) if brief else self._writer.apply(attempt)
        return _given(given)

    def write_beside(self, work: Callable[[Connection], T], *, brief: bool = False) -> T:
        return self.write(work, brief=brief)  # SQLite has one writer at a time

    def scrub(self) -> None:
        """Leave no old copy of what was changed or deleted, in the file and its log; also what a release that did
        not overwrite it has left. Where that fails, it is said and the service goes on."""

        def attempt() -> str | None:
            try:
                with self._engine.connect() as connection:
                    driver: Any = connection.connection.driver_connection
                    driver.execute("VACUUM")
                    busy, *_ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                    return "another process reads it" if busy else None
            except (SQLAlchemyError, sqlite3.Error) as error:
                return _cause(error)

        reason = self._writer.apply(attempt) if self._writer is not None else attempt()
        if reason is not None:
            log.warning(
                "old copies of secrets may be left in the database's files (%s). To remove them, stop the service "
                "and run: sqlite3 FILE 'VACUUM; PRAGMA wal_checkpoint(TRUNCATE)'",
                reason,
            )

    def close(self) -> None:
        if self._writer is not None:
            self._readers.kill()
            self._writer.kill()
        self._engine.dispose()

    def _attempt(self, begin: str, work: Callable[[Connection], T]) -> Given[T]:
        try:
            with _transaction(self._engine, begin) as connection:
                return work(connection), None
        except Exception as error:
            return None, error

    def _attempt_together(self, works: Sequence[Callable[[Connection], Any]]) -> Sequence[Given[Any]]:
        """In one transaction, as beginning and ending it costs more than a brief work; when anything is wrong with one
        of them, each in its own."""
        began = False
        if len(works) > 1:
            try:
                with _transaction(self._engine, "BEGIN IMMEDIATE") as connection:
                    began = True
                    return [(work(connection), None) for work in works]
            except Exception as error:
                if not began:  # another process holds the lock: each by itself would wait as long
                    return [(None, error)] * len(works)
        return [self._attempt("BEGIN IMMEDIATE", work) for work in works]


def _given(given: Given[T]) -> T:
    value, error = given
    if isinstance(error, DBAPIError | sqlite3.Error):
        raise StorageUnavailable(f"The database cannot be used ({_cause(error)}).") from error
    if error is not None:
        raise error
    return value  # type: ignore[return-value]  # None only beside an error


def _cause(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
