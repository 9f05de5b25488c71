"""What the operators did."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from grok2api.storage.base import Store
from grok2api.storage.oversight import Audit, AuditEntry
from tests.contract import mysql_place, redis_place
from tests.contract.dealings import NOW
from tests.contract.places import Place

DETAIL: dict[str, object] = {
    "text": "☂\n'\"\\ %s :x", "whole": -(2**40), "part": 0.1, "yes": True, "no": False, "names": ["b", "a", ""],
    "none": [],
}  # fmt: skip


def entry(action: str, at: float = NOW, **detail: object) -> AuditEntry:
    return AuditEntry(at, "admin", "192.0.2.1", action, detail)


def actions(audit: Audit, offset: int = 0, limit: int = 1000) -> str:
    return " ".join(one.action for one in audit.page(offset, limit)[0])


def everything(audit: Audit) -> list[AuditEntry]:
    return [one for page in audit.walk(100) for one in page]


@pytest.mark.parametrize(
    "one",
    [
        AuditEntry(NOW + 0.1234567, "admin ☂", "2001:db8::1", "accounts.add", DETAIL),
        AuditEntry(NOW, "", "", "", {}),
        AuditEntry(NOW, "n" * 255, "a" * 64, "x" * 64, {"long": ["☂" * 10] * 100}),
    ],
)
def test_it_comes_back_as_it_was(audit: Audit, one: AuditEntry) -> None:
    audit.add(one)
    assert audit.page(0, 10) == ([one], 1)
    assert everything(audit) == [one]
    types = {name: type(value) for name, value in audit.page(0, 1)[0][0].detail.items()}
    assert types == {name: type(value) for name, value in one.detail.items()}


def test_two_that_are_equal_are_two(audit: Audit) -> None:
    audit.add(entry("login"))
    audit.add(entry("login"))
    assert audit.page(0, 10) == ([entry("login")] * 2, 2)


def test_pages_have_the_newest_first_and_the_total(audit: Audit, place: Place) -> None:
    assert audit.page(0, 10) == ([], 0)
    audit.add()
    for number, at in enumerate((3, 1, 4, 1.5, 5)):
        place.open().audit.add(entry(f"{number}", NOW + at))
    assert actions(audit) == "4 2 0 3 1"
    for offset, limit, found in (
        (0, 2, "4 2"),
        (2, 2, "0 3"),
        (4, 2, "1"),
        (5, 2, ""),
        (0, 0, ""),
        (2, 0, ""),
    ):
        assert actions(audit, offset, limit) == found
        assert audit.page(offset, limit)[1] == 5


def test_of_the_same_moment_what_was_added_later_comes_first(audit: Audit) -> None:
    for number in range(12):
        audit.add(entry(f"{number}"))
    audit.add(entry("old", NOW - 1), entry("a"), entry("b"), entry("new", NOW + 1))
    assert actions(audit) == "new b a 11 10 9 8 7 6 5 4 3 2 1 0 old"


def test_what_is_older_is_forgotten(audit: Audit) -> None:
    audit.add(*(entry(f"{number:04}", NOW + number / 2) for number in range(1000)))
    audit.forget_older(NOW, 1000)
    assert audit.page(0, 0)[1] == 1000
    audit.forget_older(NOW + 490, 1000)
    assert actions(audit) == " ".join(f"{number:04}" for number in reversed(range(980, 1000)))
    audit.forget_older(NOW + 490, 1000)
    assert audit.page(0, 0)[1] == 20


@pytest.mark.parametrize("most", [0, 1, 5, 700, 1000, 1001])
def test_only_so_many_are_kept_the_newest(audit: Audit, most: int) -> None:
    audit.add(*(entry(f"{number:04}", NOW + number // 10) for number in range(1000)))
    audit.forget_older(NOW - 1, most)
    assert actions(audit) == " ".join(f"{number:04}" for number in reversed(range(max(0, 1000 - most), 1000)))


def test_what_is_both_old_and_too_much_goes_once(audit: Audit) -> None:
    audit.add(*(entry(f"{number:03}", NOW + number) for number in range(300)))
    audit.forget_older(NOW + 290, 5)
    assert actions(audit) == "299 298 297 296 295"
    audit.forget_older(NOW + 10**6, 5)
    assert audit.page(0, 10) == ([], 0)


def test_clearing_leaves_them(store: Store) -> None:
    store.audit.add(entry("clear"))
    store.clear()
    assert actions(store.audit) == "clear"


@pytest.mark.parametrize("limit", [1, 7, 25, 1000])
def test_a_walk_is_the_page_turned_round(audit: Audit, limit: int) -> None:
    audit.add(*(entry(f"{number}", NOW + number // 10 % 3) for number in range(60)))
    pages = list(audit.walk(limit))
    assert [one for page in pages for one in page] == audit.page(0, 100)[0][::-1]
    assert max(map(len, pages)) <= limit and all(pages)


def test_a_walk_leaves_out_nothing_when_old_ones_go_meanwhile(audit: Audit) -> None:
    audit.add(*(entry(f"{number}", NOW + number) for number in range(30)))
    walk = audit.walk(10)
    found = list(next(walk))
    audit.forget_older(NOW + 5, 1000)
    found += [one for page in walk for one in page]
    assert [one.action for one in found] == [f"{number}" for number in range(30)]


def test_walked_and_added_elsewhere_they_are_in_the_same_order(audit: Audit) -> None:
    audit.add(*(entry(f"{number}", NOW + number % 2) for number in range(10)))
    before, copied = audit.page(0, 100), list(audit.walk(3))
    audit.forget_older(NOW - 1, 0)
    for page in copied:
        audit.add(*page)
    assert audit.page(0, 100) == before


def test_on_mysql_they_do_not_wait_for_the_turn_to_write() -> None:
    with closing(mysql_place.MysqlPlace()) as place:
        audit = place.store.audit
        with mysql_place.server().connect(mysql_place.DATABASE) as other:
            other.begin()
            other.cursor().execute("SELECT value FROM counters WHERE name = 'writer' FOR UPDATE")
            audit.add(entry("a"), entry("b", NOW + 1))
            audit.forget_older(NOW + 1, 10)
            other.rollback()
        assert actions(audit) == "b"


def test_on_redis_numbers_go_on_where_all_were_forgotten() -> None:
    with closing(redis_place.RedisPlace()) as place:
        audit: Any = place.store.audit
        audit.add(*(entry(f"{number}") for number in range(9)))
        audit.forget_older(NOW - 1, 0)
        audit.add(entry("first"))
        audit.add(entry("second"))
        assert actions(audit) == "second first"
