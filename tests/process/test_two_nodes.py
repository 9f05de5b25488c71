"""Two gateways over one storage: what is changed on one holds on the other within a second."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.gateway import SETTINGS_FRESH_S, Gateway
from tests.process.servers import storage_environ
from tests.simulator.client import Simulator


@pytest.fixture(params=["file", "redis"])
def nodes(
    request: pytest.FixtureRequest, tmp_path: Path, simulator: Simulator
) -> Iterator[tuple[Gateway, Gateway]]:
    with ExitStack() as stack:
        environ = stack.enter_context(storage_environ(request.param))
        folders = ["data", "data"] if request.param == "file" else ["data", "other"]
        first, second = (
            stack.enter_context(Gateway(tmp_path / folder, simulator.url, workers=2, **environ))
            for folder in folders
        )
        yield first, second


def statuses(gateway: Gateway, path: str, **headers: str) -> set[int]:
    """Of many requests on connections of their own, so that each worker gets some."""
    asked = {"Connection": "close", **headers}
    return {requests.get(gateway.url + path, headers=asked, timeout=60).status_code for _ in range(12)}


def test_settings_sessions_and_the_password_are_those_of_all_nodes(nodes: tuple[Gateway, Gateway]) -> None:
    first, second = nodes
    for changed, key in ((first, "sk-first"), (second, "sk-second")):
        changed.admin("/api/settings", {"grok_config": {"api_key": key}})
        time.sleep(SETTINGS_FRESH_S)
        for node in nodes:
            assert statuses(node, "/v1/models") == {401}
            assert statuses(node, "/v1/models", Authorization=f"Bearer {key}") == {200}
            shown = node.get_admin("/api/settings")["data"]["grok"]["api_key"]
            assert shown == key
    bearer = {"Authorization": f"Bearer {first.token}"}
    assert statuses(second, "/api/settings", **bearer) == {200}
    assert first.post("/api/password", {"old": "admin", "new": "another"}, **bearer).status_code == 200
    for node in nodes:  # at once
        for token in (first.token, second.token):
            assert statuses(node, "/api/settings", Authorization=f"Bearer {token}") == {401}
        for password, status in (("another", 200), ("admin", 401)):
            login = {"username": "admin", "password": password}
            assert node.post("/api/login", login).status_code == status
    assert first.log().count("Traceback") == second.log().count("Traceback") == 0


def test_failed_logins_are_counted_over_all_nodes(nodes: tuple[Gateway, Gateway]) -> None:
    wrong = {"username": "admin", "password": "wrong"}
    told = [nodes[n % 2].post("/api/login", wrong).status_code for n in range(10)]
    assert told == [401] * 10
    assert [node.post("/api/login", wrong).status_code for node in nodes] == [429, 429]
