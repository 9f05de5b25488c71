"""Many clients that send or read next to nothing, in one thread of the test."""

from __future__ import annotations

import resource
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.debian import need
from tests.gateway import free_port

_NGINX = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 12000; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    client_header_timeout 15s;
    upstream gateway {{ server 127.0.0.1:{upstream} max_fails=0; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://gateway;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""

REQUEST = b"GET /v1/models HTTP/1.1\r\nHost: gateway\r\nX-Padding: " + b"x" * 4000


def raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Slow:
    """`count` connections, on each of which `act` is called every `every_s` seconds, for use in a `with` statement. A
    connection whose `act` fails, or returns False, is closed and not opened again."""

    def __init__(
        self, port: int, count: int, act: Callable[[socket.socket, int], bool], every_s: float = 1.0
    ) -> None:
        raise_file_limit()
        self._port, self._count, self._act, self._every_s = port, count, act, every_s
        self.open: list[socket.socket] = []
        self.opened = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def wait_all_opened(self, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        while self.opened < self._count:
            assert time.monotonic() < until, f"{self.opened} of {self._count} connections after {timeout_s} s"
            time.sleep(0.05)

    def _run(self) -> None:
        turn = 0
        while not self._end.wait(0 if self.opened < self._count else self._every_s):
            for _ in range(min(200, self._count - self.opened)):
                client = socket.socket()
                client.setsockopt(
                    socket.SOL_SOCKET, socket.SO_RCVBUF, 4096
                )  # what the kernel would read for us
                client.settimeout(30)
                client.connect(("127.0.0.1", self._port))
                client.setblocking(False)
                self.open.append(client)
                self.opened += 1
            still = []
            for client in self.open:
                try:
                    stays = self._act(client, turn)
                except BlockingIOError:
                    stays = True
                except OSError:
                    stays = False
                if stays:
                    still.append(client)
                else:
                    client.close()
            self.open = still
            turn += 1
        for client in self.open:
            client.close()


def one_byte_of_a_request(client: socket.socket, turn: int) -> bool:
    """Sends the next byte of a request that is never whole; False once it was answered or closed."""
    client.send(REQUEST[turn : turn + 1])
    try:
        client.recv(1)
    except BlockingIOError:
        return True
    return False


@contextmanager
def patient_nginx(scratch: Path, upstream_port: int) -> Iterator[int]:
    """Its port: an nginx with room for them all, in front of a gateway. scratch: an empty folder for its own files."""
    port = free_port()
    (scratch / "nginx.conf").write_text(_NGINX.format(port=port, upstream=upstream_port))
    command = [
        need("nginx", "nginx-light"),
        "-p",
        str(scratch),
        "-c",
        str(scratch / "nginx.conf"),
        "-e",
        "stderr",
    ]
    process = subprocess.Popen(command)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                break
            except ConnectionRefusedError:
                assert process.poll() is None and time.monotonic() < until
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)
