"""How failed logins are held up: by address, by name, on all workers alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.admin.browser import Browser
from tests.gateway import Gateway
from tests.simulator.client import Simulator

#: Failures that cost nothing.
FREE = 10
PASSWORD = "open sesame"
ADDRESS, OTHER, THIRD = "203.0.113.1", "198.51.100.1", "192.0.2.1"


@pytest.fixture(scope="module")
def shared_door(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Three workers behind a proxy, with a password of the operator's own."""
    data_dir = tmp_path_factory.mktemp("door") / "data"
    environ = {"TRUSTED_PROXIES": "1", "ADMIN_PASSWORD": PASSWORD}
    with Gateway(data_dir, shared_simulator.url, workers=3, **environ) as running:
        yield running


@pytest.fixture
def door(shared_door: Gateway) -> Gateway:
    """Nothing has failed yet, and nobody is known."""
    shared_door.sql("DELETE FROM login_failures")
    shared_door.sql("DELETE FROM good_addresses")
    return shared_door


def attempt(
    door: Gateway, address: str = ADDRESS, password: str = "wrong", username: str = "admin"
) -> requests.Response:
    return Browser(door.url).log_in(password, username, **{"X-Forwarded-For": address})


def fail(door: Gateway, times: int, address: str = ADDRESS, username: str = "admin") -> None:
    for _ in range(times):
        assert attempt(door, address, username=username).status_code == 401


def held(door: Gateway, address: str = ADDRESS, password: str = "wrong", username: str = "admin") -> int:
    """Seconds to wait, of an attempt that must be held up."""
    answer = attempt(door, address, password, username)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts"), answer.text
    assert answer.json()["success"] is False and "Set-Cookie" not in answer.headers
    seconds = int(answer.headers["Retry-After"])
    assert 1 <= seconds <= 60
    assert f"{seconds} s" in answer.json()["error"]
    return seconds


def test_after_ten_failures_even_the_right_password_waits_longer_and_longer(door: Gateway) -> None:
    fail(door, FREE)
    first = held(door)
    assert held(door, password=PASSWORD) <= first  # what is held up is not counted
    time.sleep(first)
    fail(door, 1)
    second = held(door)
    assert second > first
    time.sleep(second)
    assert attempt(door, password=PASSWORD).status_code == 200
    fail(door, FREE - 1)  # what failed before is forgotten


def test_of_many_at_once_no_more_are_tried_than_one_after_the_other(door: Gateway) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(40) as clients:
        answers = list(clients.map(lambda _: attempt(door), range(40)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {401, 429}
    later = int((time.monotonic() - began) // 2)  # two seconds is the first wait
    assert FREE <= statuses.count(401) <= FREE + later
    assert all(
        1 <= int(answer.headers["Retry-After"]) <= 60 for answer in answers if answer.status_code == 429
    )


def test_many_addresses_that_try_one_name_are_held_up_together_but_not_who_is_known(door: Gateway) -> None:
    assert attempt(door, OTHER, PASSWORD).status_code == 200
    for n in range(FREE):
        fail(door, 1, f"203.0.113.{n}")
    held(door, THIRD)  # has never been seen
    held(door, THIRD, PASSWORD)
    assert attempt(door, OTHER, PASSWORD).status_code == 200
    fail(door, 1, OTHER)
    assert attempt(door, THIRD, username="somebody else").status_code == 401


def test_a_known_address_is_held_up_for_what_it_fails_itself(door: Gateway) -> None:
    assert attempt(door, OTHER, PASSWORD).status_code == 200
    fail(door, FREE, OTHER)
    held(door, OTHER, PASSWORD)
    assert attempt(door, THIRD, PASSWORD).status_code == 200  # and does not hold up the name


def test_an_address_is_held_up_whatever_names_it_tries(door: Gateway) -> None:
    for n in range(FREE):
        fail(door, 1, username=f"user-{n}")
    held(door, password=PASSWORD)
    assert attempt(door, OTHER, PASSWORD).status_code == 200


def test_addresses_of_one_ipv6_network_are_one(door: Gateway) -> None:
    for n in range(FREE):
        fail(door, 1, f"2001:db8:1:2:{n:x}::{n:x}", f"user-{n}")
    held(door, "2001:db8:1:2:ffff::1", PASSWORD)
    assert attempt(door, "2001:db8:1:3::1", PASSWORD).status_code == 200


def test_an_ipv4_address_in_ipv6_clothes_is_itself(door: Gateway) -> None:
    fail(door, FREE, "::ffff:203.0.113.7", "somebody")
    held(door, "203.0.113.7", PASSWORD)
    assert attempt(door, "::ffff:203.0.113.8", PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("first", "again"), [("203.0.113.7:1", "203.0.113.7:2"), ("[2001:db8::1]:1", "2001:db8::2")]
)
def test_a_port_that_a_proxy_adds_makes_no_new_address(door: Gateway, first: str, again: str) -> None:
    fail(door, FREE, first, "somebody")
    held(door, again, PASSWORD)


def test_an_address_that_only_the_client_names_is_none(door: Gateway) -> None:
    """One hop is trusted: what stands before its address is the client's word."""
    for n in range(FREE):
        fail(door, 1, f"10.0.0.{n}, {ADDRESS}", f"user-{n}")
    held(door, f"10.0.0.99, {ADDRESS}", PASSWORD)


def test_an_unknown_name_and_a_wrong_password_are_told_the_same_until_the_end(door: Gateway) -> None:
    told = {}
    for name, address in (("admin", ADDRESS), ("nobody", OTHER)):
        answers = [attempt(door, address, username=name) for _ in range(FREE + 1)]
        told[name] = [(one.status_code, one.json()["code"]) for one in answers]
        assert answers[0].json()["error"] == "The name or the password is wrong."
    assert told["admin"] == told["nobody"]
    assert told["admin"] == [(401, "wrong_credentials")] * FREE + [(429, "too_many_attempts")]
