"""A client that goes away frees the upstream connection and the account at once."""

from __future__ import annotations

import json
import socket

import pytest

from tests.gateway import Gateway
from tests.simulator.client import Simulator, directive

DEADLINE_S = 5.0


def _ask(gateway: Gateway, prompt: str, *, stream: bool) -> socket.socket:
    """An open connection on which a chat has been asked for."""
    body = {"model": "grok-4.1", "stream": stream, "messages": [{"role": "user", "content": prompt}]}
    data = json.dumps(body).encode()
    connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=10)
    connection.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        + f"Content-Length: {len(data)}\r\n\r\n".encode()
        + data
    )
    return connection


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "prompt",
    [
        directive("plain", tokens=3, step="never"),
        directive("stall_mid", tokens=2),
        directive("stall_headers"),
        directive("stall_before"),
        directive("plain", tokens=100_000, delay=0.005),
    ],
    ids=["before the first token", "silent in the middle", "silent after headers", "no status", "flowing"],
)
def test_upstream_is_closed_and_the_account_is_free(
    gateway: Gateway, simulator: Simulator, prompt: str, stream: bool
) -> None:
    connection = _ask(gateway, prompt, stream=stream)
    simulator.wait_until(lambda: simulator.streams()["open"] == 1)
    assert gateway.sql("SELECT max(in_flight) FROM account_quotas") == [(1,)]
    connection.close()
    simulator.wait_until(lambda: simulator.streams()["open"] == 0, DEADLINE_S)
    simulator.wait_until(lambda: gateway.sql("SELECT count(*) FROM leases") == [(0,)], DEADLINE_S)
    assert gateway.sql("SELECT max(in_flight) FROM account_quotas") == [(0,)]
    assert gateway.sql("SELECT sum(failed_count) FROM accounts") == [(0,)]


def test_a_client_that_reads_nothing_and_leaves_is_noticed_too(
    gateway: Gateway, simulator: Simulator
) -> None:
    connection = _ask(gateway, directive("plain", tokens=200_000), stream=True)
    simulator.wait_until(lambda: simulator.streams()["open"] == 1)
    connection.close()
    simulator.wait_until(lambda: simulator.streams()["open"] == 0, DEADLINE_S)
    simulator.wait_until(lambda: gateway.sql("SELECT count(*) FROM leases") == [(0,)], DEADLINE_S)


def test_forty_clients_that_leave_together_free_everything(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts([f"sim-basic-ok-{n}" for n in range(10)])
    connections = [_ask(gateway, directive("stall_mid", tokens=2), stream=True) for _ in range(40)]
    simulator.wait_until(lambda: simulator.streams()["open"] == 40)
    for connection in connections:
        connection.close()
    simulator.wait_until(lambda: simulator.streams()["open"] == 0, DEADLINE_S)
    simulator.wait_until(lambda: gateway.sql("SELECT count(*) FROM leases") == [(0,)], DEADLINE_S)


def test_a_connection_is_good_for_further_requests_after_an_answer(gateway: Gateway) -> None:
    """The watch on the socket must not eat the next request of a kept connection."""
    for stream in (True, False, True, True):
        response = gateway.chat(directive("plain", tokens=2), stream=stream)
        assert response.status_code == 200
        assert response.content
