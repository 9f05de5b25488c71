"""The storages that gateways can be run over, each as the environment that a gateway takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymysql
import redis

from grok2api.env import Env
from grok2api.storage.redis.keys import Key
from grok2api.storage.sql.mysql import database_url
from tests.gateway import Gateway
from tests.mariadb_server import MariaDbServer
from tests.redis_server import RedisServer


def age_leases(gateway: Gateway, seconds: float) -> None:
    """As if so much time had passed for all leases that are open, in whatever storage the gateway has."""
    env = Env.from_environ(gateway.environ)
    if env.storage_mode == "mysql":
        url, arguments = database_url(env)
        login: dict[str, Any] = {"host": url.host, "port": url.port, "user": url.username}
        with (
            pymysql.connect(**login, **arguments, database=url.database) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("UPDATE leases SET expires_at = expires_at - %s", (seconds,))
            connection.commit()
    elif env.storage_mode == "redis":
        with redis.Redis.from_url(env.database_url) as client:
            for lease in client.zrange(Key.LEASES, 0, -1):
                client.zincrby(Key.LEASES, -seconds, lease)
    else:
        gateway.sql(f"UPDATE leases SET expires_at = expires_at - {seconds}")


@contextmanager
def storage_environ(backend: str) -> Iterator[dict[str, str]]:
    """A storage of this backend with nothing in it, on a server of its own; for file nothing is needed."""
    if backend == "mysql":
        with MariaDbServer("innodb-flush-log-at-trx-commit=2") as server:  # nothing here needs the disk
            yield environ_of(server)
    elif backend == "redis":
        with RedisServer() as redis:
            yield environ_of(redis)
    else:
        yield {}


def environ_of(server: MariaDbServer | RedisServer) -> dict[str, str]:
    """For a gateway over this server."""
    if isinstance(server, MariaDbServer):
        return {"STORAGE_MODE": "mysql", "DATABASE_URL": server.url("grok2api")}
    return {"STORAGE_MODE": "redis", "DATABASE_URL": server.url()}
