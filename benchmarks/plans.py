"""The plans: what is asked of whom, and how often, in the scenarios that the load generator makes."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from benchmarks.nginx import canned_nginx, nginx
from benchmarks.processes import Server, gateway
from benchmarks.requests import (
    Request,
    models_of_gateway,
    models_through_nginx,
    through_gateway,
    through_nginx,
    whole_through_gateway,
)
from tests.simulator.client import directive

#: Memory is looked at again so long after the last stream.
SETTLE_S = 3.0

#: From the simulator's URL, the number of accounts, and the servers that run already, by subject.
Start = Callable[[str, int, Mapping[str, Server]], AbstractContextManager[Server]]


@dataclass(frozen=True)
class Subject:
    """How to start it and what to ask it; `end`: what every answer's last bytes contain."""

    start: Start
    request: Request
    end: str


@dataclass(frozen=True)
class Size:
    """`waves` answers of `tokens` one after the other on each of `connections`."""

    connections: int
    waves: int
    tokens: int = 0


@dataclass(frozen=True)
class Plan:
    """`delay_s`: of the simulator before each token. Starts are spread over `ramp_s`. `stamps`: delays of tokens are
    looked at, which costs the load generator something. `settle_s`: until memory is looked at again.
    """

    size: Size
    quick: Size
    subjects: dict[str, Subject]
    delay_s: float = 0.0
    ramp_s: float = 0.0
    stamps: bool = False
    settle_s: float = 0.0

    def prompt(self, size: Size) -> str:
        return directive("plain", tokens=size.tokens, delay=self.delay_s, stamp=True)

    def sized(self, quick: bool) -> Size:
        return self.quick if quick else self.size


def _streams(workers: int = 1, connections: int = 1000) -> dict[str, Subject]:
    def ours(upstream_url: str, accounts: int, _: Mapping[str, Server]) -> AbstractContextManager[Server]:
        return gateway(upstream_url, accounts, workers, variables={"WORKER_CONNECTIONS": str(connections)})

    def yardstick(upstream_url: str, _: int, __: Mapping[str, Server]) -> AbstractContextManager[Server]:
        return nginx(upstream_url, workers)

    return {
        "gateway": Subject(ours, through_gateway, "data: [DONE]"),
        "nginx": Subject(yardstick, through_nginx, '"title"'),
    }


def _whole_answers() -> dict[str, Subject]:
    streams = _streams()
    whole = Subject(streams["gateway"].start, whole_through_gateway, "}")
    return {"gateway": whole, "nginx": streams["nginx"]}


def _model_lists() -> dict[str, Subject]:
    """nginx relays the very list that the gateway makes, from another nginx that has it as a file."""

    def yardstick(_: str, __: int, running: Mapping[str, Server]) -> AbstractContextManager[Server]:
        return canned_nginx(_model_list(running["gateway"]))

    ours = Subject(_streams()["gateway"].start, models_of_gateway, "}]}")
    return {"gateway": ours, "nginx": Subject(yardstick, models_through_nginx, "}]}")}


def _model_list(server: Server) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {server.key}"})
    body = connection.getresponse().read()
    connection.close()
    return body


S1 = Plan(Size(32, 10, 200), Size(32, 1, 100), _streams())
S2A = Plan(
    Size(200, 2, 100), Size(40, 1, 20), _streams(), delay_s=0.05, ramp_s=1.0, stamps=True, settle_s=SETTLE_S
)  # fmt: skip
S2B = Plan(
    Size(1000, 2, 100), Size(60, 1, 20), _streams(connections=4000),
    delay_s=0.05, ramp_s=1.0, stamps=True, settle_s=SETTLE_S,
)  # fmt: skip
S2C = Plan(Size(1000, 2, 60), Size(60, 1, 10), _streams(workers=2), delay_s=0.15, ramp_s=1.0, stamps=True)
S3 = Plan(Size(16, 150, 20), Size(16, 5, 20), _whole_answers())
S5 = Plan(Size(8, 800), Size(8, 25), _model_lists())

PLANS = {"S1": S1, "S2a": S2A, "S2b": S2B, "S2c": S2C, "S3": S3, "S5": S5}
