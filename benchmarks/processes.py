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
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from benchmarks.proc import BOTH_CORES, SUBJECT_CORE, children

ROOT = Path(__file__).resolve().parents[1]
#: What an operator has; fewer where only a try is wanted.
ACCOUNTS, FEW_ACCOUNTS = 1_000, 50
_START_S = 30.0
_OPERATOR = {"username": "admin", "password": "admin"}
_STOP_S = 3.0
_REFRESH_S = 60.0


_NONE: Mapping[str, str] = {}


class Broken(Exception):
    """Something that is measured or needed does not work; the text says what."""


@dataclass
class Server:
    """A running server: its port, the worker processes whose CPU time counts, and the key that it wants."""

    port: int
    pids: list[int]
    key: str = ""


def secret(number: int) -> str:
    """Of the simulator's account with that number, which has quota for all that is measured."""
    return f"sim-super-ok-b{number}.quota.1000000"


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
def pinned(cores: Set[int]) -> Iterator[None]:
    """What is started inside runs on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
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
    command: list[str],
    port: int,
    directory: Path,
    env: dict[str, str],
    cwd: Path = ROOT,
    workers: int = 1,
    cores: Set[int] = frozenset((SUBJECT_CORE,)),
) -> Iterator[Server]:
    """A master process with its workers, on the subject's core unless told, from when it accepts connections."""
    log = directory / "log"
    with log.open("wb") as output, pinned(cores):
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(process, port, workers, log)
        yield Server(port, children(process.pid))
    finally:
        _stop(process)


def _wait_for(process: subprocess.Popen[bytes], port: int, workers: int, log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        if len(children(process.pid)) == workers and _accepts(port):
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
def gateway(
    upstream_url: str,
    accounts: int = ACCOUNTS,
    workers: int = 1,
    refreshed: bool = True,
    config: str = "gunicorn.conf.py",
    variables: Mapping[str, str] = _NONE,
) -> Iterator[Server]:
    """The gateway as it is deployed, with SQLite, accounts of the simulator, and a client's key.

    Several workers share both cores with the load. refreshed: all quotas were read, as is done every hour; otherwise
    each account's first answer is followed by that. variables: further ones of its environment.
    """
    with scratch() as directory:
        cores = BOTH_CORES if workers > 1 else {SUBJECT_CORE}
        with gateway_in(directory, upstream_url, accounts, workers, cores, config, variables) as running:
            with _operator(running.port) as call:
                running.key = call("POST", "keys/add", {"name": "benchmarks"})["data"]["key"]
                if refreshed:
                    _refresh(call)
            yield running


@contextmanager
def gateway_in(
    directory: Path,
    upstream_url: str,
    accounts: int = ACCOUNTS,
    workers: int = 1,
    cores: Set[int] = frozenset((SUBJECT_CORE,)),
    config: str = "gunicorn.conf.py",
    variables: Mapping[str, str] = _NONE,
) -> Iterator[Server]:
    """The same with its data in this directory, and open to all."""
    port = free_port()
    env = environment(
        GROK2API_DATA_DIR=str(directory), GROK2API_UPSTREAM_URL=upstream_url, GROK2API_ASSETS_URL=upstream_url,
        PORT=str(port), WEB_CONCURRENCY=str(workers), **variables,
    )  # fmt: skip
    secrets = "\n".join(secret(number) for number in range(accounts))
    added = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "accounts", "add", "--super"],
        cwd=ROOT, env=env, input=secrets, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    if added.returncode:
        raise Broken(f"flask accounts add failed:\n{added.stdout}{added.stderr}")
    command = [sys.executable, "-m", "gunicorn", "-c", config, "wsgi:app"]
    with server(command, port, directory, env, workers=workers, cores=cores) as running:
        yield running


@contextmanager
def _operator(port: int) -> Iterator[Callable[..., Any]]:
    """Calls of the admin API, as the console makes them: method, path and body to the answer."""
    with requests.Session() as session:
        session.trust_env = False

        def call(method: str, path: str, body: object = None) -> Any:
            answer = session.request(method, f"http://127.0.0.1:{port}/api/{path}", json=body, timeout=30)
            if not answer.ok:
                raise Broken(f"{method} /api/{path}: {answer.text}")
            return answer.json()

        session.headers["Authorization"] = f"Bearer {call('POST', 'login', _OPERATOR)['token']}"
        yield call


def _refresh(call: Callable[..., Any]) -> None:
    """Raises Broken."""
    call("POST", "tokens/refresh-all", {})
    end = time.monotonic() + _REFRESH_S
    while (progress := call("GET", "tokens/refresh-progress"))["data"]["running"]:
        if time.monotonic() > end:
            raise Broken(f"the quotas are not read in time: {progress}")
        time.sleep(0.2)
    if unknown := call("GET", "tokens?status=unused&limit=1")["total"]:
        raise Broken(f"the quotas of {unknown} accounts are not known")
