"""A worker that does not run its loop any more is replaced; the other serves, and long streams are no reason."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import requests

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


def test_a_stuck_worker_is_replaced_while_the_other_serves(tmp_path: Path, simulator: Simulator) -> None:
    log_dir = tmp_path / "logs"
    with Gateway(tmp_path / "data", simulator.url, command=COMMAND, LOG_DIR=str(log_dir)) as gateway:
        gateway.set_accounts(["sim-basic-ok-0", "sim-basic-ok-1"])
        gateway.session.close()
        before = gateway.worker_pids()
        with socket.create_connection(("127.0.0.1", gateway.port)) as sticking:
            sticking.sendall(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
            _wait_replaced(gateway, before, simulator)
        stopped = gateway.worker_pids()[0]
        os.kill(stopped, signal.SIGSTOP)
        _wait_replaced(gateway, [stopped], simulator)
        # Longer than the timeout, and silent for as long: that is no reason to end it.
        stream = gateway.chat(directive("plain", tokens=3, delay=TIMEOUT_S + 1.0), stream=True)
        pids = gateway.worker_pids()
        assert events(stream)[-1] == "[DONE]"
        assert gateway.worker_pids() == pids
        lines = [
            line for line in (log_dir / "grok2api.log").read_text().splitlines() if "WORKER TIMEOUT" in line
        ]
        assert len(lines) == 2
        assert all(" CRITICAL [-] gunicorn.error: WORKER TIMEOUT (pid:" in line for line in lines)


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
    assert answered > 5


def test_the_master_opens_nothing_that_workers_would_share(tmp_path: Path, simulator: Simulator) -> None:
    with Gateway(tmp_path / "data", simulator.url) as gateway:
        gateway.set_accounts(["sim-basic-ok-0"])
        assert gateway.answer("Hello")
        master = Path(f"/proc/{gateway.process.pid}")
        targets = [str(fd.readlink()) for fd in (master / "fd").iterdir()]
        assert len([target for target in targets if target.startswith("socket:")]) == 1  # it listens
        assert not [target for target in targets if str(gateway.data_dir) in target]
        assert len(list((master / "task").iterdir())) == 1
