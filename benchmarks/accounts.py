"""S4: whether an answer takes longer with more accounts: one small request at a time, some to each server in turn."""

from __future__ import annotations

import http.client
import statistics
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from benchmarks import targets
from benchmarks.nginx import nginx
from benchmarks.proc import cpu_s
from benchmarks.processes import Broken, Server, gateway
from benchmarks.requests import Request, through_nginx, whole_through_gateway
from benchmarks.results import Result, Row
from tests.simulator.client import Simulator, directive

FEW, MANY = 10, 10_000
_QUICK_MANY = 200
_REQUESTS = {False: 400, True: 20}
_WARM = 20
#: Requests to one server in a row: enough that it has the processor's caches to itself, as it has in use.
_TURN = 20


@dataclass
class Taken:
    """p50: until the last byte, ms. cpu_us: of the worker, by request."""

    p50: float
    cpu_us: float


class _Asked:
    """A server that is asked again and again on one connection."""

    def __init__(self, server: Server, request: Request) -> None:
        raw = request(directive("plain", tokens=1), 0, server)
        head, _, self._content = raw.partition("\r\n\r\n")
        first, *rest = head.split("\r\n")
        self._method, self._path, _ = first.split(" ")
        self._headers = dict(line.split(": ", 1) for line in rest)
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self._server = server
        self._took: list[int] = []
        self.begin()

    def begin(self) -> None:
        self._took.clear()
        self._cpu_s = cpu_s(self._server.pids)

    def ask(self) -> None:
        began = time.perf_counter_ns()
        self._connection.request(self._method, self._path, self._content, self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        self._took.append(time.perf_counter_ns() - began)
        if answer.status != 200:
            raise Broken(f"status {answer.status}: {body[:300]!r}")

    def taken(self) -> Taken:
        cpu = (cpu_s(self._server.pids) - self._cpu_s) / len(self._took)
        return Taken(statistics.median(self._took) / 1e6, cpu * 1e6)

    def close(self) -> None:
        self._connection.close()


def s4(simulator: Simulator, rounds: int, quick: bool) -> Result:
    """Two gateways and nginx, which relays the same bytes."""
    many = _QUICK_MANY if quick else MANY
    with ExitStack() as stack:
        asked = {
            name: _Asked(stack.enter_context(start), request)
            for name, start, request in (
                ("few", gateway(simulator.url, FEW, refreshed=False), whole_through_gateway),
                ("many", gateway(simulator.url, many, refreshed=False), whole_through_gateway),
                ("nginx", nginx(simulator.url), through_nginx),
            )
        }
        for one in asked.values():
            stack.callback(one.close)
        _turns(asked, _WARM)
        runs = [_turns(asked, _REQUESTS[quick]) for _ in range(rounds)]
    growth = [run["many"].p50 / run["few"].p50 for run in runs]
    rows = [
        Row(f"p50, {FEW} accounts", "ms", _by_subject(runs, "few", "p50"), targets.S4_P50),
        Row(f"p50, {many} accounts", "ms", _by_subject(runs, "many", "p50"), targets.S4_P50),
        Row(f"p50, {many} against {FEW} accounts", "×", {"gateway": growth}, targets.S4_GROWTH),
        Row(f"CPU per request, {FEW} accounts", "µs", _by_subject(runs, "few", "cpu_us")),
        Row(f"CPU per request, {many} accounts", "µs", _by_subject(runs, "many", "cpu_us")),
    ]
    raw: dict[str, list[dict[str, object]]] = {name: [asdict(run[name]) for run in runs] for name in asked}
    return Result("S4", f"one answer of 1 token at a time, {_REQUESTS[quick]} for each server", rows, [], raw)


def _turns(asked: dict[str, _Asked], requests: int) -> dict[str, Taken]:
    for one in asked.values():
        one.begin()
    for _ in range(requests // _TURN):
        for one in asked.values():
            for _ in range(_TURN):
                one.ask()
    return {name: one.taken() for name, one in asked.items()}


def _by_subject(runs: list[dict[str, Taken]], ours: str, figure: str) -> dict[str, list[float]]:
    return {
        subject: [getattr(run[name], figure) for run in runs]
        for subject, name in (("gateway", ours), ("nginx", "nginx"))
    }
