"""What each worker holds, and what the storage's server says of its connections."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from tests.gateway import Gateway
from tests.mariadb_server import USER, MariaDbServer
from tests.redis_server import RedisServer

EVERY_S = 10.0
_TELL_S = 10.0


@dataclass(frozen=True)
class Held:
    """By one worker. memory: bytes of its own. fds: file descriptors but those of the connections in pools, to upstream
    (`upstream`) and to the storage's server. objects: that Python's garbage collector knows. types: the most common
    ones, counted."""

    memory: int
    fds: int
    threads: int
    upstream: int
    greenlets: int
    objects: int
    types: dict[str, int] = field(repr=False)


@dataclass(frozen=True)
class Sample:
    """at: time.monotonic(). connections: to the storage's server, None when there is no server."""

    at: float
    workers: dict[int, Held]
    connections: int | None


def calmest(samples: Sequence[Sample]) -> Sample:
    """Of some samples that were taken at rest the lowest numbers: work in the background is not always at rest."""
    last = samples[-1]
    held = {
        pid: replace(
            last.workers[pid],
            fds=min(sample.workers[pid].fds for sample in samples),
            threads=min(sample.workers[pid].threads for sample in samples),
            greenlets=min(sample.workers[pid].greenlets for sample in samples),
        )
        for pid in last.workers
        if all(pid in sample.workers for sample in samples)
    }
    return replace(last, workers=held)


class Watch:
    """Samples every EVERY_S from the beginning of a `with` statement to its end; at other moments by `sample`."""

    def __init__(
        self, gateway: Gateway, told: Path, upstream_port: int, server: MariaDbServer | RedisServer | None
    ) -> None:
        """told: the folder that the workers write to. server: the storage's."""
        self.samples: list[Sample] = []
        #: Why it had to give up.
        self.failure = ""
        self._gateway, self._told = gateway, told
        self._ports = (upstream_port, server.port if server else 0)
        self._connections = _connections_of(server)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._over.wait(EVERY_S):
            try:
                self.samples.append(self.sample())
            except (OSError, TimeoutError) as error:
                self.failure = f"no sample could be taken: {error!r}"
                return

    def sample(self) -> Sample:
        """Now. Raises TimeoutError, or OSError when a worker is gone."""
        with self._lock:
            pids = sorted(self._gateway.worker_pids())
            return Sample(time.monotonic(), {pid: self._held(pid) for pid in pids}, self._connections())

    def _held(self, pid: int) -> Held:
        # First what the asking itself might change.
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
        )
        fds = _links(pid)
        upstream, pooled = (len(_sockets_to(port).intersection(fds)) for port in self._ports)
        told = self._ask(pid)
        return Held(
            memory=int(status["RssAnon"].split()[0]) * 1024,
            fds=len(fds) - upstream - pooled,
            threads=int(status["Threads"]),
            upstream=upstream,
            greenlets=told["greenlets"],
            objects=told["objects"],
            types=told["types"],
        )

    def _ask(self, pid: int) -> Any:
        """What the worker itself says."""
        file = self._told / f"{pid}.json"
        file.unlink(missing_ok=True)
        os.kill(pid, signal.SIGUSR2)
        until = time.monotonic() + _TELL_S
        while not file.exists():
            if time.monotonic() > until:
                raise TimeoutError(f"worker {pid} does not answer")
            time.sleep(0.02)
        return orjson.loads(file.read_bytes())


def _links(pid: int) -> list[str]:
    """What the process's file descriptors stand for."""
    found = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(str(fd.readlink()))
        except FileNotFoundError:
            continue
    return found


def _sockets_to(port: int) -> set[str]:
    """All sockets of this machine that are connected to a port, as file descriptors stand for them. 0: none."""
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return {f"socket:[{line[9]}]" for line in lines if int(line[2].partition(":")[2], 16) == port}


def _connections_of(server: MariaDbServer | RedisServer | None) -> Callable[[], int | None]:
    """Counts the gateway's connections to this server; without one there is nothing to count."""

    def count() -> int | None:
        if isinstance(server, MariaDbServer):
            with server.connect() as connection, connection.cursor() as cursor:
                return cursor.execute("SELECT 1 FROM information_schema.processlist WHERE user = %s", (USER,))
        if isinstance(server, RedisServer):
            with server.connect() as client:
                return len(client.client_list()) - 1
        return None

    return count
