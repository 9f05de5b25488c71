"""For tests: `Simulator` runs the server as a process, `SimulatorClient` speaks its control API."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import requests
from requests.structures import CaseInsensitiveDict

from .directives import pack

_ROOT = Path(__file__).resolve().parents[2]


def directive(name: str, **options: object) -> str:
    """`[[sim: NAME key=value]]` for a prompt; True becomes 1."""
    words = [f"{key}={int(value) if isinstance(value, bool) else value}" for key, value in options.items()]
    return f"[[sim: {' '.join([name, *words])}]]"


def script(steps: Iterable[Iterable[object]]) -> str:
    """A prompt that gets exactly these steps: ["line", object], ["sleep", 0.1], ["reset"] ..."""
    return directive("script", script64=pack([list(step) for step in steps]))


class SimulatorClient:
    """The control API of a running simulator at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def _call(self, method: str, path: str, **options: Any) -> Any:
        answer = self._session.request(method, f"{self.url}/_sim/{path}", timeout=10, **options)
        value = answer.json()
        if answer.status_code != 200:
            raise ValueError(f"{method} {path}: {value}")
        return value

    def add_account(self, sso: str, **fields: object) -> dict[str, Any]:
        """Fields: tier, quota, heavy_quota, window_s, behaviour, times, only, shape, asset."""
        return self.add_accounts([{"sso": sso, **fields}])[0]

    def add_accounts(self, specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        added: list[dict[str, Any]] = self._call("POST", "accounts", json={"accounts": specs})["accounts"]
        return added

    def accounts(self) -> dict[str, dict[str, Any]]:
        """All accounts by secret."""
        return {account["sso"]: account for account in self._call("GET", "accounts")["accounts"]}

    def requests(
        self, sso: str | None = None, path: str | None = None, limit: int = 1000
    ) -> list[dict[str, Any]]:
        """The newest records, oldest first; `headers` ignores case."""
        asked = {"sso": sso, "path": path, "limit": limit}
        records: list[dict[str, Any]] = self._call("GET", "requests", params=asked)["requests"]
        for record in records:
            record["headers"] = CaseInsensitiveDict(record["headers"])
        return records

    def chats(self, sso: str | None = None) -> list[dict[str, Any]]:
        return self.requests(sso, "/rest/app-chat/conversations/new")

    def streams(self) -> dict[str, Any]:
        """open, opened, completed, client_gone, rejected, reset, cut, eof, connections, frames_sent,
        late_ms.
        """
        counters: dict[str, Any] = self._call("GET", "streams")
        return counters

    def step(self, key: str, count: int = 1) -> dict[str, int]:
        """Allows `count` further tokens (or the first frame of hold=); negative: all."""
        state: dict[str, int] = self._call("POST", "step", params={"key": key, "n": count})
        return state

    def defaults(self, **values: object) -> None:
        """directive, journal, rate_limits_shape, upload_limit_bytes."""
        self._call("POST", "defaults", json=values)

    def reset(self) -> None:
        self._call("POST", "reset")

    def wait_until(self, condition: Callable[[], object], timeout_s: float = 5.0) -> None:
        """Polls every 10 ms; raises TimeoutError with the counters when the condition stays false."""
        end = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"condition stayed false; streams: {self.streams()}")
            time.sleep(0.01)

    def wait_waiting(self, key: str, count: int = 1, timeout_s: float = 5.0) -> None:
        """Waits until `count` streams stand at the gate of this key."""
        self.wait_until(lambda: self.step(key, 0)["waiting"] >= count, timeout_s)


class Simulator(SimulatorClient):
    """The simulator as a child process, for use in a `with` statement."""

    def __init__(self, *arguments: str, port: int = 0) -> None:
        command = [
            sys.executable,
            "-m",
            "tests.simulator",
            "--until-stdin-closes",
            "--port",
            str(port),
            *arguments,
        ]
        self.process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulator did not start; exit status {self.process.wait()}")
        self.port: int = orjson.loads(line)["port"]
        super().__init__(f"http://127.0.0.1:{self.port}")

    def stop(self) -> int:
        """Ends the process; returns its exit status."""
        self._session.close()
        self.process.terminate()
        status = self.process.wait(timeout=5)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()
