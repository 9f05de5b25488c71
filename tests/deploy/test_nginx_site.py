"""deploy/nginx.conf before two gateways over one storage."""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.conftest import BASIC
from tests.gateway import Gateway, events, free_port, text_of
from tests.nginx import config, site, site_nginx
from tests.simulator.client import Simulator, directive

MIB = 1024 * 1024


class Site(NamedTuple):
    url: str
    folder: Path
    nodes: tuple[Gateway, Gateway]

    def chat(self, prompt: str, *, stream: bool = False, pad: int = 0) -> requests.Response:
        """pad: bytes of blanks behind the body."""
        messages = [{"role": "user", "content": prompt}]
        whole = requests.Request(
            "POST",
            f"{self.url}/v1/chat/completions",
            json={"model": "grok-4.1", "messages": messages, "stream": stream},
        ).prepare()
        assert isinstance(whole.body, bytes)
        whole.body += b" " * pad
        whole.headers["Content-Length"] = str(len(whole.body))
        with requests.Session() as session:
            session.trust_env = False
            return session.send(whole, stream=stream, timeout=60)

    def access_log(self) -> list[str]:
        return (self.folder / "access.log").read_text().splitlines()


@pytest.fixture(scope="module")
def shared_site(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """nginx sends the first node's media; both share a SQLite file and have caches of their own."""
    folder = tmp_path_factory.mktemp("site")
    database = {"DATABASE_URL": f"sqlite:///{folder}/grok2api.db"}
    with ExitStack() as stack:
        nodes = tuple(
            stack.enter_context(
                Gateway(
                    folder / name, shared_simulator.url, workers=1, TRUSTED_PROXIES="1", **database, **more
                )
            )
            for name, more in (("first", {"GROK2API_MEDIA_ACCEL": "/_media/"}), ("second", {}))
        )
        nodes[0].admin("/api/tokens/add", {"tokens": list(BASIC), "token_type": "sso"})
        ports = [node.port for node in nodes]
        scratch = folder / "nginx"
        scratch.mkdir()
        url = stack.enter_context(site_nginx(scratch, ports, cache=folder / "first" / "cache"))
        yield Site(url, scratch, (nodes[0], nodes[1]))


@pytest.fixture
def behind(shared_site: Site, simulator: Simulator) -> Site:
    return shared_site


def test_nginx_takes_the_file_as_it_is(tmp_path: Path) -> None:
    text = site([8000, 8001], free_port(), tmp_path)
    told = subprocess.run([*config(tmp_path, text), "-t"], capture_output=True, text=True, timeout=30)
    assert told.returncode == 0, told.stderr + (tmp_path / "error.log").read_text()
    assert "warn" not in (tmp_path / "error.log").read_text()


def test_what_it_offers_for_tls_is_taken_too(tmp_path: Path) -> None:
    text, _, redirection = site([8000, 8001], free_port(), tmp_path).partition("# TLS: from http to https.\n")
    text = re.sub(r"# (listen \S*443|ssl_|add_header Strict)", r"\1", text)
    text = re.sub(r"/etc/letsencrypt/live/[^/]*", str(tmp_path), text)
    text = (text + re.sub(r"^# ", "", redirection, flags=re.MULTILINE)).replace(
        "443 ssl", f"{free_port()} ssl"
    )
    text = re.sub(r"listen (\[::\]:)?80;", rf"listen \g<1>{free_port()};", text)
    assert text.count("\n    ssl_certificate ") == text.count("\n    return 301") == 1
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        + ["-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem", "-subj", "/CN=test"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    told = subprocess.run([*config(tmp_path, text), "-t"], capture_output=True, text=True, timeout=30)
    assert told.returncode == 0, told.stderr


def test_tokens_of_a_stream_leave_one_by_one(behind: Site) -> None:
    response = behind.chat(directive("plain", tokens=12, delay=0.05), stream=True)
    arrived = [time.monotonic() for line in response.iter_lines(chunk_size=1) if line.startswith(b"data:")]
    assert "Content-Encoding" not in response.headers
    gaps = [later - earlier for earlier, later in pairwise(arrived)]
    # The tokens are 50 ms apart; had they been gathered, they would have come at once.
    assert sum(gap > 0.02 for gap in gaps) >= 5


@pytest.mark.parametrize(
    ("mib", "status"),
    [(20, 200), (34, 413), (37, 413)],
    ids=["fits", "is refused by the gateway", "is refused by nginx"],
)
def test_a_large_request_passes_or_is_refused_in_openais_words(behind: Site, mib: int, status: int) -> None:
    answer = behind.chat(directive("plain", tokens=2), pad=mib * MIB)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["error"]["code"] == "request_too_large"
        assert ("max_body_mb" in answer.json()["error"]["message"]) is (mib < 36)


@pytest.fixture
def stranger() -> Iterator[requests.Session]:
    """A client at another address of this machine."""
    with requests.Session() as session:
        session.trust_env = False
        adapter = HTTPAdapter()
        adapter.poolmanager.connection_pool_kw["source_address"] = ("127.0.0.7", 0)
        session.mount("http://", adapter)
        yield session


def test_gateways_learn_the_clients_address_and_not_what_it_claims(
    behind: Site, stranger: requests.Session
) -> None:
    claims = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    body = {"username": "admin", "password": "admin"}
    answer = stranger.post(f"{behind.url}/api/login", json=body, headers=claims, timeout=60)
    assert answer.status_code == 200, answer.text  # with the default password nobody logs in from 8.8.8.8
    assert "Secure" not in answer.headers["Set-Cookie"]
    audit = behind.nodes[1].get_admin("/api/audit")["data"]
    assert "127.0.0.7" in {entry["address"] for entry in audit}


def test_metrics_are_only_for_this_machine(behind: Site, stranger: requests.Session) -> None:
    assert stranger.get(f"{behind.url}/metrics", timeout=60).status_code == 403
    assert stranger.get(f"{behind.url}/health", timeout=60).status_code == 200
    assert requests.get(f"{behind.url}/metrics", timeout=60).status_code != 403


def test_an_id_of_the_client_or_of_nginx_names_the_request_everywhere(behind: Site) -> None:
    given = requests.get(f"{behind.url}/health?secret=1", headers={"X-Request-ID": "job-7.a"}, timeout=60)
    assert given.headers["X-Request-ID"] == "job-7.a"
    bad = requests.get(f"{behind.url}/health", headers={"X-Request-ID": "no such; id"}, timeout=60)
    assert re.fullmatch("[0-9a-f]{32}", bad.headers["X-Request-ID"])
    assert requests.head(f"{behind.url}/health", timeout=60).ok  # the lines before it are written now
    log = "\n".join(behind.access_log())
    assert "job-7.a" in log and bad.headers["X-Request-ID"] in log and "secret" not in log


def test_the_console_is_compressed_and_kept_by_browsers(behind: Site) -> None:
    url = f"{behind.url}/static/i18n/en.json"
    first = requests.get(url, headers={"Accept-Encoding": "gzip"}, stream=True, timeout=60)
    packed = first.raw.read(decode_content=False)
    assert first.headers["Content-Encoding"] == "gzip" and len(gzip.decompress(packed)) > 2 * len(packed)
    headers = {"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]}
    assert requests.get(url, headers=headers, timeout=60).status_code == 304
    page = requests.get(f"{behind.url}/login", headers={"Accept-Encoding": "gzip"}, timeout=60)
    assert page.ok and "Content-Encoding" not in page.headers  # it holds what guards against forged requests


def test_nginx_sends_the_media_of_the_node_beside_it_and_passes_on_those_of_the_other(behind: Site) -> None:
    text = behind.nodes[0].answer(directive("images"))
    path = re.findall(r"\(http://[^/]+(/images/[^)]+)\)", text)[0]
    for _ in range(2):  # at first a node fetches it
        direct = [node.session.get(node.url + path, timeout=60) for node in behind.nodes]
    assert [bool(answer.content) for answer in direct] == [False, True]
    through = [requests.get(behind.url + path, timeout=60) for _ in range(6)]
    assert {answer.content for answer in through} == {direct[1].content}
    makers = {answer.headers["ETag"] for answer in through}
    assert direct[1].headers["ETag"] in makers and len(makers) == 2
    assert requests.get(f"{behind.url}/_media/image/", timeout=60).status_code == 404


@pytest.mark.full
def test_who_waits_on_a_node_that_dies_is_answered_by_the_other(simulator: Simulator, tmp_path: Path) -> None:
    """Before the first byte of the answer, also POST; and later requests as well. With no node there is an error in
    OpenAI's words."""
    database = {"DATABASE_URL": f"sqlite:///{tmp_path}/grok2api.db"}
    with (
        Gateway(tmp_path / "a", simulator.url, workers=1, TRUSTED_PROXIES="1", **database) as first,
        Gateway(tmp_path / "b", simulator.url, workers=1, TRUSTED_PROXIES="1", **database) as second,
    ):
        first.admin("/api/tokens/add", {"tokens": list(BASIC), "token_type": "sso"})
        scratch = tmp_path / "nginx"
        scratch.mkdir()
        with site_nginx(scratch, [first.port, second.port]) as url:
            place = Site(url, scratch, (first, second))
            answered: list[requests.Response] = []
            prompt = directive("plain", tokens=3, first_delay=2)
            clients = [
                threading.Thread(target=lambda: answered.append(place.chat(prompt, stream=True)))
                for _ in range(4)
            ]
            for client in clients:
                client.start()
            simulator.wait_until(lambda: simulator.streams()["open"] == 4)
            for pid in [first.process.pid, *first.worker_pids()]:
                os.kill(pid, signal.SIGKILL)
            for client in clients:
                client.join(30)
            assert [text_of(events(answer)) for answer in answered] == ["w0 w1 w2"] * 4
            assert len(simulator.requests(path="/rest/app-chat")) > 4  # some were asked twice
            assert place.chat(directive("plain", tokens=1), stream=False).status_code == 200
            second.kill()
            lost = place.chat("hello")
            assert lost.status_code == 502 and lost.json()["error"]["code"] == "gateway_unreachable"
            assert lost.headers["Retry-After"]
