"""The storage's server is stopped for ten seconds and started again under load. (One request of each kind, and servers
that hang: test_outage.)"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.full import only_full
from tests.gateway import Gateway
from tests.mariadb_server import MariaDbServer
from tests.process.servers import environ_of
from tests.process.traffic import Client, End, Traffic, add_accounts, mixed, verify_the_books, wait_for_rest
from tests.redis_server import RedisServer
from tests.simulator.client import Simulator

#: What a request may take that fails because the server is gone.
GONE_S = 5.0
RECOVERY_S = 15.0


@pytest.mark.timeout(240)
@pytest.mark.parametrize("backend", ["redis", only_full("mysql")])
def test_the_server_is_away_under_load(
    tmp_path: Path, simulator: Simulator, backend: str, full: bool
) -> None:
    away_s = 10.0 if full else 2.0
    long = [Client(True, tokens=int((away_s + 3) / 0.1), options=(("delay", 0.1),))] * (50 if full else 20)
    short = [Client(c.stream, c.tokens, c.options, c.fresh, pause_s=0.05) for c in mixed(12, 12)]
    with (
        RedisServer("appendonly yes") if backend == "redis" else MariaDbServer() as server,
        Gateway(tmp_path / "data", simulator.url, workers=2, **environ_of(server)) as own,
    ):
        add_accounts(own, 20)
        with Traffic(own.url, long, once=True) as going_on:
            simulator.wait_until(lambda: simulator.streams()["open"] == len(long), 20)
            with Traffic(own.url, short) as traffic:
                traffic.run_until(lambda: len(traffic.outcomes) > 20, 20)
                server.stop()
                gone_at = time.monotonic()
                time.sleep(away_s)
                back_at = time.monotonic()
                server.start()
                while own.chat("Hello").status_code != 200:
                    assert time.monotonic() < back_at + RECOVERY_S, own.log()[-3000:]
                    time.sleep(0.1)
                recovered_at = time.monotonic()
                time.sleep(1.0)  # both workers have seen it
                fine_at = time.monotonic()
                asked = len(traffic.outcomes)
                traffic.run_until(lambda: len(traffic.outcomes) > asked + 40, 20)
            going_on.wait()
        assert not going_on.bad(), going_on.summary()
        during = [o for o in traffic.outcomes if gone_at < o.began_at and o.ended_at < back_at]
        slowest = max(o.took_s for o in during)
        print(
            f"{backend}: {len(during)} refused in {slowest:.2f} s at most, {len(going_on.outcomes)} streams went on, "
            f"serves again after {recovered_at - back_at:.1f} s"
        )
        assert len(during) > 20 and slowest < GONE_S
        assert {o.end for o in during} == {End.FAILED}
        assert {(o.end, o.status, o.code) for o in traffic.bad()} == {
            (End.FAILED, 503, "storage_unavailable")
        }, traffic.summary()
        assert not [o for o in traffic.bad() if o.began_at > fine_at], traffic.summary()
        wait_for_rest(own, RECOVERY_S)
        verify_the_books(own, simulator)
