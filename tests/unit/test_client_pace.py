"""Clients that take what they are sent too slowly."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator

import gevent
import gevent.socket
import pytest

from grok2api.server import client_socket
from grok2api.server.client_socket import ClientSocket
from grok2api.server.worker import _fitting


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ClientSocket, gevent.socket.socket]]:
    """The server's end, with a small buffer, and the client's."""
    monkeypatch.setattr(client_socket, "STUCK_CLIENT_S", 0.4)
    listener = socket.create_server(("127.0.0.1", 0))
    client = gevent.socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(listener.getsockname())
    accepted, _ = listener.accept()
    ours = ClientSocket(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    with listener, client, ours:
        yield ours, client


def drain(client: gevent.socket.socket, size: int, every_s: float) -> None:
    while client.recv(size):
        gevent.sleep(every_s)


def test_who_takes_a_little_now_and_then_is_given_up(
    pair: tuple[ClientSocket, gevent.socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_socket, "SLOWEST", 1_000_000)
    ours, client = pair
    reading = gevent.spawn(drain, client, 4096, 0.05)  # 80 KB a second
    began = time.monotonic()
    with gevent.Timeout(20), pytest.raises(ConnectionResetError, match="next to nothing"):
        ours.sendall(bytes(5_000_000))
    assert 0.3 < time.monotonic() - began < 10
    reading.kill()


def test_who_is_slow_but_not_too_slow_gets_all(
    pair: tuple[ClientSocket, gevent.socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_socket, "SLOWEST", 10_000)
    ours, client = pair
    reading = gevent.spawn(drain, client, 4096, 0.02)
    began = time.monotonic()
    with gevent.Timeout(20):
        ours.sendall(bytes(200_000))
    assert time.monotonic() - began > client_socket.STUCK_CLIENT_S
    ours.shutdown(socket.SHUT_WR)
    reading.join(10)


@pytest.mark.parametrize(
    ("files", "fit"),
    [(1024, 437), (100_000, 1000), (100, 1), (resource.RLIM_INFINITY, 1000)],
)
def test_a_worker_takes_no_more_connections_than_it_has_files_for(
    monkeypatch: pytest.MonkeyPatch, files: int, fit: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (files, files))
    assert _fitting(1000) == fit
