"""`python -m benchmarks.profile S3`: where the gateway's CPU time goes in a scenario.

One worker is sampled (see `sampled.conf.py`) while the load of the scenario is made again and again. Self time is what
a function spent itself, in C functions that it called too; total time includes what it called in Python.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import sysconfig
import time
from collections import Counter
from typing import Any

from benchmarks.plans import PLANS
from benchmarks.proc import LOAD_CORE
from benchmarks.processes import ROOT, Broken, gateway, scratch
from benchmarks.rounds import job, run, warm
from tests.simulator.client import Simulator

_CUTS = (f"{sysconfig.get_path('purelib')}/", f"{sysconfig.get_path('stdlib')}/", f"{ROOT}/")


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.sched_setaffinity(0, {LOAD_CORE})
    try:
        _print(_record(arguments.scenario, arguments.seconds), arguments.top)
    except Broken as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    return 0


def _record(scenario: str, seconds: float) -> dict[str, Any]:
    """answers: how many. stacks_ns: CPU time of the main thread by stack, `outer;…;inner`. user_s, system_s: CPU
    time of the worker.
    """
    plan = PLANS[scenario]
    subject = plan.subjects["gateway"]
    with scratch() as directory, Simulator("--no-journal") as simulator:
        file = directory / "samples"
        variables = {"BENCHMARKS_SAMPLES": str(file), "WORKER_CONNECTIONS": "4000"}
        with gateway(simulator.url, config="benchmarks/sampled.conf.py", variables=variables) as server:
            run(job(plan, warm(plan), subject, server, simulator))
            load = job(plan, plan.size, subject, server, simulator)
            os.kill(server.pids[0], signal.SIGRTMIN)
            until = time.monotonic() + seconds
            answers = 0
            while time.monotonic() < until:
                answers += (ended := run(load).ended)
                if not ended:
                    raise Broken("nothing ends well")
        if not file.exists():
            raise Broken("the worker did not end in time to write what was seen")
        seen: dict[str, Any] = json.loads(file.read_text())
    return seen | {"answers": answers}


def _print(seen: dict[str, Any], top: int) -> None:
    own: Counter[str] = Counter()
    packages: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for stack, taken in seen["stacks_ns"].items():
        frames = [_short(frame) for frame in stack.split(";")]
        own[frames[-1]] += taken
        packages[_package(frames[-1])] += taken
        for frame in set(frames):
            total[frame] += taken
    main_s = own.total() / 1e9
    user_s, system_s = seen["user_s"], seen["system_s"]
    print(
        f"The worker's CPU time for {seen['answers']} answers: {user_s:.1f} s in programs, {system_s:.1f} s in the "
        f"kernel; {main_s:.1f} s of it were its main thread's. Shares of these:"
    )
    parts = (("self, by package", packages), ("self", own), ("total, with what it calls", total))
    for title, figures in parts:
        print(f"\n{title}")
        for frame, taken in figures.most_common(top):
            print(f"{taken / main_s / 1e9:7.1%}  {frame}")


def _short(frame: str) -> str:
    for cut in _CUTS:
        frame = frame.replace(cut, "")
    return frame


def _package(frame: str) -> str:
    """Of `function (package/module.py:1)`."""
    return frame.rpartition("(")[2].partition("/")[0].partition(".py")[0]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.profile", description="Where the gateway's CPU time goes."
    )
    parser.add_argument("scenario", choices=list(PLANS))
    parser.add_argument("--seconds", type=float, default=15.0, metavar="S", help="15 unless told")
    parser.add_argument("--top", type=int, default=25, metavar="N", help="functions shown, 25 unless told")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
