"""Starting the servers to be measured, each on its own core, and stopping them on every path."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.proc import SUBJECT_CORE, children

ROOT = Path(__file__).resolve().parents[1]
ACCOUNTS = 40
SECRETS = [f"sim-super-ok-b{number}.quota.100000000" for number in range(ACCOUNTS)]
_START_S = 30.0
_STOP_S = 3.0


class Broken(Exception):
    """Something that is measured or needed does not work; the text says what."""


@dataclass
class Server:
    """A running server: its port, and the worker processes whose CPU time counts."""

    port: int
    pids: list[int]


def environment(**variables: str) -> dict[str, str]:
    """A clean one: no variable of the caller's changes what is measured."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | variables


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """What is started inside runs on this core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def scratch() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="grok2api-bench-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def server(
    command: list[str], port: int, directory: Path, env: dict[str, str], cwd: Path = ROOT
) -> Iterator[Server]:
    """A master process with one worker, on the subject's core, from when it accepts connections."""
    log = directory / "log"
    with log.open("wb") as output, pinned(SUBJECT_CORE):
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(process, port, log)
        yield Server(port, children(process.pid))
    finally:
        _stop(process)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        if children(process.pid) and _accepts(port):
            return
        time.sleep(0.05)
    raise Broken(f"{process.args!r} does not start:\n{log.read_text(errors='replace')[-2000:]}")


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _end_group(process.pid)
        process.wait()


def _end_group(group: int) -> None:
    """Ends what is left of a process group."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


@contextmanager
def gateway(upstream_url: str) -> Iterator[Server]:
    """The gateway as it is deployed, with one worker, SQLite and accounts of the simulator."""
    with scratch() as directory, gateway_in(directory, upstream_url) as running:
        yield running


@contextmanager
def gateway_in(directory: Path, upstream_url: str) -> Iterator[Server]:
    """The same with its data in this directory."""
    port = free_port()
    env = environment(
        GROK2API_DATA_DIR=str(directory), GROK2API_UPSTREAM_URL=upstream_url, GROK2API_ASSETS_URL=upstream_url,
        PORT=str(port), WEB_CONCURRENCY="1", WORKER_CONNECTIONS="10000",
    )  # fmt: skip
    added = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "accounts", "add", "--super"],
        cwd=ROOT, env=env, input="\n".join(SECRETS), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if added.returncode:
        raise Broken(f"flask accounts add failed:\n{added.stdout}{added.stderr}")
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    with server(command, port, directory, env) as running:
        yield running
