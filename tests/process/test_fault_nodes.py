"""Two nodes behind nginx over one storage: one of them is killed, or both are restarted in turn, under traffic."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from grok2api.accounts import LEASE_S
from tests.full import only_full
from tests.gateway import Gateway
from tests.process.front_nginx import front_nginx
from tests.process.servers import age_leases, storage_environ
from tests.process.traffic import End, Traffic, add_accounts, mixed, verify_the_books, wait_for_rest
from tests.simulator.client import Simulator

#: What a killed worker or node held is free again so soon.
FREE_S = 60.0


class Nodes:
    """Two gateways of two workers; each can be started again where it was."""

    def __init__(self, folder: Path, simulator: Simulator, storage: dict[str, str]) -> None:
        self._folder, self._simulator, self._storage = folder, simulator, storage
        with ThreadPoolExecutor(2) as starting:
            self.nodes = list(starting.map(self._start, range(2)))

    def _start(self, number: int) -> Gateway:
        return Gateway(self._folder / f"data{number}", self._simulator.url, **self._storage)

    def restart(self, number: int) -> float:
        """SIGTERM, its end, and a start on the same port; how long its end took."""
        node = self.nodes[number]
        began = time.monotonic()
        assert node.stop(60) == 0, node.log()
        took = time.monotonic() - began
        self.nodes[number] = Gateway(node.data_dir, self._simulator.url, PORT=str(node.port), **self._storage)
        return took

    def kill(self, number: int) -> None:
        """kill -9, the master first: it would replace its workers."""
        node = self.nodes[number]
        workers = node.worker_pids()
        for pid in (node.process.pid, *workers):
            os.kill(pid, signal.SIGKILL)
        node.process.wait()

    def close(self) -> None:
        for node in self.nodes:
            node.kill()


@pytest.fixture(params=["redis", only_full("mysql")])
def nodes(request: pytest.FixtureRequest, tmp_path: Path, simulator: Simulator) -> Iterator[Nodes]:
    with ExitStack() as stack:
        storage = stack.enter_context(storage_environ(request.param))
        made = Nodes(tmp_path, simulator, storage)
        stack.callback(made.close)
        add_accounts(made.nodes[0], 12)
        yield made


def test_a_killed_node_costs_its_own_streams_only(
    nodes: Nodes, simulator: Simulator, tmp_path: Path, full: bool
) -> None:
    first, second = nodes.nodes
    killed = f"127.0.0.1:{first.port}"
    with front_nginx(tmp_path / "nginx", (first.port, second.port)) as url:
        with Traffic(url, mixed(24, 12)) as traffic:
            traffic.run_until(lambda: len(traffic.outcomes) > 60, 20)
            nodes.kill(0)
            killed_at = time.monotonic()
            before = len(traffic.outcomes)
            traffic.run_until(lambda: len(traffic.outcomes) > before + 60, 20)
            time.sleep(1)
    outcomes = traffic.outcomes
    broken = [outcome for outcome in outcomes if outcome.end is End.BROKEN]
    moved = [o for o in outcomes if o.via[0] == killed and o.via[-1] != killed and o.began_at < killed_at]
    print(f"{len(outcomes)} requests, {len(broken)} broken, {len(moved)} moved to the other node")
    assert not [outcome for outcome in outcomes if outcome.end is End.FAILED], traffic.summary()
    assert broken and moved, traffic.summary()
    assert all(o.via[-1] == killed and o.began_at < killed_at and o.stream for o in broken), traffic.summary()
    assert all(o.ended_at < killed_at + 1 for o in broken)
    if not full:
        time.sleep(1.5)  # what lives is settled by now
        age_leases(second, LEASE_S)
        second.chat("Hello")  # tidies up what is void; left alone, the other node does so within the minute
    wait_for_rest(second, FREE_S - (time.monotonic() - killed_at))
    print(f"all accounts are free {time.monotonic() - killed_at:.0f} s after the kill")
    verify_the_books(second, simulator)


def test_a_rolling_restart_drops_nothing(nodes: Nodes, tmp_path: Path, simulator: Simulator, full: bool) -> None:
    ports = [node.port for node in nodes.nodes]
    with front_nginx(tmp_path / "nginx", ports) as url:
        with Traffic(url, mixed(24, 12)) as traffic:
            for _ in range(3 if full else 1):
                for number in range(2):
                    before = len(traffic.outcomes)
                    traffic.run_until(lambda before=before: len(traffic.outcomes) > before + 40, 20)
                    print(f"node {number} ended after {nodes.restart(number):.1f} s")
            before = len(traffic.outcomes)
            traffic.run_until(lambda: len(traffic.outcomes) > before + 40, 20)
    retried = sum(len(outcome.via) > 1 for outcome in traffic.outcomes)
    print(f"{len(traffic.outcomes)} requests, {retried} of them asked of a second node")
    assert not traffic.bad(), traffic.summary()
    for number, port in enumerate(ports):
        served = {o.via[-1] == f"127.0.0.1:{port}" for o in traffic.outcomes[-30:]}
        assert True in served, f"node {number} does not serve again"
    wait_for_rest(nodes.nodes[0], 5)
    verify_the_books(nodes.nodes[0], simulator)
