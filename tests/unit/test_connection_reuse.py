"""A connection whose answer was read to its end serves the next request; any other is closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from grok2api.upstream.transport import READ_BYTES, PromptAdapter


class _Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    peers: set[tuple[str, int]]

    def do_GET(self) -> None:
        self.peers.add(self.client_address)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in (b'{"a":1}\n', b'{"b":2}\n' * 2000):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def upstream() -> Iterator[str]:
    _Upstream.peers = set()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Upstream) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", PromptAdapter())
    return session


def test_answers_that_were_read_share_a_connection(upstream: str) -> None:
    with _session() as session:
        for _ in range(5):
            with session.get(upstream, stream=True, timeout=5) as response:
                assert sum(1 for line in response.iter_lines(chunk_size=READ_BYTES) if line) == 2001
    assert len(_Upstream.peers) == 1


def test_an_answer_that_was_left_costs_its_connection(upstream: str) -> None:
    with _session() as session:
        for _ in range(3):
            with session.get(upstream, stream=True, timeout=5) as response:
                assert next(response.iter_lines(chunk_size=READ_BYTES)) == b'{"a":1}'
    assert len(_Upstream.peers) == 3
