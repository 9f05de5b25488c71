"""`python -m benchmarks.media`: a 100 MB video from the cache, beside nginx sending the same file.

CPU time per GiB and bytes per second of one download after the other, and the memory of the worker before, during and
after 50 downloads at once. One worker each; a minute in all.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from benchmarks.nginx import file_nginx
from benchmarks.proc import cpu_s, rss_bytes
from grok2api.media import cache_name
from tests.gateway import Gateway
from tests.simulator.movie import mp4

SIZE = 100 * 1024 * 1024
DOWNLOADS = 20
AT_ONCE = 50
PATH = "users/u/generated/v/generated_video.mp4"
_PIECE = 1024 * 1024
_MIB, _GIB = 1024**2, 1024**3


@dataclass
class Figures:
    mb_per_s: float
    cpu_s_per_gib: float


def main() -> int:
    with TemporaryDirectory() as scratch:
        data_dir = Path(scratch) / "data"
        with _gateway(data_dir) as gateway:
            url = f"{gateway.url}/images/{PATH}"
            pids = gateway.worker_pids()
            folder = data_dir / "cache" / "video"
            with file_nginx(folder) as nginx:
                yardstick = f"http://127.0.0.1:{nginx.port}/{cache_name(PATH)}"
                _measure(url, pids)  # warm: the file is in the page cache, the code compiled
                ours, theirs = _measure(url, pids), _measure(yardstick, nginx.pids)
            before, peak, after = _memory(url, pids)
    print("| a video of 100 MB | gateway | nginx | ratio |\n|---|---:|---:|---:|")
    for name, read in _ROWS:
        print(f"| {name} | {read(ours):.2f} | {read(theirs):.2f} | {read(ours) / read(theirs):.2f} × |")
    memory = ", ".join(f"{value / _MIB:.0f}" for value in (before, peak, after))
    print(
        f"\nMemory of the worker before, at most during and after {AT_ONCE} downloads at once, MiB: {memory}."
    )
    return 0


_ROWS: tuple[tuple[str, Callable[[Figures], float]], ...] = (
    ("CPU, s per GiB", lambda figures: figures.cpu_s_per_gib),
    ("GB/s, one download after the other", lambda figures: figures.mb_per_s / 1000),
)


@contextmanager
def _gateway(data_dir: Path) -> Iterator[Gateway]:
    """One worker with the video in its cache and its index; upstream is never asked."""
    video = data_dir / "cache" / "video" / cache_name(PATH)
    video.parent.mkdir(parents=True)
    start = mp4("benchmark")
    video.write_bytes(start + bytes(SIZE - len(start)))
    with Gateway(data_dir, "http://127.0.0.1:9", workers=1) as gateway:
        connection = sqlite3.connect(data_dir / "grok2api.db", timeout=10)
        with connection:
            row = (PATH, time.time())
            connection.execute(
                "INSERT INTO media (path, kind, account_id, created_at) VALUES (?, 'video', 1, ?)", row
            )
        connection.close()
        yield gateway


def _measure(url: str, pids: list[int]) -> Figures:
    began, used = time.monotonic(), cpu_s(pids)
    with requests.Session() as session:
        for _ in range(DOWNLOADS):
            _download(url, session)
    seconds, used = time.monotonic() - began, cpu_s(pids) - used
    total = DOWNLOADS * SIZE
    return Figures(total / 1e6 / seconds, used / (total / _GIB))


def _memory(url: str, pids: list[int]) -> tuple[int, int, int]:
    before = peak = rss_bytes(pids)
    threads = [threading.Thread(target=_download, args=(url,)) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        peak = max(peak, rss_bytes(pids))
        time.sleep(0.01)
    return before, peak, rss_bytes(pids)


def _download(url: str, session: requests.Session | None = None) -> None:
    with (session or requests).get(url, stream=True, timeout=60) as answer:
        answer.raise_for_status()
        buffer = bytearray(_PIECE)
        left = SIZE
        while left:
            read = answer.raw.readinto(buffer)
            if not read:
                raise RuntimeError(f"{url}: {left} bytes are missing")
            left -= read


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.exit(main())
