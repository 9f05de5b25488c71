"""The storage's server goes away under a gateway that serves, and comes back: streams do not notice, requests fail
clearly and soon meanwhile, and afterwards all is as it was."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from tests.full import only_full
from tests.gateway import BY_HAND, DEPLOYED, Gateway
from tests.mariadb_server import MariaDbServer
from tests.process.servers import environ_of
from tests.redis_server import RedisServer
from tests.simulator.client import Simulator, directive

BACKENDS = ("mysql", "redis")
Server = MariaDbServer | RedisServer

#: What a request may take that fails because the server is gone, or because it does not answer.
GONE_S, HANGING_S = 5.0, 15.0
#: What an answer's end may be late by because its outcome cannot be stored.
END_S = 3.0
RECOVERY_S = 15.0


class Reader:
    """A client that reads a stream of which the test allows token by token, of an account that serves no other."""

    def __init__(self, gateway: Gateway, simulator: Simulator, key: str) -> None:
        self._simulator, self._key = simulator, key
        self.account = f"sim-basic-ok-{key}"
        gateway.admin("/api/tokens/add", {"tokens": [self.account], "token_type": "sso"})
        body = {
            "model": "grok-4.1",
            "messages": [_said(directive("plain", tokens=6, step=key))],
            "stream": True,
        }
        self._simulator.step(key)
        self._response = requests.post(
            f"{gateway.url}/v1/chat/completions", json=body, stream=True, timeout=60
        )
        assert self._response.status_code == 200
        self._lines = (line for line in self._response.iter_lines(chunk_size=1) if line.startswith(b"data: "))
        self.text = ""
        while not self.text:
            self._read()
        gateway.admin("/api/tokens/disable", {"tokens": [self.account]})

    def next_token(self) -> float:
        """How long it takes from upstream to here, in seconds."""
        before, began = self.text, time.monotonic()
        self._simulator.step(self._key)
        while self.text == before:
            self._read()
        return time.monotonic() - began

    def finish(self) -> float:
        """How long the rest takes, in seconds; the answer must be whole."""
        began = time.monotonic()
        self._simulator.step(self._key, -1)
        while self._read() != b"[DONE]":
            pass
        self._response.close()
        assert self.text.split() == [f"w{number}" for number in range(6)]
        return time.monotonic() - began

    def _read(self) -> bytes:
        data: bytes = next(self._lines).removeprefix(b"data: ")
        if data != b"[DONE]":
            chunk = orjson.loads(data)
            assert "error" not in chunk, chunk
            self.text += chunk["choices"][0]["delta"].get("content") or ""
        return data


def _said(prompt: str) -> dict[str, str]:
    return {"role": "user", "content": prompt}


class Witness:
    """What users of the gateway see, each request on a connection of its own."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        gateway.get_admin("/api/tokens")
        self._headers = {"Authorization": f"Bearer {gateway.token}"}

    def ask(self, method: str, path: str, body: Any = None, *, timeout_s: float = 60) -> tuple[int, Any]:
        headers = {"Connection": "close"} | (self._headers if path.startswith("/api/") else {})
        answer = requests.request(
            method, self._gateway.url + path, json=body, headers=headers, timeout=timeout_s
        )
        return answer.status_code, answer.json() if "json" in answer.headers["Content-Type"] else answer.text

    def chat(self, *, stream: bool = False) -> tuple[int, Any]:
        body = {"model": "grok-4.1", "messages": [_said("Hello")], "stream": stream}
        return self.ask("POST", "/v1/chat/completions", body)

    def during_the_outage(self, within_s: float) -> dict[str, float]:
        """Check every kind of answer; how long each took at most."""
        took: dict[str, float] = {}

        def check(
            name: str, ask: Callable[[], tuple[int, Any]], expected: Callable[[int, Any], bool]
        ) -> None:
            began = time.monotonic()
            status, document = ask()
            took[name] = max(took.get(name, 0.0), time.monotonic() - began)
            assert expected(status, document), (name, status, document)
            assert took[name] < within_s, took

        def refused(status: int, document: Any) -> bool:
            error = document["error"]
            assert set(error) == {"message", "type", "param", "code"}
            return status == 503 and (error["type"], error["code"]) == ("server_error", "storage_unavailable")

        def admin_refused(status: int, document: Any) -> bool:
            found = (status, document["success"], document["code"])
            return found == (503, False, "storage_unavailable") and bool(document["error"])

        settings = {"grok_config": {"show_thinking": False}}
        login = {"username": "admin", "password": "admin"}
        with ThreadPoolExecutor(20) as clients:
            asked = [clients.submit(check, "whole", self.chat, refused) for _ in range(6)]
            asked += [
                clients.submit(check, "stream", lambda: self.chat(stream=True), refused) for _ in range(6)
            ]
            asked += [
                clients.submit(check, "list", lambda: self.ask("GET", "/api/tokens"), admin_refused),
                clients.submit(
                    check, "settings", lambda: self.ask("POST", "/api/settings", settings), admin_refused
                ),
                clients.submit(check, "login", lambda: self.ask("POST", "/api/login", login), admin_refused),
                clients.submit(check, "ready", lambda: self.ask("GET", "/ready"), lambda s, _: s == 503),
                clients.submit(check, "health", lambda: self.ask("GET", "/health"), lambda s, _: s == 200),
            ]
            for future in asked:
                future.result()
        assert took["health"] < 1.0, took
        return took


def live_through(
    gateway: Gateway,
    simulator: Simulator,
    name: str,
    leave: Callable[[], None],
    return_: Callable[[], None],
    within_s: float,
) -> dict[str, float]:
    """An outage under a gateway with two streams, one of which ends meanwhile; the times of what was asked."""
    witness = Witness(gateway)
    ending = Reader(gateway, simulator, f"ending_{name}")
    seen: set[int] = set()
    while seen != {0, 1}:  # both workers serve: the one with the lease and the other
        seen.add(witness.ask("GET", "/ready")[1]["open_leases"])
    going_on = Reader(gateway, simulator, f"going_on_{name}")
    gateway.admin("/api/tokens/add", {"tokens": ["sim-basic-ok-other"], "token_type": "sso"})
    leave()
    took = {"token": max(going_on.next_token() for _ in range(2)), "end": ending.finish()}
    assert took["token"] < 1.0 and took["end"] < END_S, took
    took |= witness.during_the_outage(within_s)
    took["token, later"] = going_on.next_token()
    assert took["token, later"] < 1.0, took
    return_()
    began = time.monotonic()
    while witness.chat()[0] != 200:
        assert time.monotonic() - began < RECOVERY_S, gateway.log()[-3000:]
        time.sleep(0.1)
    took["answered again"] = time.monotonic() - began
    assert witness.ask("GET", "/ready")[0] == 200
    _wait_for_books(gateway, ending, in_flight=0)
    took["books right again"] = time.monotonic() - began
    _wait_for_books(gateway, going_on, in_flight=1)
    assert going_on.next_token() < 1.0 and going_on.finish() < END_S
    _wait_for_books(gateway, going_on, in_flight=0)
    gateway.set_settings(x_statsig_id=name)
    shown = {witness.ask("GET", "/api/settings")[1]["data"]["grok"]["x_statsig_id"] for _ in range(10)}
    assert shown == {name}
    return took


def _wait_for_books(gateway: Gateway, reader: Reader, *, in_flight: int) -> None:
    """Until the reader's account has its one request counted, if it has ended, and its slot free."""
    until = time.monotonic() + RECOVERY_S
    while True:
        [token] = [one for one in gateway.get_admin("/api/tokens")["data"] if one["token"] == reader.account]
        counts = (token["request_count"], token["in_flight"])
        if counts == (1 - in_flight, in_flight):
            return
        assert time.monotonic() < until, counts
        time.sleep(0.2)


@pytest.fixture(scope="module", params=BACKENDS)
def served(
    request: pytest.FixtureRequest, shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Gateway]]:
    """A server whose data survive a restart, and two workers over it."""
    with MariaDbServer() if request.param == "mysql" else RedisServer("appendonly yes") as server:
        folder = tmp_path_factory.mktemp("outage")
        with Gateway(folder / "data", shared_simulator.url, workers=2, **environ_of(server)) as gateway:
            yield server, gateway


def test_a_server_that_is_stopped_and_started_again(
    served: tuple[Server, Gateway], simulator: Simulator
) -> None:
    server, gateway = served
    took = live_through(gateway, simulator, "stopped", server.stop, server.start, GONE_S)
    print(type(server).__name__, "stopped", {name: round(s, 3) for name, s in took.items()})


def test_a_server_that_hangs_and_goes_on(served: tuple[Server, Gateway], simulator: Simulator) -> None:
    server, gateway = served
    try:
        took = live_through(gateway, simulator, "hung", server.freeze, server.thaw, HANGING_S)
    finally:
        server.thaw()
    print(type(server).__name__, "hung", {name: round(s, 3) for name, s in took.items()})


@pytest.mark.parametrize(
    "command",
    [only_full(BY_HAND), DEPLOYED],
)
def test_a_worker_that_dies_meanwhile_is_replaced_when_the_server_is_back(
    simulator: Simulator, tmp_path: Path, command: Sequence[str]
) -> None:
    """Its replacement waits for longer than a first start does: giving up would end the service."""
    with (
        RedisServer("appendonly yes") as server,
        Gateway(
            tmp_path / "data",
            simulator.url,
            workers=2,
            command=command,
            STORAGE_WAIT_S="2",
            **environ_of(server),
        ) as own,
    ):
        own.admin("/api/tokens/add", {"tokens": ["sim-basic-ok-a"], "token_type": "sso"})
        with server.connect() as client:
            simulator.wait_until(lambda: len(client.client_list()) > 2)
        time.sleep(1)  # the second worker has come to the storage; it starts to serve
        server.stop()
        os.kill(own.worker_pids()[0], signal.SIGKILL)
        time.sleep(5)
        assert own.process.poll() is None, own.log()
        assert requests.get(f"{own.url}/health", timeout=10).ok
        server.start()
        simulator.wait_until(lambda: own.chat("Hello").status_code == 200, RECOVERY_S)
        assert requests.get(f"{own.url}/ready", timeout=10).ok and len(own.worker_pids()) == 2
