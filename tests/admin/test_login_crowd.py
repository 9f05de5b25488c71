"""A crowd of strangers tries passwords, each with an address and a name of its own: no limit for a name holds it up."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.admin.browser import Browser
from tests.gateway import Gateway
from tests.simulator.client import Simulator

KNOWN = "198.51.100.1"
PASSWORD = "open sesame"
STRANGERS = 100


@pytest.fixture(scope="module")
def door(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Two workers behind a proxy, with a stored password, which takes a tenth of a second to check."""
    data_dir = tmp_path_factory.mktemp("crowd") / "data"
    with Gateway(data_dir, shared_simulator.url, TRUSTED_PROXIES="1") as running:
        running.set_settings(admin_password=PASSWORD)
        yield running


def attempt(door: Gateway, address: str, password: str, username: str) -> requests.Response:
    return Browser(door.url).log_in(password, username, **{"X-Forwarded-For": address})


def test_it_is_refused_at_once_and_does_not_keep_out_who_is_known(door: Gateway) -> None:
    assert attempt(door, KNOWN, PASSWORD, "admin").status_code == 200
    with ThreadPoolExecutor(STRANGERS + 1) as clients:
        crowd = [
            clients.submit(attempt, door, f"2001:db8:0:{n:x}::1", "wrong", f"name-{n}")
            for n in range(STRANGERS)
        ]
        known = [attempt(door, KNOWN, PASSWORD, "admin") for _ in range(3)]
        answers = [one.result() for one in crowd]
    assert [answer.status_code for answer in known] == [200] * 3
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {401, 429}
    assert refused[0].json()["error"] == "Too many are logging in at this moment. Try again in 2 s."
    assert refused[0].headers["Retry-After"] == "2"
    # and what is remembered of them does not push out what the operator did
    listed = Browser(door.url)
    assert listed.log_in(PASSWORD, **{"X-Forwarded-For": KNOWN}).status_code == 200
    entries = listed.get("/api/audit?page_size=1000", **{"X-Forwarded-For": KNOWN}).json()["data"]
    assert 0 < [one["action"] for one in entries].count("login_failed") <= 60


def test_a_refused_one_counts_nowhere(door: Gateway) -> None:
    """Or a crowd would fill the storage."""
    door.sql("DELETE FROM login_failures")
    with ThreadPoolExecutor(STRANGERS) as clients:
        answers = list(
            clients.map(
                lambda n: attempt(door, f"2001:db8:1:{n:x}::1", "wrong", f"name-{n}"), range(STRANGERS)
            )
        )
    tried = [answer.status_code for answer in answers].count(401)
    [(stored,)] = door.sql("SELECT COUNT(*) FROM login_failures WHERE name LIKE 'address:%'")
    assert stored == tried < STRANGERS
