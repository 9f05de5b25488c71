"""More connections than a worker takes, clients that do not get on with their request, and those that do not read."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import orjson
import pytest
import requests

from grok2api.server.client_socket import STUCK_CLIENT_S
from tests.full import only_full
from tests.gateway import Gateway, events, text_of
from tests.process.slow_clients import Slow, one_byte_of_a_request, patient_nginx
from tests.simulator.client import Simulator, directive

LIMIT = 20
HEADER_S = 4.0
QUICK = ("-m", "gunicorn", "-c", "tests/process/quick_conf.py", "wsgi:app")


@pytest.fixture(scope="module")
def started(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    data_dir = tmp_path_factory.mktemp("small") / "data"
    with Gateway(
        data_dir,
        shared_simulator.url,
        workers=1,
        command=QUICK,
        WORKER_CONNECTIONS=str(LIMIT),
        QUICK_HEADER_S=str(HEADER_S),
    ) as gateway:
        gateway.set_accounts([f"sim-basic-ok-{n}" for n in range(10)])
        gateway.session.close()
        yield gateway


@pytest.fixture
def small(started: Gateway, simulator: Simulator) -> Gateway:
    """One worker that takes LIMIT connections and has no other open."""
    started.session.close()
    time.sleep(0.2)
    return started


def connect(gateway: Gateway, sent: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
    client.sendall(sent)
    return client


def read_all(client: socket.socket) -> bytes:
    """All that comes until the server closes; raises ConnectionResetError when it does not end it well."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def healthy(client: socket.socket) -> bool:
    """Whether /health is answered on a connection that stays open."""
    client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = b""
    while not answer.endswith(b"}"):
        piece = client.recv(1000)
        if not piece:
            return False
        answer += piece
    return answer.startswith(b"HTTP/1.1 200") and b"keep-alive" in answer


def refusal(answer: bytes) -> tuple[int, dict[str, str], dict[str, object]]:
    """Status, headers and the error of a whole answer, after which the connection ends."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert re.fullmatch(r"HTTP/1\.1 \d{3} [A-Za-z ]+", first)
    assert len(body) == int(headers["content-length"])
    assert headers["connection"] == "close" and headers["content-type"] == "application/json"
    error = orjson.loads(body)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return int(first.split()[1]), headers, error


def assert_overloaded(answer: bytes) -> None:
    status, headers, error = refusal(answer)
    assert (status, error["code"], error["type"]) == (503, "overloaded", "server_error")
    assert 1 <= int(headers["retry-after"]) <= 5


def worker_memory(gateway: Gateway) -> int:
    """Bytes of the workers' own memory."""
    total = 0
    for pid in gateway.worker_pids():
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) * 1024
    return total


class Held:
    """Streams that stand still after their first token, one to a connection; for use in a `with` statement."""

    def __init__(self, gateway: Gateway, simulator: Simulator, count: int) -> None:
        self._simulator = simulator
        body = {
            "model": "grok-4.1",
            "messages": [{"role": "user", "content": directive("plain", tokens=3, step="held")}],
            "stream": True,
        }
        self._sessions = [requests.Session() for _ in range(count)]
        url = f"{gateway.url}/v1/chat/completions"
        with ThreadPoolExecutor(count) as clients:
            asked = [clients.submit(s.post, url, json=body, stream=True, timeout=60) for s in self._sessions]
            simulator.wait_waiting("held", count, 30)
            simulator.step("held", count)
            self.responses = [each.result() for each in asked]

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self._simulator.step("held", -1)
        for response in self.responses:
            assert response.status_code == 200
            assert events(response)[-1] == "[DONE]"
        for session in self._sessions:
            session.close()


def test_beyond_the_limit_a_connection_is_answered_at_once_and_no_stream_is_hurt(
    small: Gateway, simulator: Simulator
) -> None:
    with Held(small, simulator, LIMIT):
        asked = len(simulator.chats())
        began = time.monotonic()
        # Larger than what the socket takes without being read: the answer is not to be lost to a reset.
        client = connect(small, b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n")
        client.sendall(b"x" * 3_000_000)
        assert_overloaded(read_all(client))
        client.close()
        with connect(small, b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n") as client:
            assert_overloaded(read_all(client))
        assert time.monotonic() - began < 5
        with pytest.raises(requests.HTTPError, match="503"):
            requests.post(f"{small.url}/v1/chat/completions", json={}, timeout=10).raise_for_status()
        assert len(simulator.chats()) == asked
    assert small.answer("Hello")


def test_a_full_worker_still_says_that_it_is_alive(small: Gateway, simulator: Simulator) -> None:
    with Held(small, simulator, LIMIT):
        for _ in range(3):
            answer = requests.get(f"{small.url}/health", timeout=10)
            assert answer.ok and answer.json()["status"] == "ok" and answer.headers["Connection"] == "close"
        with connect(small) as slowly:
            for piece in (b"GET /he", b"alth HT", b"TP/1.1\r\nHost: x\r\n\r\n"):
                slowly.sendall(piece)
                time.sleep(0.1)
            assert b"200 OK" in read_all(slowly)
        assert requests.get(f"{small.url}/ready", timeout=10).status_code == 503
        assert requests.get(f"{small.url}/healthy", timeout=10).status_code == 503


def test_three_hundred_at_once_are_all_refused_in_a_line_of_the_log(
    small: Gateway, simulator: Simulator
) -> None:
    with Held(small, simulator, LIMIT - 1), ExitStack() as stack:
        stream = small.chat(directive("plain", tokens=60, delay=0.05), stream=True)
        before = worker_memory(small)
        lines = small.log().count("are open")
        clients = [stack.enter_context(connect(small)) for _ in range(300)]
        for client in clients:
            client.sendall(b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
        for client in clients:
            assert_overloaded(read_all(client))
        found = events(stream)
        assert text_of(found).split()[-1] == "w59" and found[-1] == "[DONE]"
        assert worker_memory(small) - before < 30_000_000
        simulator.wait_until(lambda: small.log().count("are open") > lines, 12)
        assert small.log().count("are open") <= lines + 2


def test_idle_connections_make_room_the_oldest_first(small: Gateway) -> None:
    with ExitStack() as stack:
        idle = []
        for _ in range(LIMIT):
            idle.append(stack.enter_context(connect(small)))
            assert healthy(idle[-1])
        with connect(small) as client:
            assert healthy(client)
            assert idle[0].recv(1) == b""
            assert all(healthy(other) for other in idle[1:])


def test_a_header_has_its_time_in_all(small: Gateway) -> None:
    silent, slow, second, honest = (connect(small) for _ in range(4))
    assert healthy(second)
    time.sleep(1.0)  # an idle connection's time begins with its next request
    began = time.monotonic()
    answered: dict[str, float] = {}

    def trickle(name: str, client: socket.socket) -> None:
        client.settimeout(0.3)
        for _ in range(40):
            try:
                client.sendall(b"G")
                if client.recv(1, socket.MSG_PEEK):
                    answered[name] = time.monotonic() - began
                    break
            except TimeoutError:
                continue
        client.settimeout(20)

    with silent, slow, second, honest:
        threads = [
            threading.Thread(target=trickle, args=each) for each in (("slow", slow), ("second", second))
        ]
        for thread in threads:
            thread.start()
        for piece in (b"GET /hea", b"lth HTTP/1.1\r\nHo", b"st: x\r\n\r\n"):
            honest.sendall(piece)
            time.sleep(0.6)
        assert honest.recv(1000).startswith(b"HTTP/1.1 200")
        for thread in threads:
            thread.join()
        assert HEADER_S - 1.5 < answered["slow"] < HEADER_S + 6
        assert HEADER_S - 0.5 < answered["second"] < HEADER_S + 6
        for client in (slow, second):
            status, _, error = refusal(read_all(client))
            assert (status, error["code"]) == (408, "request_timeout")
        assert silent.recv(1) == b""


@pytest.mark.parametrize("length", ["Content-Length: 100000", "Transfer-Encoding: chunked"])
def test_what_is_left_of_an_answered_requests_body_is_no_request(small: Gateway, length: str) -> None:
    """An answer to it would be taken for that to the next request."""
    with connect(
        small, f"POST /nowhere HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n2000\r\nab".encode()
    ) as client:
        answer = b""
        while not answer.endswith(b"}}"):
            answer += client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 404") and b"keep-alive" in answer
        client.settimeout(0.3)
        began = time.monotonic()
        while True:
            try:
                client.sendall(b"a")
                assert client.recv(1000) == b""
                break
            except TimeoutError:
                assert time.monotonic() - began < HEADER_S + 6
        assert time.monotonic() - began > HEADER_S - 1.5


def test_when_full_whoever_takes_longest_to_ask_makes_room(small: Gateway) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(small, b"GET / HT")) for _ in range(LIMIT)]
        time.sleep(0.2)
        assert requests.get(f"{small.url}/v1/models", timeout=10).status_code == 503
        time.sleep(2.2)
        assert requests.get(f"{small.url}/v1/models", timeout=10).status_code == 200
        assert_overloaded(read_all(slow[0]))


def _ask_models(gateway: Gateway) -> str:
    """On a connection of its own: "200", or the code of the refusal."""
    answer = requests.get(f"{gateway.url}/v1/models", headers={"Connection": "close"}, timeout=30)
    return "200" if answer.ok else str(answer.json()["error"]["code"])


def test_three_hundred_slow_ones_do_not_keep_out_the_others(small: Gateway) -> None:
    _besiege(small, 300, asked_s=6, memory=20_000_000, recovered_s=HEADER_S + 8)


@pytest.mark.full
@pytest.mark.timeout(400)
def test_five_thousand_slow_ones_do_not_keep_out_the_others(tmp_path: Path, simulator: Simulator) -> None:
    with Gateway(tmp_path / "data", simulator.url) as gateway:
        _besiege(gateway, 5000, asked_s=60, memory=200_000_000, recovered_s=60)


@pytest.mark.full
@pytest.mark.timeout(400)
def test_behind_nginx_five_thousand_slow_ones_hurt_nobody(tmp_path: Path, simulator: Simulator) -> None:
    (tmp_path / "nginx").mkdir()
    with (
        Gateway(tmp_path / "data", simulator.url) as gateway,
        patient_nginx(tmp_path / "nginx", gateway.port) as port,
    ):
        before = worker_memory(gateway)
        with Slow(port, 5000, one_byte_of_a_request) as slow:
            slow.wait_all_opened(120)
            until = time.monotonic() + 60
            while time.monotonic() < until:
                assert requests.get(f"http://127.0.0.1:{port}/v1/models", timeout=30).status_code == 200
                time.sleep(0.2)
        assert worker_memory(gateway) - before < 20_000_000


def _besiege(gateway: Gateway, count: int, asked_s: float, memory: int, recovered_s: float) -> None:
    """Connections that send a byte a second, and meanwhile requests of others."""
    before = worker_memory(gateway)
    found: list[str] = []
    most = 0
    with Slow(gateway.port, count, one_byte_of_a_request) as slow:
        slow.wait_all_opened(120)
        until = time.monotonic() + asked_s
        while time.monotonic() < until:
            found.append(_ask_models(gateway))
            most = max(most, worker_memory(gateway) - before)
            time.sleep(0.2)
        assert requests.get(f"{gateway.url}/health", timeout=30).ok
    assert set(found) <= {"200", "overloaded"}
    assert found.count("200") > len(found) / 2, found
    assert most < memory
    until = time.monotonic() + recovered_s
    while not all(_ask_models(gateway) == "200" for _ in range(20)):
        assert time.monotonic() < until
        time.sleep(0.5)
    print(f"{count} slow: {found.count('200')} of {len(found)} answered, {most >> 20} MiB more at most")


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("readers", "tokens", "lasts_s"), [(60, 3000, 2), only_full(500, 3000, 150)])
def test_clients_that_hardly_read_cost_little_and_hurt_nobody(
    tmp_path: Path, simulator: Simulator, readers: int, tokens: int, lasts_s: float
) -> None:
    """Upstream sends all that it has at once; who does not read it stops it."""
    with Gateway(tmp_path / "data", simulator.url, workers=1) as gateway:
        gateway.set_accounts([f"sim-basic-ok-{n}" for n in range(100)])
        assert gateway.answer("Hello")
        before = worker_memory(gateway)
        body = orjson.dumps(
            {
                "model": "grok-4.1",
                "messages": [{"role": "user", "content": directive("plain", tokens=tokens)}],
                "stream": True,
            }
        )
        head = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        asked: set[int] = set()

        def read_a_byte(client: socket.socket, turn: int) -> bool:
            if client.fileno() not in asked:
                asked.add(client.fileno())
                client.send(head.encode() + body)
                return True
            return client.recv(1) != b""

        with Slow(gateway.port, readers, read_a_byte, every_s=1.0) as slow:
            slow.wait_all_opened(60)
            simulator.wait_until(lambda: gateway.sql("SELECT count(*) FROM leases") == [(readers,)], 60)
            most, took = 0, [60.0]
            until = time.monotonic() + lasts_s
            # However busy the machine is: once they stand still, an answer comes as if they were not there.
            while time.monotonic() < until or min(took) > 0.5:
                assert time.monotonic() < until + 60
                began = time.monotonic()
                assert gateway.answer(directive("plain", tokens=3))
                took.append(time.monotonic() - began)
                most = max(most, worker_memory(gateway) - before)
                time.sleep(0.3)
            if lasts_s < STUCK_CLIENT_S:  # upstream has sent all that it has; none of the answers is through
                assert gateway.sql("SELECT count(*) FROM leases") == [(readers,)]
            else:  # they were given up
                simulator.wait_until(lambda: simulator.streams()["open"] == 0, 30)
                assert gateway.sql("SELECT count(*) FROM leases") == [(0,)]
        assert most < readers * 400_000
        simulator.wait_until(lambda: simulator.streams()["open"] == 0, 30)
        simulator.wait_until(lambda: gateway.sql("SELECT count(*) FROM leases") == [(0,)], 30)
        waited = sorted(took)[len(took) // 2]
        print(f"{readers} slow readers: {most / readers / 1000:.0f} KB each, others waited {waited:.3f} s")
