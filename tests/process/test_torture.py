"""The pool under everything at once: real processes, a crowd of clients, failures of every kind, killed workers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from grok2api.accounts import LEASE_S
from tests.full import only_full
from tests.gateway import Gateway
from tests.process.servers import age_leases, storage_environ
from tests.process.torture import Torture
from tests.simulator.client import Simulator


@pytest.fixture
def own_simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


def gateways(
    stack: ExitStack, simulator: Simulator, folder: Path, storage: dict[str, str], nodes: int, workers: int
) -> list[Gateway]:
    """Nodes over one storage, with timeouts short enough for stalls to end in the test."""
    started = [
        stack.enter_context(Gateway(folder / f"data{number}", simulator.url, workers=workers, **storage))
        for number in range(nodes)
    ]
    timeouts = {"stream_first_response_timeout": 2, "stream_chunk_timeout": 2}
    started[0].set_settings(**timeouts)
    return started


@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", [only_full("file"), only_full("mysql"), "redis"])
def test_four_workers(own_simulator: Simulator, tmp_path: Path, backend: str, full: bool) -> None:
    with ExitStack() as stack:
        storage = stack.enter_context(storage_environ(backend))
        nodes = gateways(stack, own_simulator, tmp_path, storage, nodes=1, workers=4)
        torture = Torture(nodes, own_simulator, accounts=100 if full else 30, quota=20 if full else 10)
        torture.run(3000 if full else 450, 100 if full else 40)
        torture.wait_for_rest(20)
        torture.verify_no_client_was_fooled()
        torture.verify_nothing_was_overspent()
        torture.verify_the_unfit_rested()
        torture.verify_the_notes()
        torture.verify_the_books(exact=True)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", ["file", "mysql", only_full("redis")])
def test_killed_workers(own_simulator: Simulator, tmp_path: Path, backend: str, full: bool) -> None:
    with ExitStack() as stack:
        storage = stack.enter_context(storage_environ(backend))
        nodes = gateways(stack, own_simulator, tmp_path, storage, nodes=1, workers=4)
        torture = Torture(nodes, own_simulator, accounts=100 if full else 30, quota=20)
        torture.run(3000 if full else 300, 100 if full else 30, kill=True)
        if not full:
            time.sleep(2)  # what a living worker holds is settled by now
            age_leases(nodes[0], LEASE_S)
            nodes[0].chat("Hello")  # tidies up what is void; left alone, the workers do so within 20 s
        torture.wait_for_rest(60)
        torture.verify_no_client_was_fooled(broken=True)
        torture.verify_nothing_was_overspent()
        torture.verify_the_notes()
        torture.verify_the_books(exact=False)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("backend", ["mysql", "redis"])
def test_two_nodes(own_simulator: Simulator, tmp_path: Path, backend: str, full: bool) -> None:
    with ExitStack() as stack:
        storage = stack.enter_context(storage_environ(backend))
        nodes = gateways(stack, own_simulator, tmp_path, storage, nodes=2, workers=2)
        torture = Torture(nodes, own_simulator, accounts=50 if full else 20, quota=20 if full else 10)
        torture.run(1500 if full else 250, 100 if full else 30)
        torture.wait_for_rest(20)
        torture.verify_no_client_was_fooled()
        torture.verify_nothing_was_overspent()
        torture.verify_the_unfit_rested()
        torture.verify_the_notes()
        torture.verify_the_books(exact=True)
