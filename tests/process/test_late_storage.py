"""A gateway that is started before its storage's server waits for it, says so, and serves when it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.gateway import Gateway
from tests.mariadb_server import PASSWORD, MariaDbServer
from tests.process.servers import environ_of
from tests.redis_server import RedisServer
from tests.simulator.client import Simulator

#: How much later than the gateway the server is started.
LATE_S = 2.0


@contextmanager
def not_yet_started(backend: str) -> Iterator[MariaDbServer | RedisServer]:
    if backend == "redis":
        with RedisServer(password=PASSWORD, started=False) as redis:
            yield redis
    else:
        with MariaDbServer() as server:
            server.stop()
            yield server


@pytest.mark.parametrize("backend", ["mysql", "redis"])
def test_it_waits_for_the_server_and_says_so(tmp_path: Path, simulator: Simulator, backend: str) -> None:
    with not_yet_started(backend) as server:
        started_at: list[float] = []

        def start_later() -> None:
            until = time.monotonic() + 20  # a slow machine may not have got to it yet
            while time.monotonic() < until and not any(
                "waiting for" in log.read_text() for log in tmp_path.glob("gateway-*.log")
            ):
                time.sleep(0.1)
            server.start()
            started_at.append(time.monotonic())

        starting = threading.Timer(LATE_S, start_later)
        starting.start()
        try:
            with Gateway(tmp_path / "data", simulator.url, workers=2, **environ_of(server)) as gateway:
                print(f"{backend}: serves {time.monotonic() - started_at[0]:.1f} s after its server")
                said = [line for line in gateway.log().splitlines() if "waiting for" in line]
                gateway.admin("/api/tokens/add", {"tokens": ["sim-basic-ok-a"], "token_type": "sso"})
                assert gateway.chat("Hello").status_code == 200
        finally:
            starting.join()
    assert said and f"127.0.0.1:{server.port}" in said[0] and "WARNING" in said[0]
    assert not any(password in line for line in said for password in (PASSWORD, quote(PASSWORD, safe="")))
    assert len(said) < 3 and "Traceback" not in gateway.log()
