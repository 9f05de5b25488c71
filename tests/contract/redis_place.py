"""Redis' place in the contract's tests: one server per test process, its database emptied for each test."""

from __future__ import annotations

import atexit
from functools import cache

from grok2api.env import Env
from tests.contract.places import Place
from tests.redis_server import RedisServer


@cache
def server() -> RedisServer:
    started = RedisServer()
    atexit.register(started.close)
    return started


class RedisPlace(Place):
    def __init__(self) -> None:
        super().__init__()
        self.env = Env(storage_mode="redis", database_url=server().url())
        self.clear()

    def clear(self) -> None:
        with server().connect() as client:
            client.flushdb()
