"""The throttle of logins: the rule for one name, and how address and username go together."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok2api.storage.base import Store
from grok2api.storage.login_rule import Failures, failed, taken_back, wait_s
from grok2api.storage.oversight import GOOD_ADDRESS_S, LOGIN_FREE, LOGIN_WINDOW_S, Logins
from tests.contract import mysql_place, redis_place, workers
from tests.contract.dealings import NOW
from tests.contract.places import FilePlace, Place

HERE, THERE, ADMIN = "192.0.2.1", "2001:db8::/64", "d" * 64


def fail(logins: Logins, times: int, at: float = NOW, address: str = HERE, username: str = ADMIN) -> None:
    """So many attempts that go ahead, and no more."""
    for _ in range(times):
        assert logins.attempt(address, username, at) == 0.0


def from_elsewhere(logins: Logins, times: int, at: float = NOW, username: str = ADMIN) -> None:
    """So many attempts that go ahead, each from an address of its own."""
    for number in range(times):
        assert logins.attempt(f"elsewhere {at} {number}", username, at) == 0.0


def wait_of(logins: Logins, at: float, address: str = HERE, username: str = ADMIN) -> float:
    """How long there is to wait, which there must be."""
    wait = logins.attempt(address, username, at)
    assert wait > 0.0
    return wait


# --- one name ---


def test_ten_failures_are_free_and_then_each_doubles_the_wait(logins: Logins) -> None:
    fail(logins, LOGIN_FREE)
    at = NOW
    for hold in (2, 4, 8, 16, 32, 60, 60, 60):
        assert wait_of(logins, at) == hold
        assert wait_of(logins, at + hold - 0.5) == 0.5
        at += hold
        fail(logins, 1, at)


def test_an_attempt_that_must_wait_counts_nowhere(logins: Logins) -> None:
    fail(logins, LOGIN_FREE)
    for _ in range(20):
        assert wait_of(logins, NOW + 1, username="other") == 1
        assert wait_of(logins, NOW + 1) == 1
    fail(logins, 1, NOW + 2)
    assert wait_of(logins, NOW + 2) == 4
    from_elsewhere(logins, LOGIN_FREE, username="other")


def test_the_window_begins_with_the_first_failure(logins: Logins) -> None:
    fail(logins, 1)
    fail(logins, LOGIN_FREE - 2, NOW + LOGIN_WINDOW_S - 1)
    fail(logins, LOGIN_FREE, NOW + LOGIN_WINDOW_S)
    assert wait_of(logins, NOW + LOGIN_WINDOW_S) == 2


def test_all_is_forgotten_a_window_after_the_last_wait(logins: Logins) -> None:
    fail(logins, LOGIN_FREE)
    at = NOW + 2 + LOGIN_WINDOW_S - 1
    fail(logins, 1, at)
    assert wait_of(logins, at) == 4
    fail(logins, LOGIN_FREE, at + 4 + LOGIN_WINDOW_S)
    assert wait_of(logins, at + 4 + LOGIN_WINDOW_S) == 2


def test_names_are_told_apart_also_by_case_and_kind(logins: Logins) -> None:
    fail(logins, LOGIN_FREE, address="a", username="b")
    fail(logins, 1, address="A", username="c")
    fail(logins, 1, address="b", username="a")
    assert wait_of(logins, NOW, address="c", username="b") == 2
    fail(logins, 1, address="c", username="B")


def test_the_longest_names_are_told_apart_by_their_ends(logins: Logins) -> None:
    fail(logins, LOGIN_FREE, address="x" * 63 + "1", username="y" * 63 + "1")
    fail(logins, 1, address="x" * 63 + "2", username="y" * 63 + "2")


def test_after_a_thousand_failures_the_wait_is_as_long_as_ever(logins: Logins) -> None:
    fail(logins, LOGIN_FREE)
    at = NOW
    for _ in range(1100):
        at += 60
        fail(logins, 1, at)
    assert wait_of(logins, at) == 60


def test_failures_count_whatever_worker_they_come_to(logins: Logins, place: Place) -> None:
    other = place.open().logins
    fail(logins, LOGIN_FREE // 2)
    fail(other, LOGIN_FREE - LOGIN_FREE // 2)
    assert wait_of(logins, NOW) == wait_of(other, NOW) == 2


# --- address and username together ---


def test_an_address_is_good_for_a_while_once_it_has_logged_in(logins: Logins) -> None:
    assert not logins.is_good(HERE, NOW)
    fail(logins, 1)
    assert not logins.is_good(HERE, NOW)
    logins.succeeded(HERE, ADMIN, NOW)
    assert logins.is_good(HERE, NOW) and logins.is_good(HERE, NOW + GOOD_ADDRESS_S - 1)
    assert not logins.is_good(HERE, NOW + GOOD_ADDRESS_S)
    assert not logins.is_good(THERE, NOW)


def test_an_address_is_held_up_whatever_username_it_tries(logins: Logins) -> None:
    for number in range(LOGIN_FREE):
        fail(logins, 1, username=f"name {number}")
    assert wait_of(logins, NOW, username="another") == 2
    fail(logins, 1, address=THERE, username="another")


def test_a_username_is_held_up_wherever_it_is_tried_from(logins: Logins) -> None:
    from_elsewhere(logins, LOGIN_FREE)
    assert wait_of(logins, NOW) == 2
    fail(logins, 1, username="another")


def test_who_must_wait_for_both_waits_the_longer_time(logins: Logins) -> None:
    from_elsewhere(logins, LOGIN_FREE)
    from_elsewhere(logins, 1, NOW + 2)
    fail(logins, LOGIN_FREE, NOW + 2, username="another")
    assert wait_of(logins, NOW + 2) == 4
    assert wait_of(logins, NOW + 2, username="another") == 2
    assert wait_of(logins, NOW + 2, address=THERE) == 4


# --- a login ---


def test_a_login_forgets_the_addresss_failures(logins: Logins) -> None:
    fail(logins, LOGIN_FREE - 1)
    fail(logins, 1)
    logins.succeeded(HERE, ADMIN, NOW)
    fail(logins, LOGIN_FREE)
    assert wait_of(logins, NOW) == 2


def test_a_login_takes_back_only_its_own_attempt(logins: Logins) -> None:
    from_elsewhere(logins, LOGIN_FREE - 1)
    fail(logins, 1)
    logins.succeeded(HERE, ADMIN, NOW)
    from_elsewhere(logins, 1, NOW + 1)
    assert wait_of(logins, NOW + 1, THERE) == 2


def test_logins_from_ever_new_addresses_are_never_held_up(logins: Logins) -> None:
    for number in range(3 * LOGIN_FREE):
        fail(logins, 1, address=f"new {number}")
        logins.succeeded(f"new {number}", ADMIN, NOW)


def test_a_good_address_is_not_held_up_by_what_others_do(logins: Logins) -> None:
    fail(logins, 1)
    logins.succeeded(HERE, ADMIN, NOW)
    from_elsewhere(logins, LOGIN_FREE, NOW + 1)
    assert wait_of(logins, NOW + 1, THERE) == 2
    fail(logins, 1, NOW + 1)
    logins.succeeded(HERE, ADMIN, NOW + 1)
    assert wait_of(logins, NOW + 1, THERE) == 2, "nothing was counted that could be taken back"


def test_a_good_address_has_its_own_limit_and_counts_for_no_username(logins: Logins) -> None:
    fail(logins, 1)
    logins.succeeded(HERE, ADMIN, NOW)
    fail(logins, LOGIN_FREE, NOW + 1)
    assert wait_of(logins, NOW + 1) == 2
    from_elsewhere(logins, LOGIN_FREE, NOW + 1)


def test_an_address_is_good_for_so_long_after_its_last_login(logins: Logins) -> None:
    for at in (NOW, NOW + GOOD_ADDRESS_S / 2):
        fail(logins, 1, at)
        logins.succeeded(HERE, ADMIN, at)
    ends = NOW + 1.5 * GOOD_ADDRESS_S
    from_elsewhere(logins, LOGIN_FREE, ends - 1)
    logins.forget_old(ends - 1)
    fail(logins, 1, ends - 0.5)
    assert wait_of(logins, ends) == 1


def test_a_login_lifts_nothing_that_others_failed(logins: Logins) -> None:
    from_elsewhere(logins, LOGIN_FREE)
    fail(logins, 1, NOW + 2)
    logins.succeeded(HERE, ADMIN, NOW + 3)
    assert wait_of(logins, NOW + 3, THERE) == 1, "it is held as by ten failures, not by eleven"


def test_to_succeed_without_an_attempt_is_harmless(logins: Logins) -> None:
    logins.succeeded(HERE, ADMIN, NOW)
    logins.succeeded(HERE, ADMIN, NOW)
    fail(logins, LOGIN_FREE)


# --- many at once ---


def test_of_fifty_at_once_exactly_ten_go_ahead(logins: Logins) -> None:
    with ThreadPoolExecutor(16) as threads:
        waits = list(threads.map(lambda n: logins.attempt(f"{n}", ADMIN, NOW), range(50)))
    assert waits.count(0.0) == LOGIN_FREE and waits.count(2.0) == 50 - LOGIN_FREE


def test_of_all_processes_together_exactly_ten_go_ahead(place: Place) -> None:
    place.open()
    assert sum(workers.in_processes(3, workers.attempt_logins, place.env, 20)) == LOGIN_FREE


# --- what is over ---


def test_what_is_over_leaves_nothing_and_the_rest_stays(logins: Logins, store: Store) -> None:
    from_elsewhere(logins, LOGIN_FREE)
    fail(logins, LOGIN_FREE, NOW + 30, username="other")
    logins.forget_old(NOW + 32)
    assert wait_of(logins, NOW + 31, username="other") == 1
    logins.forget_old(NOW + 10**6)
    fail(logins, LOGIN_FREE, NOW + 10**6, username="other")
    store.clear()
    assert wait_of(logins, NOW + 10**6, username="other") == 2, "clearing does not let anybody in"


def test_on_sqlite_what_is_over_leaves_no_row(file: FilePlace) -> None:
    logins = file.store.logins
    for number in range(450):
        fail(logins, 1, address=f"{number}", username=f"{number}")
        logins.succeeded(f"good {number}", f"{number}", NOW)
    fail(logins, 1, NOW + 30)

    def left() -> tuple[int, int]:
        counts = [
            file.rows(f"SELECT count(*) FROM {table}")[0][0] for table in ("login_failures", "good_addresses")
        ]
        return counts[0], counts[1]

    assert left() == (452, 450)
    logins.forget_old(NOW + 60)
    assert left() == (2, 450)
    logins.forget_old(NOW + GOOD_ADDRESS_S)
    assert left() == (0, 0)


def test_on_sqlite_those_that_wait_take_no_turn_to_write(file: FilePlace) -> None:
    logins = file.store.logins
    fail(logins, LOGIN_FREE)
    with closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert wait_of(logins, NOW) == 2


def test_on_mysql_those_that_wait_take_no_turn_to_write() -> None:
    with closing(mysql_place.MysqlPlace()) as place:
        logins = place.store.logins
        fail(logins, LOGIN_FREE)
        with mysql_place.server().connect(mysql_place.DATABASE) as other:
            other.begin()
            other.cursor().execute("SELECT value FROM counters WHERE name = 'writer' FOR UPDATE")
            assert wait_of(logins, NOW) == 2
            other.rollback()


def test_redis_forgets_by_itself() -> None:
    with closing(redis_place.RedisPlace()) as place:
        fail(place.store.logins, 1)
        place.store.logins.succeeded(THERE, ADMIN, NOW)
        with redis_place.server().connect() as client:
            ends = {key: client.ttl(key) for key in client.scan_iter("grok2api:*") if b"log" in _raw(key)}
            good = [client.ttl(key) for key in client.scan_iter("grok2api:good*")]
        assert len(ends) == 1 and all(100 < ttl <= 120 for ttl in ends.values())
        assert len(good) == 1 and GOOD_ADDRESS_S - 10 < good[0] <= GOOD_ADDRESS_S


def _raw(key: str | bytes) -> bytes:
    return key if isinstance(key, bytes) else key.encode()


# --- any sequence of them, against the rule ---


@dataclass
class Model:
    """The throttle in plain Python, over the rule."""

    failures: dict[str, Failures | None] = field(default_factory=dict)
    good_at: dict[str, float] = field(default_factory=dict)

    def _names(self, address: str, username: str, now: float) -> list[str]:
        good = now - self.good_at.get(address, -GOOD_ADDRESS_S) < GOOD_ADDRESS_S
        return [f"a {address}"] if good else [f"a {address}", f"u {username}"]

    def attempt(self, address: str, username: str, now: float) -> float:
        names = self._names(address, username, now)
        wait = max(wait_s(self.failures.get(name), now) for name in names)
        if not wait:
            self.failures |= {name: failed(self.failures.get(name), now) for name in names}
        return wait

    def succeeded(self, address: str, username: str, now: float) -> None:
        for name in self._names(address, username, now)[1:]:
            self.failures[name] = taken_back(self.failures.get(name))
        self.failures[f"a {address}"] = None
        self.good_at[address] = now


STEP = st.tuples(
    st.sampled_from(["attempt"] * 5 + ["succeeded", "forget_old"]),
    st.sampled_from("abc"),
    st.sampled_from("xy"),
    st.sampled_from([0.0, 0.0, 0.25, 2.0, 61.5, GOOD_ADDRESS_S]),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEP, max_size=60))
def test_any_sequence_is_as_the_rule_has_it(place: Place, steps: list[tuple[str, str, str, float]]) -> None:
    logins, model, now = place.store.logins, Model(), NOW
    place.clear()
    for step, address, username, passed in steps:
        now += passed
        if step == "attempt":
            expected = model.attempt(address, username, now)
            assert logins.attempt(address, username, now) == expected
        elif step == "succeeded":
            model.succeeded(address, username, now)
            logins.succeeded(address, username, now)
        else:
            logins.forget_old(now)


@pytest.mark.parametrize("count", [1, 2, LOGIN_FREE - 1, LOGIN_FREE, LOGIN_FREE + 1, 5000])
def test_taken_back_it_is_as_if_it_had_not_been(count: int) -> None:
    before: Failures | None = None
    for _ in range(count - 1):
        before = failed(before, NOW)
    assert taken_back(failed(before, NOW)) == before
