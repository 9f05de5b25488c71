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
