"""`python -m benchmarks.media`: a 100 MB video from the cache, beside nginx sending the same file.

Bytes per second and CPU time per GiB of one download after the other, and of 50 at once with the memory of
the worker before, during and after. One worker each, on the subject's core; the client has the other one. Ten
seconds or so.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.nginx import file_nginx
from benchmarks.proc import LOAD_CORE, cpu_s, rss_bytes
from benchmarks.processes import Broken, Server, gateway_in, pinned, scratch
from grok2api.media import cache_name
from tests.simulator.movie import mp4

SIZE = 100 * 1024 * 1024
ROUNDS = 5
DOWNLOADS = 5
AT_ONCE = 50
PATH = "users/u/generated/v/generated_video.mp4"
#: Whatever happens, no download begins or goes on after so many seconds.
BUDGET_S = 50.0
_PIECE = 1024 * 1024
_MIB, _GIB = 1024**2, 1024**3


@dataclass
class Figures:
    mb_per_s: float
    cpu_s_per_gib: float


@dataclass
class Memory:
    """Of a server's worker, bytes: before, at most during and after many downloads at once."""

    before: int
    peak: int
    after: int

    def __str__(self) -> str:
        return " / ".join(f"{value / _MIB:.1f}" for value in (self.before, self.peak, self.after))


@dataclass
class Subject:
    server: Server
    path: str

    def download(self, end: float) -> None:
        """Raises when not every byte of the video comes before `end`."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=_left(end)) as client:
            client.sendall(f"GET {self.path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                received = client.recv(4096)
                if not received:
                    raise Broken(f"{self.path}: no answer: {head!r}")
                head += received
            head, _, begun = head.partition(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            if b" 200 " not in lines[0] or b"content-type: video/mp4" not in lines:
                raise Broken(f"{self.path}: {head!r}")
            got, buffer = len(begun), bytearray(_PIECE)
            while count := client.recv_into(buffer, 0, socket.MSG_TRUNC):  # counted, not copied
                got += count
                client.settimeout(_left(end))
        if got != SIZE:
            raise Broken(f"{self.path}: {got} bytes instead of {SIZE}")

    def one_by_one(self, end: float) -> Figures:
        def run() -> None:
            for _ in range(DOWNLOADS):
                self.download(end)

        return self._measure(DOWNLOADS, run)

    def at_once(self, end: float) -> tuple[Figures, Memory]:
        memory = Memory(*[rss_bytes(self.server.pids)] * 3)

        def run() -> None:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                running = {pool.submit(self.download, end) for _ in range(AT_ONCE)}
                all_of_them = list(running)
                while running:
                    memory.peak = max(memory.peak, rss_bytes(self.server.pids))
                    running = wait(running, timeout=0.02).not_done
            for download in all_of_them:
                download.result()

        figures = self._measure(AT_ONCE, run)
        memory.after = rss_bytes(self.server.pids)
        return figures, memory

    def _measure(self, downloads: int, run: Callable[[], object]) -> Figures:
        began, used = time.monotonic(), cpu_s(self.server.pids)
        run()
        seconds, used = time.monotonic() - began, cpu_s(self.server.pids) - used
        total = downloads * SIZE
        return Figures(total / 1e6 / seconds, used / (total / _GIB))


def main() -> int:
    end = time.monotonic() + BUDGET_S
    with scratch() as data_dir, gateway_in(data_dir, "http://127.0.0.1:9") as gateway:
        video = _add_video(data_dir)
        with file_nginx(video.parent) as nginx, pinned({LOAD_CORE}):
            ours, theirs = Subject(gateway, f"/images/{PATH}"), Subject(nginx, f"/{video.name}")
            for subject in (ours, theirs):
                subject.download(end)  # the file is in the page cache, the code was run
            rounds = [(ours.one_by_one(end), theirs.one_by_one(end)) for _ in range(ROUNDS)]
            our_many, our_memory = ours.at_once(end)
            their_many, their_memory = theirs.at_once(end)
    print("| a video of 100 MB | gateway | nginx | ratio |\n|---|---:|---:|---:|")
    for load, pairs in (("one after the other", rounds), (f"{AT_ONCE} at once", [(our_many, their_many)])):
        print(_row(f"MB/s, {load}", [(our.mb_per_s, their.mb_per_s) for our, their in pairs], 0))
        print(
            _row(
                f"CPU, s per GiB, {load}",
                [(our.cpu_s_per_gib, their.cpu_s_per_gib) for our, their in pairs],
                2,
            )
        )
    print(f"| memory before / at most / after {AT_ONCE} at once, MiB | {our_memory} | {their_memory} | |")
    return 0


def _add_video(data_dir: Path) -> Path:
    """A video in the gateway's cache and in its index, so that upstream is never asked."""
    video = data_dir / "cache" / "video" / cache_name(PATH)
    video.parent.mkdir(parents=True, exist_ok=True)
    start = mp4("benchmark")
    video.write_bytes(start + os.urandom(_PIECE) * (SIZE // _PIECE))
    os.truncate(video, SIZE)
    with closing(sqlite3.connect(data_dir / "grok2api.db", timeout=10)) as connection, connection:
        connection.execute(
            "INSERT INTO media (path, kind, account_id, created_at) VALUES (?, 'video', 1, ?)",
            (PATH, time.time()),
        )
    return video


def _row(name: str, pairs: list[tuple[float, float]], digits: int) -> str:
    """Medians with their range; the ratio is the median of the rounds' ratios."""
    cells = [_cell([pair[side] for pair in pairs], digits) for side in (0, 1)]
    return f"| {name} | {cells[0]} | {cells[1]} | {median(our / their for our, their in pairs):.2f} × |"


def _cell(values: list[float], digits: int) -> str:
    text = f"{median(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise Broken(f"not done within {BUDGET_S:.0f} s")
    return left


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.exit(main())
