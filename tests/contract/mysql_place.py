"""MySQL's place in the contract's tests: one server per test process, one database, emptied for each test."""

from __future__ import annotations

import atexit
from functools import cache

from grok2api.env import Env
from tests.contract.places import TABLES, Place
from tests.mariadb_server import MariaDbServer

DATABASE = "contract"


@cache
def server() -> MariaDbServer:
    # Committing to a disk is not what these tests are about, and takes most of their time.
    started = MariaDbServer("innodb-flush-log-at-trx-commit=2")
    atexit.register(started.close)
    return started


class MysqlPlace(Place):
    def __init__(self) -> None:
        super().__init__()
        self.env = Env(storage_mode="mysql", database_url=server().url(DATABASE))
        with server().connect() as connection, connection.cursor() as cursor:
            found = cursor.execute("SHOW DATABASES LIKE %s", (DATABASE,))
        if found:
            self.clear()

    def clear(self) -> None:
        with server().connect(DATABASE) as connection, connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"DELETE FROM {table}")  # what hangs on the accounts goes with them
            cursor.execute("DELETE FROM counters WHERE name <> 'writer'")  # the row that writers lock
