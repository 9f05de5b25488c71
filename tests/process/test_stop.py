"""Stopping: a worker told to stop finishes its streams; one that is killed leaves nothing stuck."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
import requests

from tests.gateway import Gateway, events, text_of
from tests.simulator.client import Simulator, directive


@pytest.fixture
def own(tmp_path: Path, simulator: Simulator) -> Gateway:
    gateway = Gateway(tmp_path / "data", simulator.url)
    gateway.set_accounts([f"sim-basic-ok-{n}" for n in range(4)])
    return gateway


def test_sigterm_lets_streams_and_whole_answers_finish(own: Gateway, simulator: Simulator) -> None:
    answers: list[str] = []

    def ask(stream: bool) -> None:
        response = own.chat(directive("plain", tokens=20, delay=0.1), stream=stream)
        if stream:
            found = events(response)
            answers.append(text_of(found) if found[-1] == "[DONE]" else "broken")
        else:
            answers.append(response.json()["choices"][0]["message"]["content"])

    with own:
        clients = [threading.Thread(target=ask, args=(n % 2 == 0,)) for n in range(6)]
        for client in clients:
            client.start()
        simulator.wait_until(lambda: simulator.streams()["open"] == 6)
        own.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(30)
        assert own.process.wait(timeout=30) == 0
    assert [answer.split()[-1] for answer in answers] == ["w19"] * 6
    assert own.sql("SELECT count(*) FROM leases") == [(0,)]


def test_idle_connections_neither_delay_the_stop_nor_cost_a_stream(
    own: Gateway, simulator: Simulator
) -> None:
    with own, requests.Session() as idle, socket.create_connection(("127.0.0.1", own.port)):
        assert idle.get(f"{own.url}/health", timeout=10).ok
        response = own.chat(directive("plain", tokens=25, delay=0.1), stream=True)
        own.process.send_signal(signal.SIGTERM)
        assert events(response)[-1] == "[DONE]"
        began = time.monotonic()
        assert own.process.wait(timeout=30) == 0
        assert time.monotonic() - began < 15  # the keep-alive time is 75 s


def test_a_worker_told_to_stop_finishes_its_streams_and_is_replaced(
    own: Gateway, simulator: Simulator
) -> None:
    with own:
        response = own.chat(directive("plain", tokens=15, delay=0.1), stream=True)
        before = own.worker_pids()
        for pid in before:
            os.kill(pid, signal.SIGTERM)
        assert events(response)[-1] == "[DONE]"
        simulator.wait_until(lambda: not set(before) & set(own.worker_pids()), 15)
        assert own.chat("Hello").status_code == 200


@pytest.mark.full
def test_a_stream_keeps_its_lease_as_long_as_it_lasts(own: Gateway, simulator: Simulator, full: bool) -> None:
    """A lease is void after 45 s without renewal; a worker renews its own every 15 s."""
    lasts_s = 100 if full else 20
    with own:
        response = own.chat(directive("plain", tokens=lasts_s * 2, delay=0.5), stream=True)
        [(taken,)] = own.sql("SELECT expires_at FROM leases")
        found = response.iter_lines(chunk_size=1)
        while time.time() < taken - 45 + lasts_s - 2:
            assert next(found) is not None
        [(renewed,)] = own.sql("SELECT expires_at FROM leases")
        assert renewed >= taken + (lasts_s - 5) // 15 * 15 - 1
        assert own.chat("Hello").status_code == 200  # a lease of another request tidies up what is void
        assert own.sql("SELECT count(*) FROM leases") == [(1,)]
        assert [line for line in found if line][-1] == b"data: [DONE]"
        assert own.sql("SELECT count(*) FROM leases") == [(0,)]


def test_a_lease_of_a_killed_worker_ends_by_itself(own: Gateway, simulator: Simulator) -> None:
    with own:
        response = own.chat(directive("plain", tokens=100_000, delay=0.05), stream=True)
        assert own.sql(
            "SELECT count(*), sum(in_flight) FROM leases, account_quotas q WHERE q.pool='default'"
        )[0][0]
        for pid in own.worker_pids():
            os.kill(pid, signal.SIGKILL)
        response.close()
        simulator.wait_until(lambda: simulator.streams()["open"] == 0)
        assert own.sql("SELECT count(*) FROM leases") == [(1,)]
        own.sql("UPDATE leases SET expires_at = expires_at - 60")  # the minute that a lease lasts is over
        simulator.wait_until(lambda: own.chat("Hello").status_code == 200, 30)
        assert own.sql("SELECT count(*) FROM leases") == [(0,)]
        assert own.sql("SELECT max(in_flight) FROM account_quotas") == [(0,)]
