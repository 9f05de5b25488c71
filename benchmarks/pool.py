"""`python -m benchmarks.pool`: what choosing and settling cost in each storage, whatever the pool's size.

One operation is a lease and its settlement. Each figure comes from a process patched by gevent, as a worker
is, with 1 or 32 greenlets that ask one after the other. Servers are private ones on this machine.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.pool_worker import Figures
from tests.gateway import ROOT, clean_environ
from tests.process.servers import storage_environ

BACKENDS = ("file", "mysql", "redis")
SIZES = (10, 1_000, 100_000)
CALLERS = (1, 32)
#: Milliseconds, with one caller.
GOALS = {"file": 1.0, "mysql": 3.0, "redis": 1.0}
GROWTH = 1.5
ADDING_S = 5.0


def main() -> int:
    arguments = _arguments()
    print("| storage | accounts | callers | p50 ms | p99 ms | operations/s | adding 10 000, s |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    missed: list[str] = []
    for backend in arguments.backends:
        found: dict[tuple[int, int], Figures] = {}
        for size in arguments.sizes:
            for figures in _measure(backend, size, arguments.operations):
                found[size, figures.callers] = figures
                adding = f"{figures.adding_s:.1f}" if figures.callers == 1 else ""
                print(
                    f"| {backend} | {size} | {figures.callers} | {figures.p50_ms:.2f} | {figures.p99_ms:.2f} "
                    f"| {figures.per_s:.0f} | {adding} |",
                    flush=True,
                )
        missed += _verdicts(backend, found)
    print("\nEvery goal is met." if not missed else "\n" + "\n".join(missed))
    return 0


def _measure(backend: str, size: int, operations: int) -> list[Figures]:
    with TemporaryDirectory() as folder, storage_environ(backend) as storage:
        environ = clean_environ(GROK2API_DATA_DIR=folder, **storage)
        command = [sys.executable, "-m", "benchmarks.pool_worker", str(size), str(operations)]
        command += [str(callers) for callers in CALLERS]
        ran = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, check=True, timeout=900)
    return [Figures(**figures) for figures in json.loads(ran.stdout)]


def _verdicts(backend: str, found: dict[tuple[int, int], Figures]) -> list[str]:
    """The goals that were missed, in words."""
    words = []
    smallest, largest = min(size for size, _ in found), max(size for size, _ in found)
    for (size, callers), figures in found.items():
        if callers == 1 and figures.p50_ms > GOALS[backend]:
            words.append(
                f"MISSED: {backend}, {size} accounts: p50 {figures.p50_ms:.2f} ms > {GOALS[backend]} ms"
            )
        if figures.adding_s > ADDING_S and callers == 1:
            words.append(
                f"MISSED: {backend}: adding 10 000 accounts took {figures.adding_s:.1f} s > {ADDING_S} s"
            )
    for callers in CALLERS:
        growth = found[largest, callers].p50_ms / found[smallest, callers].p50_ms
        if growth > GROWTH:
            words.append(
                f"MISSED: {backend}, {callers} callers: {growth:.1f} times slower at {largest} accounts"
            )
    return words


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pool", description=__doc__)
    parser.add_argument("--backends", type=lambda text: text.split(","), default=BACKENDS, metavar="NAMES")
    parser.add_argument(
        "--sizes", type=lambda text: [int(size) for size in text.split(",")], default=SIZES, metavar="NUMBERS"
    )
    parser.add_argument("--operations", type=int, default=3000, metavar="N", help="measured for each figure")
    return parser.parse_args()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.exit(main())
