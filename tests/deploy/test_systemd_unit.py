"""deploy/grok2api.service: what systemd says of it, and its commands with gunicorn."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from tests.debian import need
from tests.deploy.gateway_source import graceful_timeout_s, known_variables
from tests.gateway import ROOT, Gateway, events, text_of
from tests.simulator.client import Simulator, directive

UNIT = ROOT / "deploy" / "grok2api.service"
BIN = Path(sys.executable).parent


def service() -> dict[str, list[str]]:
    """Its section Service; names may come more than once."""
    found: dict[str, list[str]] = defaultdict(list)
    (section,) = re.findall(r"^\[Service\]\n(.*?)^\[", UNIT.read_text(), re.MULTILINE | re.DOTALL)
    for name, value in re.findall(r"^(\w+)=(.*)$", section, re.MULTILINE):
        found[name].append(value)
    return found


def test_systemd_understands_all_of_it(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/grok2api/.venv/bin", str(BIN)))
    command = [need("systemd-analyze", "systemd"), "verify", "--man=no", str(copy)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    ours = [line for line in told.stderr.splitlines() if "grok2api" in line]
    assert told.returncode == 0 and not ours, told.stderr


def test_it_shuts_in_what_it_runs(tmp_path: Path) -> None:
    """systemd's own measure: 0 is shut in, 10 is open, and a plain service has 9.6."""
    command = [need("systemd-analyze", "systemd"), "security", "--offline=true", "--threshold=15", str(UNIT)]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stdout[-200:]


def test_streams_may_finish_and_the_environment_is_one_that_the_gateway_reads() -> None:
    unit = service()
    assert int(unit["TimeoutStopSec"][0]) > graceful_timeout_s()
    assert {name: unit[name] for name in ("Type", "KillMode", "Restart")} == {
        "Type": ["notify"],
        "KillMode": ["mixed"],
        "Restart": ["on-failure"],
    }
    for line in unit["Environment"]:
        assert {pair.partition("=")[0] for pair in shlex.split(line)} <= known_variables()
    data_dir = shlex.split(unit["Environment"][0])[0].partition("=")[2]
    assert data_dir == f"/var/lib/{unit['StateDirectory'][0]}"


@pytest.mark.full
def test_it_is_told_when_gunicorn_listens_and_new_workers_break_no_stream(
    tmp_path: Path, simulator: Simulator
) -> None:
    unit = service()
    program, *words = shlex.split(unit["ExecStart"][0])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(1)  # long said
        command = (str(BIN / Path(program).name), *words)
        with Gateway(
            tmp_path / "data",
            simulator.url,
            workers=1,
            command=command,
            NOTIFY_SOCKET=str(tmp_path / "notify"),
        ) as gateway:
            assert b"READY=1" in told.recv(1000).splitlines()
            gateway.admin("/api/tokens/add", {"tokens": ["sim-basic-ok-1"], "token_type": "sso"})
            response = gateway.chat(directive("plain", tokens=20, delay=0.1), stream=True)
            (old,) = gateway.worker_pids()
            os.kill(gateway.process.pid, signal.SIGHUP)
            assert text_of(events(response)).endswith("w19")
            until = time.monotonic() + 20
            while old in gateway.worker_pids() and time.monotonic() < until:
                time.sleep(0.05)
            assert len(gateway.worker_pids()) == 1 and old not in gateway.worker_pids()
            assert gateway.answer(directive("plain", tokens=2)) == "w0 w1"
            assert gateway.stop() == 0
