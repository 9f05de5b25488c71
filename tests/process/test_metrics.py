"""/metrics and /ready of a gateway of two workers: one answer for both, also when workers are killed and while the
storage is away."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.gateway import Gateway
from tests.process.servers import environ_of
from tests.redis_server import RedisServer
from tests.simulator.client import Simulator, directive

CHAT = {"route": "/v1/chat/completions", "model": "grok-4.1"}
#: /ready and the part of /metrics that is the storage's wait for it for 3 s.
WAIT_S = 4.5

Scrape = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def own(simulator: Simulator, tmp_path: Path) -> Iterator[Gateway]:
    """Not shared, so that all that it counted is known."""
    with Gateway(tmp_path / "data", simulator.url, PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as gateway:
        gateway.set_accounts([f"sim-basic-ok-{n}" for n in range(4)])
        yield gateway


def get(gateway: Gateway, path: str) -> requests.Response:
    """On a connection of its own, so that any worker may get it."""
    return requests.get(gateway.url + path, headers={"Connection": "close"}, timeout=30)


def scrape(gateway: Gateway) -> Scrape:
    answer = get(gateway, "/metrics")
    assert answer.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: Scrape, name: str, **labels: str) -> float | None:
    return found.get((f"grok2api_{name}", frozenset(labels.items())))


def ask(gateway: Gateway, prompt: str = "Hello", **more: Any) -> requests.Response:
    body = {"model": "grok-4.1", "messages": [{"role": "user", "content": prompt}], **more}
    return requests.post(
        f"{gateway.url}/v1/chat/completions", json=body, stream=bool(more.get("stream")),
        headers={"Connection": "close"}, timeout=60,
    )  # fmt: skip


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_all_workers_are_one_and_killed_ones_leave_their_counts(own: Gateway, simulator: Simulator) -> None:
    with ThreadPoolExecutor(6) as clients:
        prompt = directive("plain", tokens=2, hold="both")
        asked = [clients.submit(ask, own, prompt) for _ in range(6)]
        simulator.wait_waiting("both", 6)
        [folder] = own.data_dir.parent.glob("grok2api-metrics-*")
        assert {value(scrape(own), "leases_open") for _ in range(8)} == {6}
        simulator.step("both", -1)
        assert [future.result().status_code for future in asked] == [200] * 6
    for number in range(10):
        assert ask(own, model=f"made-up-{number}").status_code == 404
        assert get(own, f"/v1/nothing/{number}").status_code == 404
    stream = ask(own, directive("plain", tokens=3, step="open"), stream=True)
    assert stream.status_code == 200

    found = scrape(own)
    assert value(found, "requests_total", outcome="ok", **CHAT) == 6
    assert value(found, "requests_total", outcome="refused", **CHAT | {"model": "other"}) == 10
    assert value(found, "requests_total", outcome="refused", route="other", model="") == 10
    assert value(found, "answer_seconds_count", model="grok-4.1") == 6
    first, total = (
        value(found, f"{name}_seconds_sum", model="grok-4.1") for name in ("first_token", "answer")
    )
    assert first is not None and total is not None and 0 < first <= total < 6 * 30
    assert value(found, "lease_seconds_count") == 7
    assert sum(n for (name, _), n in found.items() if name == "grok2api_accounts") == 4
    assert {value(scrape(own), "streams_open") for _ in range(8)} == {1}
    assert {value(scrape(own), "workers") for _ in range(4)} == {2}
    text = get(own, "/metrics").text
    assert "made-up" not in text and "nothing" not in text and "sim-basic" not in text

    before = scrape(own)
    killed = own.worker_pids()
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    stream.close()
    wait_for(lambda: len(set(own.worker_pids()) - set(killed)) == 2)
    wait_for(lambda: get(own, "/health").ok and value(scrape(own), "workers") == 2)
    after = scrape(own)
    assert value(before, "streams_open") == 1 and value(after, "streams_open") == 0
    assert value(before, "leases_open") == 1 and value(after, "leases_open") == 0
    for name, labels in before:
        if name.endswith(("_total", "_count", "_sum", "_bucket")):
            assert after[name, labels] >= before[name, labels], name
    assert value(after, "requests_total", outcome="ok", **CHAT) == value(
        before, "requests_total", outcome="ok", **CHAT
    )
    assert {int(file.stem.rpartition("_")[2]) for file in folder.glob("*_[0-9]*.db")} == set(
        own.worker_pids()
    )
    assert own.stop() == 0 and not folder.exists()


def test_ready_tells_the_accounts_and_asks_the_storage_seldom(own: Gateway) -> None:
    answer = get(own, "/ready").json()
    counts = answer["accounts"]["basic"]
    known = counts.pop("active")  # those whose quota was read in the background meanwhile
    statuses = {"unused": 4 - known, "cooling": 0, "exhausted": 0, "expired": 0}
    assert counts == statuses | {"disabled": 0, "fit": 4}
    assert set(answer["accounts"]) == {"basic", "super"}
    own.sql("DELETE FROM accounts")
    shown = [get(own, "/ready").json()["accounts"]["basic"]["fit"] for _ in range(20)]
    assert 4 in shown and set(shown) <= {0, 4}, "each worker has its own answer for a while"


def test_a_storage_that_is_away_or_hangs(simulator: Simulator, tmp_path: Path) -> None:
    with (
        RedisServer("appendonly yes") as server,
        Gateway(tmp_path / "data", simulator.url, workers=2, **environ_of(server)) as gateway,
    ):
        gateway.admin("/api/tokens/add", {"tokens": ["sim-basic-ok-a"], "token_type": "sso"})
        assert ask(gateway).status_code == 200
        server.stop()
        away(gateway)
        server.start()
        server.freeze()
        away(gateway)
        server.thaw()
        wait_for(lambda: get(gateway, "/ready").status_code == 200)
        found = scrape(gateway)
        assert value(found, "storage_up") == 1
        assert value(found, "accounts", tier="basic", status="active") == 1


def away(gateway: Gateway) -> None:
    """Both answer, soon: /ready with 503, /metrics with all but the storage's own."""
    with ThreadPoolExecutor(8) as clients:
        asked = [clients.submit(get, gateway, path) for path in ("/ready", "/metrics") * 4]
        answers = [future.result() for future in asked]
    assert [answer.status_code for answer in answers] == [503, 200] * 4
    assert max(answer.elapsed.total_seconds() for answer in answers) < WAIT_S
    assert all(answer.json()["accounts"] is None for answer in answers[::2])
    for answer in answers[1::2]:
        assert "\ngrok2api_storage_up 0.0\n" in answer.text and "grok2api_accounts{" not in answer.text
        assert 'model="grok-4.1",outcome="ok",route="/v1/chat/completions"} 1.0' in answer.text
