"""What only MySQL promises: databases that are made, servers that come late or go away, hung workers."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import pymysql
import pytest
from flask import Flask
from sqlalchemy import Connection

from grok2api.accounts import Tier
from grok2api.env import Env
from grok2api.errors import ConfigurationError, StorageUnavailable
from grok2api.storage.sql import choice
from grok2api.storage.sql.mysql import OTHERS, cause, open_store
from grok2api.storage.sql.prepared import Prepared
from grok2api.storage.vault import Vault
from tests.contract import workers
from tests.contract.dealings import ANY, NOW, add, chosen, end, everyone, in_flight, take, wanting
from tests.contract.mysql_place import DATABASE, MysqlPlace, server
from tests.contract.places import POOLS, open_at
from tests.mariadb_server import MariaDbServer


def refusal(url: str, wait_s: float = 0.0) -> str:
    env = Env(storage_mode="mysql", database_url=url, storage_wait_s=wait_s)
    with pytest.raises(ConfigurationError) as caught:
        open_store(Flask("refused"), env, POOLS, Vault())
    message = str(caught.value)
    assert "\n" not in message and "p@ss" not in message and "p%40ss" not in message
    return message


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mysql://",
        "mysql://host",
        "mysql://host/",
        "mysql://host:x/db",
        "mysql://user:p@ss/w@host/db",
        "redis://host/0",
        "mysql://h/db?x=1",
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    assert refusal(url).startswith("DATABASE_URL")


def test_a_wrong_password_is_refused_at_once() -> None:
    began = time.monotonic()
    url = server().url(DATABASE).replace("p%40ss", "wrong")
    assert "Access denied" in refusal(url, 30)
    assert time.monotonic() - began < 5


def test_processes_that_start_at_once_make_the_database_once() -> None:
    env = Env(storage_mode="mysql", database_url=server().url("grök at once"))
    workers.in_processes(4, workers.open_and_close, env)
    with closing(open_at(env)) as store:
        assert chosen(store) is None
    with server().connect("grök at once") as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT table_collation FROM information_schema.tables WHERE table_schema = DATABASE()"
        )
        assert cursor.fetchall() == (("utf8mb4_bin",),)


def test_secrets_and_tags_differ_in_case() -> None:
    with closing(MysqlPlace()) as place:
        assert place.store.accounts.add(["Secret-one", "secret-one"], Tier.BASIC, NOW).added == 2


def test_a_server_that_comes_late_is_waited_for_and_one_that_goes_away_is_missed() -> None:
    with MariaDbServer() as late:
        env = Env(storage_mode="mysql", database_url=late.url("late"))
        late.stop()
        assert "cannot be reached" in refusal(env.database_url)
        start = threading.Timer(2, late.start)
        start.start()
        with closing(open_at(env)) as store:
            start.join()
            add(store, 2)
            late.stop()
            began = time.monotonic()
            for _ in range(3):
                with pytest.raises(StorageUnavailable):
                    store.leases.lease(ANY, NOW)
            assert time.monotonic() - began < 5
            late.start()
            assert chosen(store) is not None and len(everyone(store)) == 2


def test_of_what_is_sent_together_nothing_is_done_when_a_part_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(MysqlPlace()) as place:
        add(place.store, 2)
        same = uuid.uuid4()
        monkeypatch.setattr(uuid, "uuid4", lambda: same)
        held = take(place.store)
        with pytest.raises(StorageUnavailable, match="Duplicate entry"):
            place.store.leases.lease(ANY, NOW)
        assert in_flight(place.store) == 1
        end(place.store, held)
        assert in_flight(place.store) == 0


class Interrupted:
    """A statement before which, the first time, something else happens."""

    def __init__(self, statement: Prepared, event: Callable[[], None]) -> None:
        self._statement, self._events = statement, [event]

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        while self._events:
            self._events.pop()()
        return self._statement.first(connection, values)


def test_an_account_that_comes_free_between_two_looks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(MysqlPlace()) as place:
        (id_,) = add(place.store, 1)
        other, held = place.open(), take(place.store)
        event = Interrupted(choice._NEXT_LEVEL, lambda: end(other, held))
        monkeypatch.setattr(choice, "_NEXT_LEVEL", event)
        assert chosen(place.store, wanting(max_in_flight=8)) == id_
        assert in_flight(place.store) == 0


def test_ends_of_one_account_never_lock_each_other_out() -> None:
    with closing(MysqlPlace()) as place:
        add(place.store, 1)
        stores = [place.store, place.open()]
        before = _deadlocks()

        def work(number: int) -> None:
            for _ in range(40):
                end(stores[number % 2], take(stores[number % 2]))

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(work, range(8)))
        assert _deadlocks() == before
        (one,) = everyone(place.store)
        assert (one.in_flight, one.request_count) == (0, 320)


def _deadlocks() -> int:
    with server().connect() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")
        ((_, number),) = cursor.fetchall()
        return int(number)


def test_an_error_without_words_is_named() -> None:
    assert cause(pymysql.InterfaceError(0, "")) == "InterfaceError"


def test_connections_that_the_server_closed_meanwhile_give_no_error() -> None:
    with closing(MysqlPlace()) as place:
        add(place.store, 1)
        with ThreadPoolExecutor(OTHERS) as threads:  # so that there are many of them
            list(threads.map(lambda _: everyone(place.store), range(4 * OTHERS)))
        with server().connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE user = 'grok'")
            for (number,) in cursor.fetchall():
                cursor.execute(f"KILL {number}")
        for _ in range(OTHERS):
            assert chosen(place.store) is not None
            assert len(everyone(place.store)) == 1


def test_a_worker_that_hangs_while_it_writes_blocks_the_others_for_a_while_only() -> None:
    with closing(MysqlPlace()) as place:
        add(place.store, 1)
        with server().connect(DATABASE) as hung, hung.cursor() as cursor:
            hung.begin()
            cursor.execute("SELECT value FROM counters WHERE name = 'writer' FOR UPDATE")
            began = time.monotonic()
            with pytest.raises(StorageUnavailable, match="Lock wait timeout"):
                chosen(place.store)
            assert time.monotonic() - began < 20
            assert len(everyone(place.store)) == 1, "readers do not wait for a writer"
        assert chosen(place.store) is not None


def test_a_newer_releases_database_is_refused() -> None:
    url = server().url("newer")
    env = Env(storage_mode="mysql", database_url=url)
    open_at(env).close()
    with server().connect("newer") as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer release (schema 9999)" in refusal(url)
    with pytest.raises(ConfigurationError, match="newer"):
        open_at(replace(env, secret_key="a key"))
