"""A gateway with a key and thinking in a field of its own, and each family's client running in its environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.environments import command
from tests.clients.program import Client, Program
from tests.conftest import BASIC
from tests.gateway import Gateway
from tests.simulator.client import Simulator

KEY = "sk-conformance"


@pytest.fixture(scope="session")
def keyed_gateway(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with Gateway(tmp_path_factory.mktemp("keyed") / "data", shared_simulator.url) as running:
        running.set_settings(api_key=KEY, thinking_format="reasoning_content")
        yield running


@pytest.fixture
def keyed(keyed_gateway: Gateway, simulator: Simulator) -> Gateway:
    """The gateway with a key, and four fresh Basic accounts."""
    keyed_gateway.set_accounts(BASIC)
    return keyed_gateway


@pytest.fixture(scope="class")
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The client of the test class's `family`: one process for all its cases."""
    with Program(command(request.cls.family), tmp_path_factory.mktemp(request.cls.family)) as running:
        yield running


@pytest.fixture
def client(program: Program, keyed: Gateway) -> Client:
    """The client, with the right key."""
    return Client(program, f"{keyed.url}/v1", KEY)


@pytest.fixture
def plain_client(program: Program, gateway: Gateway) -> Client:
    """The client and a gateway as it is out of the box: no key, thinking as <think> in the text."""
    return Client(program, f"{gateway.url}/v1", "none")
