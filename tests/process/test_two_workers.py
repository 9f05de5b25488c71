"""Two workers share the pool through the storage: what one learns holds for the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import requests

from tests.gateway import Gateway
from tests.simulator.client import Simulator, directive


def _ask(gateway: Gateway, prompt: str) -> int:
    """On a connection of its own, so that any worker may get it."""
    body = {"model": "grok-4.1", "messages": [{"role": "user", "content": prompt}]}
    headers = {"Connection": "close"}
    return requests.post(
        f"{gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=60
    ).status_code


def test_a_cooldown_holds_on_both_workers(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts(["sim-basic-429-a"])
    statuses = {_ask(gateway, "Hello") for _ in range(20)}
    assert statuses == {429}
    assert len(simulator.chats()) == 1


def test_requests_are_spread_over_accounts_by_both_workers(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts([f"sim-basic-ok-{n}" for n in range(10)])
    with ThreadPoolExecutor(10) as clients:
        prompt = directive("plain", tokens=5, hold="spread")
        asked = [clients.submit(_ask, gateway, prompt) for _ in range(10)]
        simulator.wait_waiting("spread", 10)
        simulator.step("spread", -1)
        assert {future.result() for future in asked} == {200}
    used = [chat["cookies"]["sso"] for chat in simulator.chats()]
    assert len(set(used)) == 10


def test_an_account_serves_no_more_at_once_than_it_may(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts(["sim-basic-ok-a"])
    gateway.set_settings(account_concurrency=3)
    with ThreadPoolExecutor(8) as clients:
        prompt = directive("plain", tokens=1, hold="limit")
        asked = [clients.submit(_ask, gateway, prompt) for _ in range(8)]
        simulator.wait_until(lambda: sum(future.done() for future in asked) == 5)
        assert simulator.streams()["open"] == 3
        simulator.step("limit", -1)
        assert sorted(future.result() for future in asked) == [200] * 3 + [429] * 5
