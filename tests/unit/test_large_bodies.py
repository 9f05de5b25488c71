"""Sending much over a slow line: what counts is that it moves, not how long it takes in all."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from grok2api.errors import Unreachable
from grok2api.settings import snapshot
from grok2api.upstream import client as client_module
from grok2api.upstream.client import Deadlines, GrokClient
from grok2api.watchdog import Watchdog

ANSWER = b'{"fileMetadataId":"f-1","fileUri":""}'
#: More than the kernel's buffers take by themselves.
PICTURE = b"p" * 6_000_000


@contextmanager
def slow_upstream(pause_s: float, read_most: int) -> Iterator[str]:
    """Reads one request, 64 KB at a time with pauses between, up to read_most bytes of it, then answers if that was
    all."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            head, _, rest = connection.recv(65536).partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            got = len(rest)
            while got < min(length, read_most):
                got += len(connection.recv(65536))
                time.sleep(pause_s)
            if got == length:
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                connection.sendall(head % len(ANSWER) + ANSWER)
            over.wait(10)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        thread.join()
        listener.close()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "CONNECT_S", 0.5)


def upload(url: str) -> str:
    client = GrokClient(url, url, Watchdog())
    try:
        return client.upload("s", "p.png", "image/png", PICTURE, snapshot({}), time.monotonic()).id
    finally:
        client.close()


def test_a_large_file_may_take_longer_than_connecting() -> None:
    began = time.monotonic()
    with slow_upstream(0.01, 1 << 30) as url:
        assert upload(url) == "f-1"
    assert time.monotonic() - began > 1.0  # it did take longer


def test_a_line_on_which_nothing_moves_is_given_up_and_no_account_is_to_blame() -> None:
    with slow_upstream(0.0, 100_000) as url, pytest.raises(Unreachable, match="takes nothing more"):
        upload(url)


def test_who_has_much_to_send_has_time_for_it() -> None:
    deadlines = Deadlines(30.0, 120.0, 600.0, time.monotonic() + 600.0)
    assert deadlines.open_with(b"x" * 10_000) <= 30.0
    assert deadlines.open_with(b"x" * 65536 * 100) == pytest.approx(130.0)
    assert deadlines.open_with(b"x" * 65536 * 1000) <= 600.0
