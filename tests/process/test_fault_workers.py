"""Workers that are killed, and a gateway that is told to stop, under load: who else is served does not notice."""

from __future__ import annotations

import http.client
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from grok2api.accounts import LEASE_S
from tests.gateway import Gateway
from tests.process.servers import age_leases
from tests.process.traffic import (
    Client,
    End,
    Outcome,
    Traffic,
    add_accounts,
    ask,
    verify_the_books,
    wait_for_rest,
)
from tests.simulator.client import Simulator

STREAMS = 40
FREE_S = 60.0


def owners(gateway: Gateway) -> dict[int, int]:
    """For each open connection to the gateway the port of its client, and the pid of the worker that has it."""
    inodes = {}
    for pid in gateway.worker_pids():
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes[str(fd.readlink())] = pid
            except FileNotFoundError:
                continue
    found = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, *_, inode = line.split()[:10]
        name = f"socket:[{inode}]"
        if int(local.partition(":")[2], 16) == gateway.port and name in inodes:
            found[int(remote.partition(":")[2], 16)] = inodes[name]
    return found


class Streams:
    """Streams that go on for some seconds, each on a connection of its own that is known by its port."""

    def __init__(self, gateway: Gateway, client: Client, count: int) -> None:
        self.by_port: dict[int, Outcome] = {}
        self.ports: list[int] = []
        self._threads = [
            threading.Thread(target=self._run, args=(gateway, client), daemon=True) for _ in range(count)
        ]
        for thread in self._threads:
            thread.start()
            time.sleep(0.02)  # all at once could go to the one worker that is awake

    def _run(self, gateway: Gateway, client: Client) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        connection.connect()
        port = connection.sock.getsockname()[1]
        self.ports.append(port)
        self.by_port[port] = ask(connection, client)
        connection.close()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


@pytest.mark.timeout(180)
def test_a_killed_worker_costs_its_own_requests_only(
    tmp_path: Path, simulator: Simulator, full: bool
) -> None:
    with Gateway(tmp_path / "data", simulator.url, workers=4 if full else 2) as own:
        add_accounts(own, 12)
        long = Client(True, tokens=120 if full else 60)
        with Traffic(own.url, [Client(False, 4, fresh=True, pause_s=0.1)] * 6) as traffic:
            streams = Streams(own, long, STREAMS)
            simulator.wait_until(lambda: simulator.streams()["open"] >= STREAMS, 20)
            owner = owners(own)
            victim = random.Random(1).choice(sorted({owner[port] for port in streams.ports}))
            os.kill(victim, signal.SIGKILL)
            killed_at = time.monotonic()
            streams.wait()
        lost = [port for port in streams.ports if owner[port] == victim]
        ends = {port: outcome.end for port, outcome in streams.by_port.items()}
        print(f"{len(lost)} of {STREAMS} streams and {len(traffic.bad())} short requests were the victim's")
        assert 0 < len(lost) < STREAMS
        assert {port for port, end in ends.items() if end is not End.OK} == set(lost), ends
        bad = traffic.bad()
        assert len(bad) <= 6 and all(o.began_at < killed_at < o.ended_at + 0.1 for o in bad), (
            traffic.summary()
        )
        assert victim not in own.worker_pids() and len(own.worker_pids()) == (4 if full else 2)
        if not full:
            time.sleep(1)  # what the others hold is settled by now
            age_leases(own, LEASE_S)
            own.chat("Hello")  # tidies up what is void; left alone, the workers do so within the minute
        wait_for_rest(own, FREE_S - (time.monotonic() - killed_at))
        print(f"all accounts are free {time.monotonic() - killed_at:.0f} s after the kill")
        verify_the_books(own, simulator)


def test_sigterm_under_load_loses_none_of_a_hundred_streams(tmp_path: Path, simulator: Simulator) -> None:
    with Gateway(tmp_path / "data", simulator.url) as own:
        add_accounts(own, 20)
        clients = [Client(True, tokens=40, options=(("delay", 0.1),))] * 100
        clients += [Client(False, tokens=30, options=(("delay", 0.1),))] * 20
        with Traffic(own.url, clients, once=True) as traffic:
            simulator.wait_until(lambda: simulator.streams()["open"] == len(clients), 30)
            assert not traffic.outcomes
            own.process.send_signal(signal.SIGTERM)
            traffic.wait()
            assert own.process.wait(timeout=30) == 0
        assert len(traffic.outcomes) == len(clients) and not traffic.bad(), traffic.summary()
        assert own.sql("SELECT count(*) FROM leases") == [(0,)]
        assert own.sql("SELECT sum(request_count) FROM accounts") == [(len(clients),)]
