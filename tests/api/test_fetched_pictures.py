"""Pictures that the gateway fetches for its clients, from where it is allowed to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.gateway import Gateway
from tests.simulator.client import Simulator
from tests.simulator.pictures import png

SSO = "sim-basic-ok-f"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """/picture, or a redirect to what stands behind /to/."""
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        content = png("fetched")
        self.send_response(200)
        self.send_header("Content-Type", "image/jpeg")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def place() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def node(
    place: int, shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway that may fetch from one private place, and would use a dead proxy if it looked for one."""
    allowed = f"127.0.0.1:{place}"
    data_dir: Path = tmp_path_factory.mktemp("fetching") / "data"
    with Gateway(
        data_dir,
        shared_simulator.url,
        workers=1,
        GROK2API_FETCH_ALLOW=allowed,
        HTTP_PROXY="http://127.0.0.1:1",
    ) as gateway:
        gateway.admin("/api/tokens/add", {"tokens": [SSO], "token_type": "sso"})
        yield gateway


def ask(gateway: Gateway, url: str) -> tuple[int, str]:
    """The status, and the error's message."""
    parts = [{"type": "text", "text": "what is it"}, {"type": "image_url", "image_url": {"url": url}}]
    body = {"model": "grok-4.1", "messages": [{"role": "user", "content": parts}]}
    answer = gateway.post("/v1/chat/completions", body)
    return answer.status_code, answer.json().get("error", {}).get("message", "")


def test_a_picture_of_an_allowed_place_goes_up_as_what_it_is(
    node: Gateway, place: int, simulator: Simulator
) -> None:
    assert ask(node, f"http://127.0.0.1:{place}/picture") == (200, "")
    (upload,) = simulator.requests(path="/rest/app-chat/upload-file")
    assert (upload["body"]["fileMimeType"], upload["body"]["fileName"]) == ("image/png", "image-1.png")
    assert "GROK2API_FETCH_ALLOW: clients may make this gateway fetch from 127.0.0.1" in node.log()


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:{port}/to/http://localhost:{port}/picture", "http://127.0.0.1:{port}/to/http://10.0.0.1/",
     "http://localhost:{port}/picture", "http://0x7f000001:{other}/", "http://2130706433:{other}/",
     "http://[::ffff:127.0.0.1]:{other}/", "http://169.254.169.254/latest/meta-data"],
)  # fmt: skip
def test_no_other_private_place_is_reached(node: Gateway, place: int, url: str) -> None:
    status, message = ask(node, url.format(port=place, other=place + 1))
    assert status == 400 and "`messages[0].content[1].image_url.url`" in message
    assert "not public" in message
