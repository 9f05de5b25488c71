"""A worker that does not run its loop any more is replaced; the other serves, and long streams are no reason."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest
import requests

from tests.full import only_full
from tests.gateway import Gateway, events
from tests.simulator.client import Simulator, directive

TIMEOUT_S = 4
COMMAND = (
    "-m",
    "gunicorn",
    "-c",
    "gunicorn.conf.py",
    "--timeout",
    str(TIMEOUT_S),
    "tests.process.stuck_app:app",
)


@pytest.mark.parametrize("how", ["does not run at all", only_full("blocks in a request")])
def test_a_stuck_worker_is_replaced_while_the_other_serves(
    tmp_path: Path, simulator: Simulator, how: str
) -> None:
    log_dir = tmp_path / "logs"
    with Gateway(tmp_path / "data", simulator.url, command=COMMAND, LOG_DIR=str(log_dir)) as gateway:
        gateway.set_accounts(["sim-basic-ok-0", "sim-basic-ok-1"])
        gateway.session.close()
        before = gateway.worker_pids()
        if how == "does not run at all":
            os.kill(before[0], signal.SIGSTOP)
            _wait_replaced(gateway, before, simulator)
        else:
            with socket.create_connection(("127.0.0.1", gateway.port)) as sticking:
                sticking.sendall(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
                _wait_replaced(gateway, before, simulator)
        # Silent for longer than the timeout: that is no reason to end it.
        stream = gateway.chat(directive("plain", tokens=2, delay=TIMEOUT_S + 2.0), stream=True)
        pids = gateway.worker_pids()
        assert events(stream)[-1] == "[DONE]"
        assert gateway.worker_pids() == pids
        lines = (log_dir / "grok2api.log").read_text().splitlines()
        [line] = [line for line in lines if "WORKER TIMEOUT" in line]
        assert " CRITICAL [-] gunicorn.error: WORKER TIMEOUT (pid:" in line


def _wait_replaced(gateway: Gateway, some: list[int], simulator: Simulator) -> None:
    """Until one of them is no more and there are two again; meanwhile the other one answers, if not at the first try:
    the kernel may give a connection to the stuck one."""
    answered, until = 0, time.monotonic() + 30
    while not (set(some) - set(gateway.worker_pids()) and len(gateway.worker_pids()) == 2):
        assert time.monotonic() < until
        try:
            answered += requests.get(f"{gateway.url}/health", timeout=0.5).ok
        except requests.RequestException:
            continue
        time.sleep(0.05)
    assert answered > 3


def test_the_master_opens_nothing_that_workers_would_share(tmp_path: Path, simulator: Simulator) -> None:
    with Gateway(tmp_path / "data", simulator.url) as gateway:
        gateway.set_accounts(["sim-basic-ok-0"])
        assert gateway.answer("Hello")
        master = Path(f"/proc/{gateway.process.pid}")
        targets = [str(fd.readlink()) for fd in (master / "fd").iterdir()]
        assert len([target for target in targets if target.startswith("socket:")]) == 1  # it listens
        assert not [target for target in targets if str(gateway.data_dir) in target]
        assert len(list((master / "task").iterdir())) == 1
