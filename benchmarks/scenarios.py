"""The scenarios: the rows that come of what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from benchmarks import plans, targets
from benchmarks.accounts import s4
from benchmarks.leave import Left, leave
from benchmarks.load import Seen
from benchmarks.plans import Plan
from benchmarks.processes import FEW_ACCOUNTS
from benchmarks.results import Result, Row
from benchmarks.rounds import QUIET, measure
from benchmarks.targets import Target
from tests.simulator.client import Simulator, directive

S6_CLIENTS = {False: 40, True: 8}
_SATURATED = 0.95

#: Scenario, rounds, and whether small sizes will do.
Scenario = Callable[[Simulator, int, bool], Result]


def s1(simulator: Simulator, rounds: int, quick: bool) -> Result:
    """Tokens as fast as they can be relayed."""
    seen = measure(simulator, plans.S1, rounds, quick).kept
    rows = [
        _row("CPU per token", "µs", seen, _cpu_per_token, targets.S1_CPU),
        _row("tokens per second", "1/s", seen, lambda run: run.tokens / run.seconds, targets.S1_RATE),
        _ended("streams", seen),
        _load(seen),
    ]
    return _result("S1", f"streams, {_words(plans.S1, quick)}, no delay", rows, seen)


def s2a(simulator: Simulator, rounds: int, quick: bool) -> Result:
    """Many streams at the pace of a real one."""
    plan = plans.S2A
    measured = measure(simulator, plan, rounds, quick)
    seen = measured.kept
    rows = [
        _row("CPU per token", "µs", seen, _cpu_per_token, targets.S2A_CPU),
        *_delays(seen, targets.S2A_P50, targets.S2A_P99, targets.S2A_FIRST),
        _row("request to first token, p99", "ms", seen, lambda run: run.request_p99),
        _ended("streams", seen),
        *_memory(measured.made, plan.sized(quick).connections),
        _subject(seen),
        _load(seen),
    ]
    return _result("S2a", f"streams, {_words(plan, quick)}, 50 ms per token", rows, seen)


def s2b(simulator: Simulator, rounds: int, quick: bool) -> Result:
    """More streams than one worker can serve in time: none may break, and each must begin soon."""
    plan = plans.S2B
    measured = measure(simulator, plan, rounds, quick)
    seen = measured.kept
    rows = [
        _row("CPU per token", "µs", seen, _cpu_per_token),
        *_delays(seen),
        _row("request to first token, p99", "ms", seen, lambda run: run.request_p99, targets.S2B_FIRST),
        _ended("streams", seen),
        *_memory(measured.made, plan.sized(quick).connections),
        _subject(seen),
        _load(seen),
    ]
    return _result("S2b", f"streams, {_words(plan, quick)}, 50 ms per token", rows, seen)


def s2c(simulator: Simulator, rounds: int, quick: bool) -> Result:
    """As many, slower ones, for two workers, which share both cores with the load."""
    plan = plans.S2C
    seen = measure(simulator, plan, rounds, quick).kept
    rows = [
        _row("CPU per token", "µs", seen, _cpu_per_token),
        *_delays(seen, targets.S2C_P50, targets.S2C_P99),
        _row("request to first token, p99", "ms", seen, lambda run: run.request_p99),
        _ended("streams", seen),
        _subject(seen),
        _load(seen),
    ]
    return _result("S2c", f"streams, {_words(plan, quick)}, 150 ms per token, two workers", rows, seen)


def s3(simulator: Simulator, rounds: int, quick: bool) -> Result:
    """Answers in one piece."""
    seen = measure(simulator, plans.S3, rounds, quick).kept
    what = f"whole answers, {_words(plans.S3, quick)}"
    return _result("S3", what, _requests(seen, targets.S3_CPU), seen)


def s5(simulator: Simulator, rounds: int, quick: bool) -> Result:
    """The list of models, which needs nothing of upstream."""
    size = plans.S5.sized(quick)
    seen = measure(simulator, plans.S5, rounds, quick).kept
    what = f"`/v1/models`, {size.connections} connections, {size.waves} requests on each"
    return _result("S5", what, _requests(seen, targets.S5_CPU), seen)


def s6(simulator: Simulator, rounds: int, quick: bool) -> Result:
    """Clients that leave in the middle, half of them while tokens flow, half while upstream is silent."""
    clients = S6_CLIENTS[quick]
    prompts = [
        directive("plain", tokens=2000, delay=0.05, stamp=True),
        directive("stall_mid", tokens=20, after=3),
    ]
    seen: dict[str, list[Left]] = {}
    for name, subject in plans.S1.subjects.items():
        with subject.start(simulator.url, FEW_ACCOUNTS, {}) as server:
            leave(server.port, [subject.request(prompts[0], 0, server)], 1, simulator)
            requests = [subject.request(prompts[number % 2], number, server) for number in range(clients)]
            seen[name] = [leave(server.port, requests, clients, simulator) for _ in range(rounds)]
    closed = {name: [float(run.closed_in_time) for run in runs] for name, runs in seen.items()}
    last = {name: [run.last_ms for run in runs] for name, runs in seen.items()}
    rows = [
        Row("upstream streams closed within 0.5 s", "", closed, targets.ALL, whole=clients),
        Row("the last one closed after", "ms", last),
    ]
    raw: dict[str, list[dict[str, object]]] = {
        name: [asdict(run) for run in runs] for name, runs in seen.items()
    }
    return Result("S6", f"{clients} clients leave in mid-stream", rows, [], raw)


SCENARIOS: dict[str, Scenario] = {
    "S1": s1, "S2a": s2a, "S2b": s2b, "S2c": s2c, "S3": s3, "S4": s4, "S5": s5, "S6": s6,
}  # fmt: skip


def _words(plan: Plan, quick: bool) -> str:
    size = plan.sized(quick)
    return f"{size.connections} at once, {size.waves} answers of {size.tokens} tokens on each connection"


def _row(
    name: str,
    unit: str,
    seen: dict[str, list[Seen]],
    figure: Callable[[Seen], float],
    target: Target | None = None,
) -> Row:
    return Row(name, unit, {subject: [figure(run) for run in runs] for subject, runs in seen.items()}, target)


def _cpu_per_token(run: Seen) -> float:
    return run.usage["subject_s"] / run.tokens * 1e6


def _delays(
    seen: dict[str, list[Seen]],
    p50: Target | None = None,
    p99: Target | None = None,
    first: Target | None = None,
) -> list[Row]:
    return [
        _row("added delay per token, p50", "ms", seen, lambda run: run.delay_p50, p50),
        _row("added delay per token, p99", "ms", seen, lambda run: run.delay_p99, p99),
        _row("added delay, first token, p99", "ms", seen, lambda run: run.first_p99, first),
    ]


def _requests(seen: dict[str, list[Seen]], cpu: Target) -> list[Row]:
    """Of answers in one piece."""
    return [
        _row("CPU per request", "µs", seen, lambda run: run.usage["subject_s"] / run.streams * 1e6, cpu),
        _row("requests per second", "1/s", seen, lambda run: run.ended / run.seconds),
        _row("request to its answer, p50", "ms", seen, lambda run: run.answer_p50),
        _row("request to its answer, p99", "ms", seen, lambda run: run.answer_p99),
        _ended("answers", seen),
        _load(seen),
    ]


def _ended(what: str, seen: dict[str, list[Seen]]) -> Row:
    row = _row(f"{what} ended well", "", seen, lambda run: run.ended, targets.ALL)
    row.whole = seen["gateway"][0].streams
    return row


def _memory(made: dict[str, list[Seen]], streams: int) -> list[Row]:
    """Growth in the first round: later ones find the memory that it took."""
    first = {subject: runs[:1] for subject, runs in made.items()}
    kept = {
        subject: [(runs[-1].rss_after - runs[0].rss_before) / 1024 / streams]
        for subject, runs in made.items()
    }

    def grown(run: Seen) -> float:
        return run.rss_peak - run.rss_before

    def given_back(run: Seen) -> float:
        return (run.rss_peak - run.rss_after) / grown(run) * 100 if grown(run) > 0 else 100.0

    return [
        _row("memory per open stream", "KB", first, lambda run: grown(run) / 1024 / streams, targets.MEMORY),
        _row(
            f"of it given back {plans.SETTLE_S:g} s after the last stream",
            "%",
            first,
            given_back,
            targets.GIVEN_BACK,
        ),
        Row("still kept after the last round, per stream", "KB", kept),
    ]


def _subject(seen: dict[str, list[Seen]]) -> Row:
    row = _row("CPU in use", "% of a core", seen, lambda run: run.usage["subject_s"] / run.seconds * 100)
    row.detail = True
    return row


def _load(seen: dict[str, list[Seen]]) -> Row:
    row = _row("load's share of its core", "%", seen, lambda run: run.usage["load_core"] * 100)
    row.detail = True
    return row


def _result(scenario: str, what: str, rows: list[Row], seen: dict[str, list[Seen]]) -> Result:
    raw: dict[str, list[dict[str, object]]] = {
        name: [asdict(run) for run in runs] for name, runs in seen.items()
    }
    return Result(scenario, what, rows, _notes(seen), raw)


def _notes(seen: dict[str, list[Seen]]) -> list[str]:
    notes = []
    for subject, runs in seen.items():
        load = max(run.usage["load_core"] for run in runs)
        disturbed = max(run.usage["disturbed"] for run in runs)
        if load > _SATURATED and subject == "gateway":
            notes.append(
                f"WARNING: the load took {load:.0%} of its core with {subject}: it limits the result."
            )
        if disturbed > QUIET and subject == "gateway":
            notes.append(f"WARNING: others took up to {disturbed:.0%} of the subject's core ({subject}).")
        notes += [f"{subject}: {run.failure}" for run in runs if run.failure]
    return notes
