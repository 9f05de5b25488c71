"""Clients that go away in the middle of an answer, and when upstream notices."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from benchmarks.processes import Broken
from tests.simulator.client import SimulatorClient

IN_TIME_S = 0.5
_AT_MOST_S = 5.0
_OPEN_S = 15.0


@dataclass
class Left:
    """How many upstream streams were closed `IN_TIME_S` after the clients, and when the last one was."""

    closed_in_time: int
    last_ms: float


def leave(port: int, requests: list[str], clients: int, simulator: SimulatorClient) -> Left:
    """Each client closes after all have had their first token; those that do not read pile up a little."""
    before = int(simulator.streams()["open"])
    sockets = [_ask(port, requests[number % len(requests)]) for number in range(clients)]
    try:
        for sock in sockets:
            _await_token(sock)
        open_streams = int(simulator.streams()["open"])
        if open_streams != before + clients:
            raise Broken(f"{open_streams - before} of {clients} upstream streams are open")
    finally:
        began = time.monotonic()
        for sock in sockets:
            sock.close()
    return _watch(simulator, before, clients, began)


def _watch(simulator: SimulatorClient, before: int, clients: int, began: float) -> Left:
    closed_in_time = 0
    while True:
        left = int(simulator.streams()["open"]) - before
        took = time.monotonic() - began
        if took <= IN_TIME_S:
            closed_in_time = clients - left
        if not left or took > _AT_MOST_S:
            return Left(closed_in_time, took * 1000)
        time.sleep(0.002)


def _ask(port: int, request: str) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=_OPEN_S)
    sock.sendall(request.encode())
    return sock


def _await_token(sock: socket.socket) -> None:
    """Until text of an answer has come: a stamp, or the third word of a `plain` answer."""
    seen = b""
    while b"@" not in seen and b" w2" not in seen:
        data = sock.recv(65536)
        if not data:
            raise Broken(f"a stream ended early: {seen[-600:].decode(errors='replace')}")
        seen += data
