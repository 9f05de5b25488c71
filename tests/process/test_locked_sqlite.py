"""SQLite's write lock held by another process for 2 s: tokens of streams in progress flow on meanwhile."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import requests

from tests.gateway import Gateway
from tests.simulator.client import Simulator, directive

DELAY_S = 0.05
FREE_S = LOCKED_S = 2.0
#: What the lock may add to the time between two tokens: five times what is promised, as a machine may be busy. A loop
#: that waited for the lock would add two seconds.
LATE_S = 5 * 0.1
#: How late the end of an answer may be whose outcome cannot be stored yet.
END_S = 3.0
#: Streams that go on throughout, that end while the lock is held, and that begin then.
STREAMS, ENDING, NEW = 8, 4, 8


@dataclass
class Client:
    """A client of a stream, in a thread. Times are of time.monotonic()."""

    url: str
    tokens: int
    arrived: list[float] = field(default_factory=list)
    began_at: float = 0.0
    done_at: float = 0.0

    def run(self) -> None:
        prompt = directive("plain", tokens=self.tokens, delay=DELAY_S)
        body = {"model": "grok-4.1", "messages": [{"role": "user", "content": prompt}], "stream": True}
        headers = {"Connection": "close"}
        self.began_at = time.monotonic()
        with requests.post(self.url, json=body, headers=headers, stream=True, timeout=60) as answer:
            assert answer.status_code == 200, answer.text
            for line in answer.iter_lines(chunk_size=1):
                if b'"content":"' in line and b'"content":""' not in line:
                    self.arrived.append(time.monotonic())
                elif line == b"data: [DONE]":
                    self.done_at = time.monotonic()
        assert self.done_at and len(self.arrived) == self.tokens

    def longest_gap(self, since: float, until: float) -> float:
        """The longest time between two tokens that lies, at least in part, in this span."""
        pairs = zip(self.arrived, self.arrived[1:], strict=False)
        return max(b - a for a, b in pairs if b > since and a < until)


@contextmanager
def locked(gateway: Gateway) -> Iterator[None]:
    with closing(sqlite3.connect(gateway.data_dir / "grok2api.db", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


def test_no_token_is_late_and_no_request_lost(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts([f"sim-basic-ok-{number}" for number in range(10)])
    url = f"{gateway.url}/v1/chat/completions"
    going_on = [Client(url, int((FREE_S + LOCKED_S + 2.0) / DELAY_S)) for _ in range(STREAMS)]
    ending = [Client(url, int((FREE_S + LOCKED_S / 2) / DELAY_S)) for _ in range(ENDING)]
    ending_before = [Client(url, int(FREE_S / 2 / DELAY_S)) for _ in range(ENDING)]
    new = [Client(url, 5) for _ in range(NEW)]
    new_before = [Client(url, 5) for _ in range(NEW)]
    with ThreadPoolExecutor(40) as threads:
        asked = [threads.submit(client.run) for client in (*going_on, *ending, *ending_before)]
        simulator.wait_until(lambda: simulator.streams()["open"] == len(asked), 10)
        free_from = time.monotonic()
        asked += [threads.submit(client.run) for client in new_before]
        time.sleep(FREE_S)
        with locked(gateway):
            lock_from = time.monotonic()
            asked += [threads.submit(client.run) for client in new]
            time.sleep(LOCKED_S)
        lock_until = time.monotonic()
        for future in asked:
            future.result()
    without = max(client.longest_gap(free_from, lock_from) for client in going_on)
    with_ = max(client.longest_gap(lock_from, lock_until + 0.5) for client in going_on)
    ends = [client.done_at - client.arrived[-1] for client in ending]
    firsts = [client.arrived[0] - lock_from for client in new]
    print(
        f"longest gap without the lock {without * 1000:.0f} ms, with it {with_ * 1000:.0f} ms; "
        f"ends late by {max(ends):.2f} s at most, first tokens of new requests after {min(firsts):.2f} s"
    )
    assert all(lock_from < client.arrived[-1] < lock_until for client in ending)
    assert with_ < max(without, DELAY_S) + LATE_S
    assert max(ends) < END_S
    assert all(client.arrived[0] > lock_from + LOCKED_S for client in new), "nobody waited for the lock"
    simulator.wait_until(lambda: gateway.sql("SELECT count(*) FROM leases") == [(0,)], 10)
    total = STREAMS + 2 * ENDING + 2 * NEW
    assert gateway.sql("SELECT sum(request_count) FROM accounts") == [(total,)]
