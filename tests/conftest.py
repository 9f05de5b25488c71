"""Real parts for all tests: one simulator and one gateway of two workers a session, made clean for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.gateway import Gateway
from tests.simulator.client import Simulator

BASIC = tuple(f"sim-basic-ok-{n}" for n in range(4))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full", action="store_true", help="run the long tests at full size, with all parameters"
    )


def pytest_configure(config: pytest.Config) -> None:
    """`--full`: twenty times the examples of every property."""
    # Hundreds of processes are started from here. What they import is compiled once and not by each of them.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    settings.register_profile("default", deadline=None)
    settings.register_profile("full", deadline=None, max_examples=2000)
    settings.load_profile("full" if config.getoption("--full") else "default")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--full`, tests and parameters marked `full` are left out."""
    if not config.getoption("--full"):
        left = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether long tests run at full size."""
    return bool(request.config.getoption("--full"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} TESTS WERE SKIPPED", red=True, bold=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI nothing may be skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def shared_simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Simulator:
    """The upstream, with nothing remembered."""
    shared_simulator.reset()
    return shared_simulator


@pytest.fixture(scope="session")
def shared_gateway(
    shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    data_dir: Path = tmp_path_factory.mktemp("gateway") / "data"
    with Gateway(data_dir, shared_simulator.url) as running:
        yield running


@pytest.fixture
def gateway(shared_gateway: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """Two workers, four fresh Basic accounts, all settings at their defaults."""
    shared_gateway.set_accounts(BASIC)
    yield shared_gateway
    shared_gateway.restore_settings()
