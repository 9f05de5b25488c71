"""The scenarios: what is asked of the gateway and of nginx, and the rows that come of it."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field

from benchmarks import targets
from benchmarks.leave import Left, leave
from benchmarks.load import Job, Seen
from benchmarks.nginx import nginx
from benchmarks.processes import ROOT, Broken, Server, gateway
from benchmarks.requests import Request, through_gateway, through_nginx
from benchmarks.targets import Target
from tests.simulator.client import Simulator, directive

_SUBJECTS: dict[str, tuple[Callable[[str], AbstractContextManager[Server]], Request, str]] = {
    "gateway": (gateway, through_gateway, "data: [DONE]"),
    "nginx": (nginx, through_nginx, '"title"'),
}

#: A round in which others took more of the subject's core is repeated, if there is time.
QUIET = 0.1


@dataclass
class Row:
    """One figure: the rounds' values by subject. `whole`: of how many, for a count."""

    name: str
    unit: str
    values: dict[str, list[float]]
    target: Target | None = None
    whole: int = 0

    def median(self, subject: str) -> float | None:
        values = self.values.get(subject)
        return statistics.median(values) if values else None

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios."""
        pairs = zip(self.values.get("gateway", []), self.values.get("nginx", []), strict=False)
        ratios = [ours / nginx for ours, nginx in pairs if nginx]
        return statistics.median(ratios) if ratios else None


@dataclass
class Result:
    scenario: str
    what: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    raw: dict[str, list[dict[str, object]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Size:
    connections: int
    waves: int
    tokens: int


S1_SIZES = {False: Size(32, 10, 200), True: Size(32, 1, 100)}
S2A_SIZES = {False: Size(200, 2, 100), True: Size(40, 1, 20)}
S6_CLIENTS = {False: 40, True: 8}


def s1(simulator: Simulator, rounds: int, quick: bool) -> Result:
    """Tokens as fast as they can be relayed."""
    size = S1_SIZES[quick]
    prompt = directive("plain", tokens=size.tokens, stamp=True)
    seen = _loads(simulator, prompt, size, rounds, ramp_s=0.0, stamps=False)
    rows = [
        _row("CPU per token", "µs", seen, _cpu_us, targets.S1_CPU),
        _row("tokens per second", "1/s", seen, lambda run: run.tokens / run.seconds, targets.S1_RATE),
        _ended(seen),
        _row("load's share of its core", "%", seen, lambda run: run.usage["load_core"] * 100),
    ]
    what = f"{size.connections} streams, {size.waves} answers of {size.tokens} tokens each, no delay"
    return Result("S1", what, rows, _notes(seen, saturation={"gateway"}), _raw(seen))


def s2a(simulator: Simulator, rounds: int, quick: bool) -> Result:
    """Many streams at the pace of a real one."""
    size = S2A_SIZES[quick]
    prompt = directive("plain", tokens=size.tokens, delay=0.05, stamp=True)
    seen = _loads(simulator, prompt, size, rounds, ramp_s=1.0, stamps=True)
    rows = [
        _row("CPU per token", "µs", seen, _cpu_us, targets.S2A_CPU),
        _row("added delay per token, p50", "ms", seen, lambda run: run.delay_p50, targets.S2A_P50),
        _row("added delay per token, p99", "ms", seen, lambda run: run.delay_p99, targets.S2A_P99),
        _row("added delay, first token, p99", "ms", seen, lambda run: run.first_p99, targets.S2A_FIRST),
        _row("request to first token, p99", "ms", seen, lambda run: run.request_p99),
        _ended(seen),
        _memory(seen, size.connections),
        _row(
            "subject's share of its core", "%", seen, lambda run: run.usage["subject_s"] / run.seconds * 100
        ),
        _row("load's share of its core", "%", seen, lambda run: run.usage["load_core"] * 100),
    ]
    what = f"{size.connections} streams, {size.waves} answers of {size.tokens} tokens each, 50 ms per token"
    return Result("S2a", what, rows, _notes(seen, saturation={"gateway", "nginx"}), _raw(seen))


def s6(simulator: Simulator, rounds: int, quick: bool) -> Result:
    """Clients that leave in the middle, half of them while tokens flow, half while upstream is silent."""
    clients = S6_CLIENTS[quick]
    prompts = [
        directive("plain", tokens=2000, delay=0.05, stamp=True),
        directive("stall_mid", tokens=20, after=3),
    ]
    seen: dict[str, list[Left]] = {}
    for subject, (start, request, _) in _SUBJECTS.items():
        with start(simulator.url) as server:
            leave(server.port, [request(prompts[0], 0, server.port)], 1, simulator)
            requests = [request(prompts[number % 2], number, server.port) for number in range(clients)]
            seen[subject] = [leave(server.port, requests, clients, simulator) for _ in range(rounds)]
    closed = {subject: [float(run.closed_in_time) for run in runs] for subject, runs in seen.items()}
    last = {subject: [run.last_ms for run in runs] for subject, runs in seen.items()}
    rows = [
        Row("upstream streams closed within 0.5 s", "", closed, targets.ALL, whole=clients),
        Row("the last one closed after", "ms", last),
    ]
    raw: dict[str, list[dict[str, object]]] = {s: [asdict(run) for run in runs] for s, runs in seen.items()}
    return Result("S6", f"{clients} clients leave in mid-stream", rows, [], raw)


SCENARIOS = {"S1": s1, "S2a": s2a, "S6": s6}


def _loads(
    simulator: Simulator, prompt: str, size: Size, rounds: int, ramp_s: float, stamps: bool
) -> dict[str, list[Seen]]:
    """Gateway and nginx take turns, so that a noisy minute meets both; disturbed rounds are repeated."""
    seen: dict[str, list[Seen]] = {subject: [] for subject in _SUBJECTS}
    with gateway(simulator.url) as ours, nginx(simulator.url) as yardstick:
        servers = {"gateway": ours, "nginx": yardstick}
        for number in range(-1, 2 * rounds):
            if sum(_disturbed(seen, at) <= QUIET for at in range(number)) >= rounds:
                break
            for subject, (_, request, end) in _SUBJECTS.items():
                server = servers[subject]
                warm = number < 0  # a few streams first: imports, connections, caches
                job = Job(
                    port=server.port,
                    requests=[request(prompt, index, server.port) for index in range(size.connections)],
                    connections=4 if warm else size.connections,
                    waves=1 if warm else size.waves,
                    tokens=size.tokens,
                    end=end,
                    ramp_s=0.0 if warm else ramp_s,
                    stamps=stamps,
                    limit_s=120.0,
                    subject=server.pids,
                    loaders=[simulator.process.pid],
                )
                run = _run(job)
                if not run.tokens:
                    raise Broken(f"{subject} relays nothing: {run.failure}")
                if not warm:
                    seen[subject].append(run)
    best = sorted(range(len(seen["gateway"])), key=lambda at: (_disturbed(seen, at) > QUIET, at))[:rounds]
    return {subject: [runs[at] for at in sorted(best)] for subject, runs in seen.items()}


def _disturbed(seen: dict[str, list[Seen]], number: int) -> float:
    """The share of its core that others took from the gateway in a round; nginx leaves most of it to them."""
    return seen["gateway"][number].usage["disturbed"]


def _run(job: Job) -> Seen:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=ROOT, input=json.dumps(asdict(job)), capture_output=True, text=True, timeout=job.limit_s + 30,
    )  # fmt: skip
    if done.returncode:
        raise Broken(f"the load generator failed:\n{done.stderr}")
    return Seen(**json.loads(done.stdout))


def _cpu_us(run: Seen) -> float:
    return run.usage["subject_s"] / run.tokens * 1e6


def _row(
    name: str,
    unit: str,
    seen: dict[str, list[Seen]],
    figure: Callable[[Seen], float],
    target: Target | None = None,
) -> Row:
    return Row(name, unit, {subject: [figure(run) for run in runs] for subject, runs in seen.items()}, target)


def _ended(seen: dict[str, list[Seen]]) -> Row:
    row = _row("streams ended well", "", seen, lambda run: run.ended, targets.ALL)
    row.whole = seen["gateway"][0].streams
    return row


def _memory(seen: dict[str, list[Seen]], streams: int) -> Row:
    """Of the first round only: later ones find the memory that it took."""
    first = {subject: runs[:1] for subject, runs in seen.items()}
    return _row(
        "memory per open stream", "KB", first, lambda run: (run.rss_peak - run.rss_before) / 1024 / streams,
        targets.S2A_MEMORY,
    )  # fmt: skip


def _notes(seen: dict[str, list[Seen]], saturation: set[str]) -> list[str]:
    notes = []
    for subject, runs in seen.items():
        load = max(run.usage["load_core"] for run in runs)
        disturbed = max(run.usage["disturbed"] for run in runs)
        if load > 0.95 and subject in saturation:
            notes.append(
                f"WARNING: the load took {load:.0%} of its core with {subject}: it limits the result."
            )
        if disturbed > QUIET and subject == "gateway":
            notes.append(f"WARNING: others took up to {disturbed:.0%} of the subject's core ({subject}).")
        notes += [f"{subject}: {run.failure}" for run in runs if run.failure]
    return notes


def _raw(seen: dict[str, list[Seen]]) -> dict[str, list[dict[str, object]]]:
    return {subject: [asdict(run) for run in runs] for subject, runs in seen.items()}
