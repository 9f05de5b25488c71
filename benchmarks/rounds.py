"""Carrying out a plan: gateway and nginx take turns, so that a noisy minute meets both."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from benchmarks.load import Job, Seen
from benchmarks.plans import Plan, Size, Subject
from benchmarks.processes import ACCOUNTS, FEW_ACCOUNTS, ROOT, Broken, Server
from tests.simulator.client import Simulator

#: A round in which others took more of the subject's core is repeated, if there is time.
QUIET = 0.1
#: Repeats are begun for so long.
_REPEAT_S = 60.0
_LIMIT_S = 120.0


@dataclass(frozen=True)
class Rounds:
    """By subject: the quietest rounds, and all that were made, in their order."""

    kept: dict[str, list[Seen]]
    made: dict[str, list[Seen]]


def measure(simulator: Simulator, plan: Plan, rounds: int, quick: bool) -> Rounds:
    """Disturbed rounds are made again, as many as there are rounds and for a limited time."""
    seen: dict[str, list[Seen]] = {name: [] for name in plan.subjects}
    size, accounts = plan.sized(quick), FEW_ACCOUNTS if quick else ACCOUNTS
    with ExitStack() as stack:
        servers: dict[str, Server] = {}
        for name, subject in plan.subjects.items():
            servers[name] = stack.enter_context(subject.start(simulator.url, accounts, servers))
            _round(plan, warm(plan), subject, servers[name], simulator)
        number, repeat_until = 0, 0.0
        while number < rounds or (
            _quiet(seen) < rounds and number < 2 * rounds and time.monotonic() < repeat_until
        ):
            for name, subject in plan.subjects.items():
                seen[name].append(_round(plan, size, subject, servers[name], simulator))
            number += 1
            if number == rounds:
                repeat_until = time.monotonic() + _REPEAT_S
    best = sorted(range(number), key=lambda at: (_disturbed(seen, at) > QUIET, at))[:rounds]
    return Rounds({name: [runs[at] for at in sorted(best)] for name, runs in seen.items()}, seen)


def warm(plan: Plan) -> Size:
    """A few requests first: imports, connections, caches."""
    return Size(4, 1, plan.quick.tokens)


def job(plan: Plan, size: Size, subject: Subject, server: Server, simulator: Simulator) -> Job:
    whole = size is plan.size
    return Job(
        port=server.port,
        requests=[subject.request(plan.prompt(size), number, server) for number in range(size.connections)],
        connections=size.connections,
        waves=size.waves,
        tokens=size.tokens,
        end=subject.end,
        ramp_s=plan.ramp_s if whole else 0.0,
        stamps=plan.stamps,
        limit_s=_LIMIT_S,
        settle_s=plan.settle_s if whole else 0.0,
        subject=server.pids,
        loaders=[simulator.process.pid],
    )


def run(job: Job) -> Seen:
    """In a process of its own. Raises Broken."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=ROOT, input=json.dumps(asdict(job)), capture_output=True, text=True,
        timeout=job.limit_s + job.settle_s + 30,
    )  # fmt: skip
    if done.returncode:
        raise Broken(f"the load generator failed:\n{done.stderr}")
    return Seen(**json.loads(done.stdout))


def _round(plan: Plan, size: Size, subject: Subject, server: Server, simulator: Simulator) -> Seen:
    seen = run(job(plan, size, subject, server, simulator))
    if not seen.ended:
        raise Broken(f"nothing ends well: {seen.failure}")
    return seen


def _quiet(seen: dict[str, list[Seen]]) -> int:
    return sum(_disturbed(seen, at) <= QUIET for at in range(len(seen["gateway"])))


def _disturbed(seen: dict[str, list[Seen]], number: int) -> float:
    """The share of its core that others took from the gateway in a round; nginx leaves most of it to them."""
    return seen["gateway"][number].usage["disturbed"]
