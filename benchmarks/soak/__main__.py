"""`python -m benchmarks.soak`: mixed traffic for half an hour, and whether anything grows. Exits 1 when it does."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.soak.clients import Crowd
from benchmarks.soak.samples import EVERY_S, Sample, Watch, calmest
from benchmarks.soak.verdict import Line, grown_types, judge, table
from grok2api.storage.redis.client import CONNECTIONS
from grok2api.storage.sql.mysql import OTHERS
from tests.gateway import Gateway
from tests.mariadb_server import MariaDbServer
from tests.process.servers import environ_of
from tests.redis_server import RedisServer
from tests.simulator.client import Simulator

WORKERS = 2
#: The share of the time that the workers warm up in: caches fill, threads start.
WARM_UP = 0.2
#: The most connections of a worker.
POOLS = {"file": 0, "mysql": OTHERS + 1, "redis": CONNECTIONS}
README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN, END = "<!-- soak -->", "<!-- /soak -->"


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return _soak(arguments.minutes * 60, arguments.rest, arguments.storage, arguments.write)
    except KeyboardInterrupt:
        return 130


def _soak(seconds: float, rest_s: float, storage: str, write: bool) -> int:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="grok2api-soak-")))
        server = stack.enter_context(_server(storage))
        simulator = stack.enter_context(Simulator("--no-journal"))
        gateway = stack.enter_context(
            Gateway(
                folder / "data", simulator.url, workers=WORKERS, SOAK_DIR=str(folder),
                command=("-m", "gunicorn", "-c", "benchmarks/soak/gunicorn_conf.py", "wsgi:app"),
                **(environ_of(server) if server else {}),
            )
        )  # fmt: skip
        watch = stack.enter_context(Watch(gateway, folder, simulator.port, server))
        crowd = stack.enter_context(Crowd(gateway))
        _flow(watch, seconds * WARM_UP, "warming up")
        before = _rest(crowd, watch, rest_s)
        crowd.resume()
        began = time.monotonic()
        _flow(watch, seconds * (1 - WARM_UP), "under load")
        under_load = [sample for sample in watch.samples if sample.at > began + EVERY_S]
        after = _rest(crowd, watch, rest_s)
    lines = judge(before, after, under_load, POOLS[storage] * WORKERS)
    what = (
        f"{seconds / 60:g} minutes, {WORKERS} workers, storage `{storage}`, rests of {rest_s:g} s; "
        f"{sum(crowd.ends.values())} requests: {_ends(crowd)}."
    )
    print(f"{what}\n\n{table(lines)}")
    failures = [*crowd.wrong, *([watch.failure] if watch.failure else [])]
    for failure in failures:
        print(f"WRONG: {failure}")
    if write:
        _write(f"{what}\n\n{table(lines)}")
    if not all(line.flat for line in lines):
        _explain(before, after, lines)
        return 1
    return 1 if failures else 0


@contextmanager
def _server(storage: str) -> Iterator[MariaDbServer | RedisServer | None]:
    if storage == "mysql":
        with MariaDbServer() as mariadb:
            yield mariadb
    elif storage == "redis":
        with RedisServer("appendonly yes") as redis:
            yield redis
    else:
        yield None


def _flow(watch: Watch, seconds: float, what: str) -> None:
    """Let the traffic flow, and say now and then how it goes."""
    until = time.monotonic() + seconds
    say_at = 0.0
    while (left := until - time.monotonic()) > 0 and not watch.failure:
        if watch.samples and time.monotonic() > say_at:
            say_at = time.monotonic() + 60
            held = watch.samples[-1].workers.values()
            said = ", ".join(
                f"{one.memory >> 20} MiB {one.fds} fds {one.greenlets} greenlets {one.objects} objects"
                for one in held
            )
            print(f"{what}, {left:.0f} s left: {said}", file=sys.stderr, flush=True)
        time.sleep(min(left, 1.0))


def _rest(crowd: Crowd, watch: Watch, seconds: float) -> Sample:
    """What the workers hold after so much time without a request."""
    crowd.pause()
    time.sleep(seconds)
    samples = [watch.sample()]
    for _ in range(2):
        time.sleep(1.3)  # much in the background is done every second
        samples.append(watch.sample())
    return calmest(samples)


def _ends(crowd: Crowd) -> str:
    return ", ".join(f"{kind} {end} {count}" for (kind, end), count in sorted(crowd.ends.items()))


def _explain(before: Sample, after: Sample, lines: list[Line]) -> None:
    for line in lines:
        if not line.flat:
            print(f"NOT FLAT: {line.what}")
    for pid, held in before.workers.items():
        if pid in after.workers:
            print(f"worker {pid}, more objects: {', '.join(grown_types(held, after.workers[pid]))}")


def _write(text: str) -> None:
    """Put the result between the marks in the README."""
    readme = README.read_text("utf-8")
    head, _, rest = readme.partition(BEGIN)
    _, _, tail = rest.partition(END)
    README.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak",
        description="Run mixed traffic for long and see whether anything grows.",
    )
    parser.add_argument("--minutes", type=float, default=30, metavar="N", help="of traffic; 30 unless told")
    parser.add_argument("--rest", type=float, default=60, metavar="S", help="seconds of both rests; 60")
    parser.add_argument("--storage", choices=("file", "mysql", "redis"), default="file")
    parser.add_argument("--write", action="store_true", help="also write the table into benchmarks/README.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
