"""MySQL and MariaDB: a server that the workers of any number of nodes share.

PyMySQL is pure Python, so that waiting for the server blocks no other greenlet of a patched worker.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import pymysql
from flask import Flask
from pymysql.constants import CLIENT
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import NullPool

from grok2api.env import Env
from grok2api.errors import ConfigurationError, StorageUnavailable
from grok2api.storage.base import Store
from grok2api.storage.sql.migrations import migrate
from grok2api.storage.sql.prepared import Prepared
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.sealing import KEY_CHECK, read_check_value
from grok2api.storage.sql.store import SqlStore
from grok2api.storage.sql.tables import db
from grok2api.storage.sql.turn import Turn
from grok2api.storage.vault import Vault

#: Connections of a worker besides the one that has its turn to write.
OTHERS = 8
CONNECT_S = 5.0
#: For the server's answer to one statement, waiting for a lock included.
ANSWER_S = 8.0
LOCK_WAIT_S = 5
#: The server ends a connection that is idle for so long, also one whose worker hangs in a transaction.
IDLE_S = 60
MIGRATION_S = 300
_RETRY_S = 1.0
_SAY_S = 5.0

_EXAMPLE = "mysql://user:password@host:3306/database (percent-encode what is special)"
#: A connection that is known to be closed fails at once.
_STALE_S = 1.0
_DEADLOCK = 1213
_DEADLOCK_RETRIES = 5
_NO_SUCH_DATABASE = 1049
#: Access denied, in its variants: waiting does not help.
_REFUSED = frozenset({1044, 1045, 1698, 1251, 2061})

T = TypeVar("T")

log = logging.getLogger(__name__)


def open_store(app: Flask, env: Env, pools: Sequence[str], vault: Vault) -> Store:
    """The store in the database that DATABASE_URL names, which is made when it does not exist."""
    url, arguments = database_url(env)
    _wait_for(url, arguments, env.storage_wait_s)
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "connect_args": arguments,
        "hide_parameters": True,
        "pool_size": OTHERS + 1,
        "max_overflow": 0,
        "pool_timeout": CONNECT_S,
        "pool_recycle": IDLE_S - 10,
        "isolation_level": "READ COMMITTED",
        "pool_reset_on_return": None,  # it has been committed or rolled back: one more question for nothing
    }
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    event.listen(engine, "connect", _prepare)
    try:
        _migrate(url, arguments, vault)
        return SqlStore(MysqlRunner(engine), pools, vault)
    except (SQLAlchemyError, pymysql.Error, StorageUnavailable) as error:
        raise ConfigurationError(
            f"{_where(url)}: cannot be used as the database ({cause(error)})."
        ) from error


def database_url(env: Env) -> tuple[URL, dict[str, Any]]:
    """The URL of this environment as SQLAlchemy's, and what the driver needs beside it. Raises ConfigurationError."""
    try:
        parts = urlsplit(env.database_url)
        port = parts.port or 3306
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        # What cannot be read may be a part of the password.
        raise ConfigurationError(f"DATABASE_URL cannot be read. It must look like {_EXAMPLE}.") from None
    name = unquote(parts.path.removeprefix("/"))
    known = parts.scheme in ("mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql")
    if not known or not parts.hostname or not name or "/" in name:
        raise ConfigurationError(f"DATABASE_URL: with STORAGE_MODE=mysql it must look like {_EXAMPLE}.")
    arguments: dict[str, Any] = {
        # Counts are of the rows that were found, as SQLAlchemy has it; see `run_together` for the other.
        "client_flag": CLIENT.FOUND_ROWS | CLIENT.MULTI_STATEMENTS,
        "charset": "utf8mb4",
        "connect_timeout": CONNECT_S,
        "read_timeout": ANSWER_S,
        "write_timeout": ANSWER_S,
    }
    for option, value in options.items():
        if option == "ssl_ca":
            arguments |= {"ssl_ca": value, "ssl_verify_cert": True, "ssl_verify_identity": True}
        elif option == "ssl" and value in ("true", "1"):
            arguments.setdefault("ssl", {"check_hostname": False})
        else:
            raise ConfigurationError(f"DATABASE_URL: {option} is not known; known are ssl=true, ssl_ca=FILE.")
    user, password = (
        unquote(part) if part is not None else None for part in (parts.username, parts.password)
    )
    arguments["password"] = (password or "").encode()  # PyMySQL takes a text for Latin-1
    return URL.create("mysql+pymysql", user, None, parts.hostname, port, name), arguments


def _wait_for(url: URL, arguments: dict[str, Any], wait_s: float) -> None:
    """Until the server is up and has the database. Raises ConfigurationError."""
    until = time.monotonic() + wait_s
    said_at = 0.0
    while True:
        try:
            return _make_database(url, arguments)
        except (pymysql.Error, OSError) as error:
            code = error.args[0] if error.args else 0
            if code in _REFUSED:
                raise ConfigurationError(
                    f"{_where(url)}: {cause(error)}. Mend DATABASE_URL or the rights."
                ) from error
            if time.monotonic() > until:
                raise ConfigurationError(f"{_where(url)}: cannot be reached ({cause(error)}).") from error
            if time.monotonic() - said_at > _SAY_S:
                log.warning("waiting for the database server at %s (%s)", _where(url), cause(error))
                said_at = time.monotonic()
        time.sleep(_RETRY_S)


def _make_database(url: URL, arguments: dict[str, Any]) -> None:
    login: dict[str, Any] = {"host": url.host, "port": url.port, "user": url.username}
    # A socket that PyMySQL cannot connect is left to the garbage collector.
    socket.create_connection((login["host"], login["port"]), CONNECT_S).close()
    try:
        pymysql.connect(**login, **arguments, database=url.database).close()
    except pymysql.OperationalError as error:
        if error.args[0] != _NO_SUCH_DATABASE:
            raise
        with pymysql.connect(**login, **arguments) as connection, connection.cursor() as cursor:
            name = (url.database or "").replace("`", "``")
            cursor.execute(
                f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
            )


def _prepare(connection: Any, _: Any) -> None:
    with connection.cursor() as cursor:
        # Tables get the database's character set, so a new one is always made with ours.
        cursor.execute(
            f"SET SESSION wait_timeout = {IDLE_S}, innodb_lock_wait_timeout = {LOCK_WAIT_S}, "
            "default_storage_engine = InnoDB"
        )


def _migrate(url: URL, arguments: dict[str, Any], vault: Vault) -> None:
    """Bring the schema up to date, one process at a time: MySQL's DDL knows no transaction."""
    patient = arguments | {"read_timeout": 2 * MIGRATION_S, "write_timeout": 2 * MIGRATION_S}
    engine = create_engine(url, connect_args=patient, poolclass=NullPool, isolation_level="READ COMMITTED")
    event.listen(engine, "connect", _prepare)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET SESSION wait_timeout = {2 * MIGRATION_S}")
        if not connection.scalar(text("SELECT GET_LOCK('grok2api_migration', :wait)"), {"wait": MIGRATION_S}):
            raise StorageUnavailable("another process has been migrating it for too long")
        vault.verify(read_check_value(connection))
        connection.rollback()
        migrate(connection)
        # Rows that are locked, so that they must be there.
        connection.exec_driver_sql("INSERT IGNORE INTO counters (name, value) VALUES ('writer', 0)")
        connection.exec_driver_sql(f"INSERT IGNORE INTO kept_values (name, value) VALUES ('{KEY_CHECK}', '')")
        connection.commit()
        # the lock goes with the connection


_MY_TURN = Prepared(text("SELECT value FROM counters WHERE name = 'writer' FOR UPDATE"))
_ONE_VIEW = Prepared(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))


class MysqlRunner(Runner):
    """Runs work in the caller's greenlet or thread.

    One `write` at a time in the whole deployment: each locks the same row first, so that what a work reads it
    reads after its turn has come. Waiting for a turn inside a worker is fair and takes no connection.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = Turn()
        self._others = BoundedSemaphore(OTHERS)

    def read(self, work: Callable[[Connection], T]) -> T:
        with self._others, _ours():
            return self._run(work, _ONE_VIEW)

    def write(self, work: Callable[[Connection], T], *, brief: bool = False) -> T:
        with self._turn, _ours():
            return self._until_no_deadlock(work, _MY_TURN)

    def write_beside(self, work: Callable[[Connection], T], *, brief: bool = False) -> T:
        with self._others, _ours():
            return self._until_no_deadlock(work, None)

    def close(self) -> None:
        self._engine.dispose()

    def _until_no_deadlock(self, work: Callable[[Connection], T], first: Prepared | None) -> T:
        for _ in range(_DEADLOCK_RETRIES):
            try:
                return self._run(work, first)
            except DBAPIError as error:
                if _code(error) != _DEADLOCK:
                    raise
        return self._run(work, first)

    def _run(self, work: Callable[[Connection], T], first: Prepared | None) -> T:
        began = time.monotonic()
        for _ in range(OTHERS + 1):  # as many as the pool may hold
            try:
                return self._attempt(work, first)
            except _ConnectionLost:  # the server closed it while it was idle; nothing has been done
                if time.monotonic() - began > _STALE_S:  # it hangs rather
                    raise
        return self._attempt(work, first)

    def _attempt(self, work: Callable[[Connection], T], first: Prepared | None) -> T:
        with self._engine.connect() as connection:
            connection.begin()  # said, as SQLAlchemy does not see the statements of Prepared
            try:
                if first is not None:
                    first.run(connection, {})
                done = work(connection)
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise _ConnectionLost from error
                raise
            connection.commit()
            return done


class _ConnectionLost(Exception):
    """In the middle of a transaction: the server has rolled it back. Its cause is the driver's error."""


@contextmanager
def _ours() -> Iterator[None]:
    try:
        yield
    except _ConnectionLost as error:
        problem = error.__cause__ or error
        raise StorageUnavailable(f"The database cannot be used ({cause(problem)}).") from problem
    except (DBAPIError, PoolTimeout, pymysql.Error, OSError) as error:
        raise StorageUnavailable(f"The database cannot be used ({cause(error)}).") from error


def _code(error: BaseException | None) -> int | None:
    """The server's number of an error."""
    original = getattr(error, "orig", None) or error
    code = original.args[0] if original is not None and original.args else None
    return code if isinstance(code, int) else None


def cause(error: BaseException) -> str:
    """One line of the driver's."""
    original = getattr(error, "orig", None) or error
    words = str(original.args[1] if len(original.args) > 1 else original).splitlines()
    return words[0].rstrip(".") if words else type(original).__name__


def _where(url: URL) -> str:
    """The server without the password."""
    host = f"[{url.host}]" if ":" in (url.host or "") else url.host
    return f"mysql://{host}:{url.port}/{url.database}"
