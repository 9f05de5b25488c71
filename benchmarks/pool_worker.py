"""Measures leasing and settling in one process: `python -m benchmarks.pool_worker SIZE OPERATIONS CALLERS…`,
over the storage of the environment. Prints a JSON list of `Figures`."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Figures:
    """callers: greenlets at once. adding_s: seconds to add 10 000 accounts."""

    callers: int
    p50_ms: float
    p99_ms: float
    per_s: float
    adding_s: float


def main() -> None:
    from gevent import monkey

    monkey.patch_all()  # as in a worker, before anything else is imported

    import json

    print(json.dumps([asdict(figures) for figures in measure(*map(int, sys.argv[1:]))]))


def measure(size: int, operations: int, *callers: int) -> list[Figures]:
    import time
    from dataclasses import replace

    from flask import Flask

    from grok2api.accounts import Account, Tier
    from grok2api.env import Env
    from grok2api.storage import open_store

    store = open_store(Flask("benchmark"), Env.from_environ(), ("default", "heavy"))
    began = time.perf_counter()
    store.accounts.add([f"added-{number:06}" for number in range(10_000)], Tier.BASIC, time.time())
    adding_s = time.perf_counter() - began
    store.clear()
    one = Account(0, "", Tier.BASIC, time.time())
    for start in range(0, size, 10_000):
        numbers = range(start, min(size, start + 10_000))
        store.accounts.restore([replace(one, secret=f"secret-{number:06}") for number in numbers])
    figures = []
    for count in callers:
        _crowd(store, count, operations // 10)
        times, elapsed = _crowd(store, count, operations)
        times.sort()
        p50, p99 = times[len(times) // 2], times[len(times) * 99 // 100]
        figures.append(Figures(count, p50 * 1e3, p99 * 1e3, len(times) / elapsed, adding_s))
    store.close()
    return figures


def _crowd(store: Any, count: int, operations: int) -> tuple[list[float], float]:
    """Seconds of each operation, and of all together."""
    import time

    import gevent

    from grok2api.accounts import LeaseRequest, Outcome, Tier, settlement_for

    wanted = LeaseRequest(tiers=(Tier.BASIC, Tier.SUPER), pool="default", cost=1)
    times: list[float] = []

    def caller() -> None:
        for _ in range(max(1, operations // count)):
            began = time.perf_counter()
            lease = store.leases.lease(wanted, time.time())
            store.leases.settle(lease, settlement_for(Outcome.SUCCESS, lease), time.time())
            times.append(time.perf_counter() - began)

    began = time.perf_counter()
    gevent.joinall([gevent.spawn(caller) for _ in range(count)], raise_error=True)
    return times, time.perf_counter() - began


if __name__ == "__main__":
    main()
