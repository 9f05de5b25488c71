"""What deploy/nginx.conf does with nodes that fail in one way each."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from tests.gateway import free_port
from tests.nginx import site_nginx

BODY = b"x" * 300_000  # more than nginx keeps in memory


class Node(BaseHTTPRequestHandler):
    """Answers every POST with the status that its server has been given, 0: closes without an answer."""

    protocol_version = "HTTP/1.1"
    server: Nodes

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(len(body))
        if not self.server.status:
            self.close_connection = True
            return
        said = self.server.status.to_bytes(2) + b" of this node"
        self.send_response(self.server.status)
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Nodes(ThreadingHTTPServer):
    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), Node)
        self.status = status
        #: lengths of the bodies that came
        self.seen: list[int] = []


@contextmanager
def node(status: int) -> Iterator[Nodes]:
    with Nodes(status) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            yield server
        finally:
            server.shutdown()


def ask(url: str) -> requests.Response:
    return requests.post(f"{url}/v1/chat/completions", data=BODY, timeout=30)


@pytest.mark.parametrize("status", [0, 503])
def test_a_post_that_one_node_closes_or_is_too_full_for_is_served_by_the_other(
    status: int, tmp_path: Path
) -> None:
    with (
        node(status) as bad,
        node(200) as good,
        site_nginx(tmp_path / "nginx", [bad.server_port, good.server_port]) as url,
    ):
        assert [ask(url).status_code for _ in range(6)] == [200] * 6
        # The bad one was asked each time that it was its turn: nothing that it says has it left out.
        assert len(bad.seen) >= 3 and set(bad.seen) == set(good.seen) == {len(BODY)}


def test_a_node_that_does_not_listen_is_not_missed(tmp_path: Path) -> None:
    with node(200) as good, site_nginx(tmp_path / "nginx", [free_port(), good.server_port]) as url:
        assert [ask(url).status_code for _ in range(6)] == [200] * 6


@pytest.mark.full
def test_a_node_that_takes_no_connection_costs_seconds_and_no_request(tmp_path: Path) -> None:
    """As a machine that is switched off. Where a node has taken the request, nginx waits for it much longer."""
    with socket.socket() as deaf, ExitStack() as waiting:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        place = deaf.getsockname()
        waiting.enter_context(socket.create_connection(place))  # all that it has room for
        with pytest.raises(TimeoutError):
            socket.create_connection(place, timeout=0.2)
        with node(200) as good, site_nginx(tmp_path / "nginx", [place[1], good.server_port]) as url:
            assert [ask(url).status_code for _ in range(2)] == [200] * 2


def test_what_both_nodes_refuse_is_told_as_they_say_it_however_often(tmp_path: Path) -> None:
    with (
        node(503) as first,
        node(503) as second,
        site_nginx(tmp_path / "nginx", [first.server_port, second.server_port]) as url,
    ):
        for _ in range(5):
            answer = ask(url)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
            assert answer.content.endswith(b"of this node")
        assert len(first.seen) == len(second.seen) == 5
        first.status = 200
        assert ask(url).status_code == 200


def test_other_errors_are_not_asked_for_twice(tmp_path: Path) -> None:
    with (
        node(500) as first,
        node(429) as second,
        site_nginx(tmp_path / "nginx", [first.server_port, second.server_port]) as url,
    ):
        assert sorted(ask(url).status_code for _ in range(4)) == [429, 429, 500, 500]
        assert len(first.seen) + len(second.seen) == 4


def test_without_any_node_the_error_is_in_openais_words(tmp_path: Path) -> None:
    with site_nginx(tmp_path / "nginx", [free_port(), free_port()]) as url:
        answer = ask(url)
        assert answer.status_code == 502 and answer.headers["Retry-After"]
        assert answer.json()["error"]["code"] == "gateway_unreachable"
