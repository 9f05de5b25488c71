"""The storages that gateways can be run over, each as the environment that a gateway takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.mariadb_server import MariaDbServer
from tests.redis_server import RedisServer


@contextmanager
def storage_environ(backend: str) -> Iterator[dict[str, str]]:
    """A storage of this backend with nothing in it, on a server of its own; for file nothing is needed."""
    if backend == "mysql":
        with MariaDbServer() as server:
            yield {"STORAGE_MODE": "mysql", "DATABASE_URL": server.url("grok2api")}
    elif backend == "redis":
        with RedisServer() as redis:
            yield {"STORAGE_MODE": "redis", "DATABASE_URL": redis.url()}
    else:
        yield {}
