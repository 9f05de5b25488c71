"""Files over real gunicorn with our worker, and by nginx in its place."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.full import only_full
from tests.process.file_app import FileServer
from tests.process.media_nginx import media_nginx

BIG = 100 * 1024 * 1024
SEVERAL = f"bytes={BIG - 100}-,5-1000004,50000000-50999999"
MOST = "bytes=0-60000000,70000000-"
#: What a client reads that is to be slow, and is to leave.
FEW = 64 * 1024


class Place:
    """A server over a folder that has `big` and `image/small@name.jpg`."""

    def __init__(self, folder: Path, server: FileServer) -> None:
        self.folder = folder
        self.server = server
        self.big = folder / "big"
        self.small = folder / "image" / "small@name.jpg"

    def get(self, path: str = "/direct/big", **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.get(self.server.url + path, headers=named, timeout=60)

    def ask(self, **headers: str) -> socket.socket:
        """A request for `big`, of which nothing was read yet; little of it fits on the way."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, FEW)
        client.settimeout(60)
        client.connect(("127.0.0.1", self.server.port))
        named = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        client.sendall(f"GET /direct/big HTTP/1.1\r\nHost: x\r\n{named}\r\n".encode())
        return client

    def wait_open(self, number: int) -> None:
        until = time.monotonic() + 10
        while (found := self.server.open_files(self.folder)) != number and time.monotonic() < until:
            time.sleep(0.01)
        assert found == number


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    block = os.urandom(1024 * 1024 - 1)  # so that no two blocks look alike
    with (folder / "big").open("wb") as big:
        while (left := BIG - big.tell()) > 0:
            big.write(block[:left])
    (folder / "image").mkdir()
    (folder / "image" / "small@name.jpg").write_bytes(os.urandom(5000))
    return folder


@pytest.fixture(scope="module")
def shared_server(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FileServer]:
    with FileServer(folder, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def place(folder: Path, shared_server: FileServer) -> Iterator[Place]:
    yield Place(folder, shared_server)
    shared_server.wait_closed(folder)
    assert shared_server.log_path.read_text() == ""


def test_a_whole_file_is_sent_by_the_kernel(place: Place) -> None:
    before = place.server.sent_by_kernel()
    answer = place.get()
    assert answer.status_code == 200
    assert answer.content == place.big.read_bytes()
    assert place.server.sent_by_kernel() - before >= BIG


def test_so_is_a_range(place: Place) -> None:
    before = place.server.sent_by_kernel()
    answer = place.get(Range="bytes=12345678-87654321")
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes 12345678-87654321/{BIG}"
    assert answer.content == place.big.read_bytes()[12345678:87654322]
    assert place.server.sent_by_kernel() - before >= len(answer.content)


def test_several_ranges_come_as_one_answer(place: Place) -> None:
    answer = place.get(Range=SEVERAL)
    assert answer.status_code == 206
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    boundary = answer.headers["Content-Type"].removeprefix("multipart/byteranges; boundary=").encode()
    content = place.big.read_bytes()
    rest = answer.content
    for part in (content[-100:], content[5:1000005], content[50000000:51000000]):
        _, _, rest = rest.partition(b"\r\n\r\n")
        assert rest.startswith(part + b"\r\n--" + boundary)
        rest = rest[len(part) :]
    assert rest == b"\r\n--" + boundary + b"--\r\n"


def test_what_has_no_body_keeps_the_connection(place: Place) -> None:
    with requests.Session() as session:
        url = f"{place.server.url}/direct/big"
        head = session.head(url, timeout=60)
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(BIG))
        unchanged = session.get(url, headers={"If-None-Match": head.headers["ETag"]}, timeout=60)
        assert (unchanged.status_code, unchanged.headers["ETag"]) == (304, head.headers["ETag"])
        assert unchanged.headers["Last-Modified"] == head.headers["Last-Modified"]
        refused = session.get(url, headers={"Range": f"bytes={BIG}-"}, timeout=60)
        assert (refused.status_code, refused.headers["Content-Range"]) == (416, f"bytes */{BIG}")
        failed = session.get(url, headers={"If-Match": '"x"'}, timeout=60)
        assert failed.status_code == 412
        part = session.get(url, headers={"Range": "bytes=-7"}, timeout=60)
        assert part.content == place.big.read_bytes()[-7:]
        assert session.get(f"{place.server.url}/ping", timeout=60).text == "pong"
        pools = session.adapters["http://"].poolmanager.pools  # type: ignore[attr-defined]
        assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118  # it is no dict


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=5-"}, {"Range": MOST}])
def test_a_client_that_leaves_leaves_no_file_open(place: Place, headers: dict[str, str]) -> None:
    clients = [place.ask(**headers) for _ in range(10)]
    for client in clients:
        assert client.recv(FEW)
    place.wait_open(10)
    for client in clients:
        client.close()
    place.server.wait_closed(place.folder)


def test_slow_clients_get_all_and_hold_nobody_up(place: Place) -> None:
    headers: tuple[dict[str, str], ...] = ({}, {"Range": MOST})
    slow = [place.ask(**headers[n % 2]) for n in range(20)]
    try:
        place.wait_open(20)
        for _ in range(20):
            for client in slow:
                assert client.recv(4096)
            began = time.monotonic()
            assert place.get("/ping").text == "pong"
            assert time.monotonic() - began < 1
        assert place.server.open_files(place.folder) == 20
        whole = place.get().content
        assert whole == place.big.read_bytes()
    finally:
        for client in slow:
            client.close()


def test_fifty_downloads_at_once_take_no_memory(place: Place) -> None:
    assert place.get().ok
    before = place.server.memory()
    ends: list[int] = []
    peak = 0

    def download() -> None:
        with place.ask(Connection="close") as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024 * 1024)
            got, buffer = 0, bytearray(1024 * 1024)
            while count := client.recv_into(buffer, 0, socket.MSG_TRUNC):  # counted, not copied
                got += count
            ends.append(got)

    began_cpu = place.server.cpu_s()
    clients = [threading.Thread(target=download) for _ in range(50)]
    for client in clients:
        client.start()
    while any(client.is_alive() for client in clients):
        peak = max(peak, place.server.memory())
        time.sleep(0.02)
    assert len(ends) == 50
    assert all(BIG < end < BIG + 1000 for end in ends)
    assert peak - before < 16 * 1024 * 1024
    gib = 50 * BIG / 1024**3
    assert (
        place.server.cpu_s() - began_cpu
    ) / gib < 2  # about 0.3; copying in blocks of 8 KiB takes 0.8 and more


@pytest.mark.parametrize("headers", [only_full({}), {"Range": MOST}])
def test_a_client_that_takes_nothing_is_given_up(
    folder: Path, tmp_path: Path, headers: dict[str, str]
) -> None:
    with FileServer(folder, tmp_path, stuck_s=2) as server:
        place = Place(folder, server)
        with place.ask(**headers) as stuck, place.ask(**headers) as slow:
            place.wait_open(2)
            until = time.monotonic() + 6
            while (
                time.monotonic() < until
            ):  # some hundred KB of the megabytes on the way: there is no room for more
                assert slow.recv(4096)
                time.sleep(0.1)
            assert server.open_files(folder) == 1
            slow.close()
            server.wait_closed(folder)
            got = 0
            while count := len(stuck.recv(1024 * 1024)):
                got += count
            assert got < BIG
        assert server.log_path.read_text() == ""


def test_a_file_that_was_cut_short_breaks_the_connection(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "files"
    own.mkdir()
    with FileServer(own, tmp_path) as server:
        for headers in ({}, {"Range": "bytes=0-1000000,50000000-"}):
            (own / "big").write_bytes((folder / "big").read_bytes())
            place = Place(own, server)
            with place.ask(**headers) as client:
                place.wait_open(1)
                os.truncate(own / "big", BIG // 2)
                got = 0
                while count := len(client.recv(1024 * 1024)):
                    got += count
                assert got < BIG * 0.6
            server.wait_closed(own)


# --- nginx in our place ---


@pytest.fixture(scope="module")
def nginx(folder: Path, shared_server: FileServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an nginx with deploy/nginx-media.conf before the server."""
    with media_nginx(tmp_path_factory.mktemp("nginx"), folder, shared_server.port) as url:
        yield url


def test_nginx_sends_the_file_as_we_would(nginx: str, place: Place) -> None:
    url = f"{nginx}/accel/image/small@name.jpg?type=image/webp"
    answer = requests.get(url, headers={"Accept-Encoding": "gzip"}, timeout=60)
    assert answer.status_code == 200
    assert answer.content == place.small.read_bytes()
    ours = place.get("/direct/image/small@name.jpg?type=image/webp").headers
    same: tuple[str, ...] = (
        "Content-Type",
        "Content-Length",
        "Cache-Control",
        "Last-Modified",
        "Accept-Ranges",
    )
    same += ("Content-Security-Policy", "X-Content-Type-Options", "X-Request-ID")
    assert {name: answer.headers.get(name) for name in same} == {name: ours[name] for name in same}
    assert answer.headers["ETag"].startswith('"')  # a strong one
    assert not {"Content-Encoding", "X-Accel-Redirect", "Vary", "Access-Control-Allow-Origin"} & {
        *answer.headers
    }
    assert [*answer.raw.headers.getlist("Content-Type")] == ["image/webp"]
    head = requests.head(url, timeout=60)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == "5000"
    assert head.headers["ETag"] == answer.headers["ETag"]


def test_nginx_does_conditions_and_ranges_by_its_own_validators(nginx: str, place: Place) -> None:
    url = f"{nginx}/accel/big?type=video/mp4"
    head = requests.head(url, timeout=60).headers
    tag, modified = head["ETag"], head["Last-Modified"]

    def get(**headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.get(url, headers=named, timeout=60)

    for condition in ({"If_None_Match": tag}, {"If_Modified_Since": modified}):
        unchanged = get(**condition)
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers["ETag"] == tag
        assert unchanged.headers["Cache-Control"] == "private, max-age=77"
        assert unchanged.headers["Content-Security-Policy"] == "sandbox"
    assert get(If_Match='"x"').status_code == 412
    part = get(Range="bytes=100-199", If_Range=tag)
    assert (part.status_code, part.headers["Content-Range"]) == (206, f"bytes 100-199/{BIG}")
    assert part.content == place.big.read_bytes()[100:200]
    assert part.headers["Content-Type"] == "video/mp4"
    assert part.headers["Content-Security-Policy"] == "sandbox"
    assert get(Range="bytes=100-199", If_Range='"x"').status_code == 200
    assert get(Range="bytes=100-199", If_Range=modified).status_code == 206
    several = get(Range="bytes=0-9,500-509")
    assert several.status_code == 206
    assert several.headers["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert several.content.count(b"Content-Type: video/mp4") == 2
    refused = get(Range=f"bytes={BIG}-")
    assert (refused.status_code, refused.headers["Content-Range"]) == (416, f"bytes */{BIG}")
    check_error(refused, "range_not_satisfiable")
    malformed = get(Range="bytes=5-x")
    assert malformed.status_code == 416 and malformed.headers["Cache-Control"] == "no-store"
    many = "bytes=" + ",".join(f"{n * 1000}-{n * 1000}" for n in range(17))
    assert get(Range=many).status_code == 200


def test_nginx_answers_nobody_else_from_the_cache(nginx: str) -> None:
    assert requests.get(f"{nginx}/_media/image/small@name.jpg", timeout=60).status_code == 404
    assert requests.get(f"{nginx}/_media/image/", timeout=60).status_code == 404


def check_error(answer: requests.Response, code: str) -> None:
    """In the gateway's words, and for nobody to keep; no header twice."""
    assert answer.json()["error"]["code"] == code
    for name, value in {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
        "Content-Type": "application/json",
        "X-Request-ID": "r1",
    }.items():
        assert answer.raw.headers.getlist(name) == [value]


def test_a_file_that_is_gone_when_nginx_looks_is_an_error_that_nobody_keeps(nginx: str, place: Place) -> None:
    gone = place.folder / "image" / "gone.jpg"
    gone.write_bytes(b"x")
    answer = requests.get(f"{nginx}/accel/image/gone.jpg?remove=1", timeout=60)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    check_error(answer, "media_unavailable")
