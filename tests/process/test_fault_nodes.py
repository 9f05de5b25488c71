"""Two nodes behind nginx over one storage: one of them is killed, or both are restarted in turn, under traffic."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from grok2api.accounts import LEASE_S
from tests.full import only_full
from tests.gateway import Gateway
from tests.process.front_nginx import front_nginx
from tests.process.servers import age_leases, storage_environ
from tests.process.traffic import Client, End, Traffic, add_accounts, mixed, verify_the_books, wait_for_rest
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
        return Gateway(self._folder / f"data{number}", self._simulator.url, workers=2, **self._storage)

    def restart(self, number: int) -> float:
        """SIGTERM, its end, and a start on the same port; how long its end took."""
        node = self.nodes[number]
        began = time.monotonic()
        assert node.stop(60) == 0, node.log()
        took = time.monotonic() - began
        self._start_again(number)
        return took

    def kill(self, number: int) -> None:
        """kill -9, the master first: it would replace its workers."""
        node = self.nodes[number]
        for pid in (node.process.pid, *node.worker_pids()):
            os.kill(pid, signal.SIGKILL)
        node.process.wait()

    def revive(self) -> None:
        """Start those that do not run."""
        for number, node in enumerate(self.nodes):
            if node.process.poll() is not None:
                self._start_again(number)

    def _start_again(self, number: int) -> None:
        node = self.nodes[number]
        environ = self._storage | {"PORT": str(node.port)}
        self.nodes[number] = Gateway(node.data_dir, self._simulator.url, workers=2, **environ)

    def close(self) -> None:
        for node in self.nodes:
            node.kill()


@pytest.fixture(scope="module", params=["redis", only_full("mysql")])
def running(
    request: pytest.FixtureRequest, shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Nodes, str]]:
    with ExitStack() as stack:
        storage = stack.enter_context(storage_environ(request.param))
        folder = tmp_path_factory.mktemp("nodes")
        nodes = Nodes(folder, shared_simulator, storage)
        stack.callback(nodes.close)
        add_accounts(nodes.nodes[0], 12)
        url = stack.enter_context(front_nginx(folder, [node.port for node in nodes.nodes]))
        yield nodes, url


@pytest.fixture
def served(running: tuple[Nodes, str], simulator: Simulator) -> tuple[Nodes, str]:
    """Both nodes, and the URL of the nginx in front of them."""
    running[0].revive()
    return running


@pytest.mark.timeout(240)
def test_a_rolling_restart_drops_nothing(served: tuple[Nodes, str], simulator: Simulator, full: bool) -> None:
    nodes, url = served
    quick = [Client(False, 2, (("delay", 0.0),), fresh=number % 2 == 0, pause_s=0.05) for number in range(12)]
    with Traffic(url, [*mixed(24, 8), *quick]) as traffic:
        for number in (0, 1) * (4 if full else 1):
            before = len(traffic.outcomes)
            traffic.run_until(partial(_served_by, nodes.nodes[number], traffic, before), 20)
            print(f"node {number} ended after {nodes.restart(number):.1f} s")
        before = len(traffic.outcomes)
        for node in nodes.nodes:
            traffic.run_until(partial(_served_by, node, traffic, before), 20)
    asked_again = sum(len(outcome.via) > 1 for outcome in traffic.outcomes)
    print(f"{len(traffic.outcomes)} requests, {asked_again} of them asked of a second node")
    assert asked_again and not traffic.bad(), traffic.summary()
    wait_for_rest(nodes.nodes[0], 5)
    verify_the_books(nodes.nodes[0], simulator)


@pytest.mark.timeout(240)
def test_a_killed_node_costs_its_own_streams_only(
    served: tuple[Nodes, str], simulator: Simulator, full: bool
) -> None:
    nodes, url = served
    victim, other = nodes.nodes
    killed = f"127.0.0.1:{victim.port}"
    with Traffic(url, mixed(24, 12)) as traffic:
        traffic.run_until(lambda: len(traffic.outcomes) > 60, 20)
        nodes.kill(0)
        killed_at = time.monotonic()
        before = len(traffic.outcomes)
        traffic.run_until(lambda: len(traffic.outcomes) > before + 60, 20)
    broken = [o for o in traffic.outcomes if o.end is End.BROKEN]
    moved = [
        o for o in traffic.outcomes
        if o.via[0] == killed and o.via[-1] != killed and o.began_at < killed_at < o.ended_at
    ]  # fmt: skip
    print(f"{len(traffic.outcomes)} requests, {len(broken)} broken, {len(moved)} moved to the other node")
    assert not [o for o in traffic.outcomes if o.end is End.FAILED], traffic.summary()
    assert broken and moved, traffic.summary()
    for (
        outcome
    ) in broken:  # it had begun, on that node, and was cut by the kill; if it is whole, behind its header
        assert outcome.via[-1] == killed, traffic.summary()
        assert outcome.began_at < killed_at and abs(outcome.ended_at - killed_at) < 1, traffic.summary()
    if not full:
        time.sleep(1)  # what lives is settled by now
        age_leases(other, LEASE_S)
        other.chat("Hello")  # tidies up what is void; left alone, the other node does so within the minute
    wait_for_rest(other, FREE_S - (time.monotonic() - killed_at))
    print(f"all accounts are free {time.monotonic() - killed_at:.0f} s after the kill")
    verify_the_books(other, simulator)


def _served_by(node: Gateway, traffic: Traffic, since: int) -> bool:
    """Whether it answered some requests since so many had ended."""
    return sum(o.via[-1] == f"127.0.0.1:{node.port}" for o in traffic.outcomes[since:]) > 10
