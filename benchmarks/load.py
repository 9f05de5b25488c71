"""The load: many requests at once from one process, as cheaply as Python allows.

`python -m benchmarks.load` reads a Job as JSON from standard input and writes a Seen as one line of JSON.
Tokens are counted by their `@`, which occurs nowhere else and cannot be cut in two by a chunk's end.
"""

from __future__ import annotations

import gc
import json
import re
import select
import socket
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field

from benchmarks.proc import Usage, rss_bytes

_STAMPS = re.compile(rb"@(\d+) ")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_CHUNK_BORDER = re.compile(rb"\r\n[0-9a-f]+\r\n")
#: Bytes at the end of an answer that are searched for its proper end.
_TAIL = 256
_RSS_EVERY_NS = 100_000_000


@dataclass
class Job:
    """`waves` requests one after the other on each of `connections`, whose starts are spread over `ramp_s`.

    An answer has ended well when its last bytes contain `end` and it had `tokens` tokens. `settle_s`: for so long after
    the last one, until memory is looked at again.
    """

    port: int
    requests: list[str]
    connections: int
    waves: int
    tokens: int
    end: str
    ramp_s: float
    stamps: bool
    limit_s: float
    settle_s: float
    subject: list[int]
    loaders: list[int]


@dataclass
class Seen:
    """What came of a job. Delays in ms: of a token after its stamp, of the first one after the request, of an answer's
    end after the request. Memory in bytes: before, at most, and when it had settled.
    """

    streams: int
    ended: int = 0
    tokens: int = 0
    seconds: float = 0.0
    usage: dict[str, float] = field(default_factory=dict)
    delay_p50: float = 0.0
    delay_p99: float = 0.0
    first_p99: float = 0.0
    request_p99: float = 0.0
    answer_p50: float = 0.0
    answer_p99: float = 0.0
    rss_before: int = 0
    rss_peak: int = 0
    rss_after: int = 0
    failure: str = ""


class _Client:
    __slots__ = ("left", "missing", "request", "sent_at", "sock", "tail", "tokens")

    def __init__(self, port: int, request: bytes, waves: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request = request
        self.left = waves
        self.ask()

    def ask(self) -> None:
        self.left -= 1
        self.tail = b""
        self.tokens = 0
        self.missing: int | None = None
        self.sent_at = time.monotonic_ns()
        self.sock.sendall(self.request)

    def begin(self, data: bytes) -> None:
        """Of the first bytes of an answer, which hold its whole head: how long it will be, unless it is chunked."""
        head, _, _ = data.partition(b"\r\n\r\n")
        if length := _LENGTH.search(head):
            self.missing = len(head) + 4 + int(length[1])


class _Load:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._end = job.end.encode()
        self._clients: dict[int, _Client] = {}
        self._epoll = select.epoll()
        self._delays: list[int] = []
        self._firsts: list[int] = []
        self._request_delays: list[int] = []
        self._answer_delays: list[int] = []
        self.seen = Seen(job.connections * job.waves)

    def run(self) -> Seen:
        job, seen = self._job, self.seen
        seen.rss_before = seen.rss_peak = rss_bytes(job.subject)
        usage = Usage(job.subject, job.loaders)
        began = time.monotonic_ns()
        self._run(began)
        seen.seconds = (time.monotonic_ns() - began) / 1e9
        seen.usage = usage.shares(seen.seconds)
        for client in self._clients.values():
            seen.failure = seen.failure or "an answer had not ended when the time was over"
            client.sock.close()
        seen.delay_p50, seen.delay_p99 = _ms(self._delays, 0.5), _ms(self._delays, 0.99)
        seen.first_p99 = _ms(self._firsts, 0.99)
        seen.request_p99 = _ms(self._request_delays, 0.99)
        seen.answer_p50, seen.answer_p99 = _ms(self._answer_delays, 0.5), _ms(self._answer_delays, 0.99)
        time.sleep(job.settle_s)
        seen.rss_after = rss_bytes(job.subject)
        return seen

    def _run(self, began: int) -> None:
        job = self._job
        gap = job.ramp_s * 1e9 / job.connections
        starts = deque((int(began + number * gap), number) for number in range(job.connections))
        over = began + int(job.limit_s * 1e9)
        sample_at = 0
        while starts or self._clients:
            now = time.monotonic_ns()
            if now > over:
                return
            if now >= sample_at:
                self.seen.rss_peak = max(self.seen.rss_peak, rss_bytes(job.subject))
                sample_at = now + _RSS_EVERY_NS
            while starts and starts[0][0] <= now:
                self._start(starts.popleft()[1])
            wait = (starts[0][0] - time.monotonic_ns()) / 1e9 if starts else 0.1
            for number, _ in self._epoll.poll(max(wait, 0.0), 256):
                self._read(self._clients[number])

    def _start(self, number: int) -> None:
        request = self._job.requests[number % len(self._job.requests)].encode()
        client = _Client(self._job.port, request, self._job.waves)
        client.sock.setblocking(False)
        self._clients[client.sock.fileno()] = client
        self._epoll.register(client.sock, select.EPOLLIN)

    def _read(self, client: _Client) -> None:
        try:
            data = client.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._fail(client, "a connection was closed")
            return
        if not client.tail:
            client.begin(data)
        if found := data.count(b"@"):
            if self._job.stamps:
                self._delayed(client, data)
            client.tokens += found
            self.seen.tokens += found
        elif not client.tokens and not client.tail and not data.startswith(b"HTTP/1.1 200 "):
            head, _, body = data.decode(errors="replace").partition("\r\n\r\n")
            self._fail(client, f"{head.partition(chr(13))[0]}: {body[:300]}")
            return
        client.tail = data[-_TAIL:] if len(data) >= _TAIL else (client.tail + data)[-_TAIL:]
        if client.missing is not None:
            client.missing -= len(data)
            if not client.missing:
                self._ended(client)
        elif client.tail.endswith(_LAST_CHUNK):
            self._ended(client)

    def _delayed(self, client: _Client, data: bytes) -> None:
        now = time.monotonic_ns()
        delays = [now - int(stamp) for stamp in _STAMPS.findall(data)]
        if delays and not client.tokens:
            self._firsts.append(delays[0])
            self._request_delays.append(now - client.sent_at)
        self._delays += delays

    def _ended(self, client: _Client) -> None:
        self._answer_delays.append(time.monotonic_ns() - client.sent_at)
        if self._end in _CHUNK_BORDER.sub(b"", client.tail) and client.tokens == self._job.tokens:
            self.seen.ended += 1
        else:
            tail = client.tail.decode(errors="replace")
            self.seen.failure = self.seen.failure or f"{client.tokens} tokens, at the end: {tail}"
        if client.left:
            client.ask()
        else:
            self._close(client)

    def _fail(self, client: _Client, why: str) -> None:
        self.seen.failure = self.seen.failure or why
        self._close(client)

    def _close(self, client: _Client) -> None:
        del self._clients[client.sock.fileno()]
        client.sock.close()


def _ms(delays: list[int], share: float) -> float:
    if not delays:
        return 0.0
    delays.sort()
    return delays[min(int(len(delays) * share), len(delays) - 1)] / 1e6


def main() -> None:
    job = Job(**json.load(sys.stdin))
    gc.disable()
    print(json.dumps(asdict(_Load(job).run())))


if __name__ == "__main__":
    main()
