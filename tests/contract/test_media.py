"""The index of media: one row a path, told apart by case; the newest first, or in the order of paths."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import Engine, event

from grok2api.env import Env
from grok2api.media import MAX_PATH_CHARS, Kind, MediaItem, is_media_path
from grok2api.services.housekeeping import Housekeeping
from grok2api.services.live_settings import LiveSettings
from grok2api.services.quota import QuotaService
from grok2api.storage.base import Media, Store
from tests.contract import mysql_place, redis_place, workers
from tests.contract.dealings import NOW, add
from tests.contract.places import Place, open_at

DAY_S = 24 * 3600.0
LONGEST = "users/" + "A" * (MAX_PATH_CHARS - 6)


def picture(name: str = "1", at: float = NOW, kind: Kind = Kind.IMAGE, account_id: int = 7) -> MediaItem:
    return MediaItem(f"users/{name}", kind, account_id, at)


def everything(media: Media) -> list[MediaItem]:
    return media.walk("", 100_000)


def names(items: list[MediaItem]) -> str:
    return " ".join(item.path.removeprefix("users/") for item in items)


def page(media: Media, kind: Kind | None = None, offset: int = 0, limit: int = 100) -> tuple[str, int]:
    items, total = media.page(kind, offset, limit)
    return names(items), total


# --- one of them ---


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("path", ["a/b", "users/U-1_2.x/generated/9/image.jpg", LONGEST])
@pytest.mark.parametrize("account_id", [1, 2**31 - 1])
def test_it_comes_back_as_it_was(media: Media, path: str, kind: Kind, account_id: int) -> None:
    assert is_media_path(path)
    item = MediaItem(path, kind, account_id, NOW + 0.1234567)
    media.add([item])
    assert media.get(path) == item
    assert everything(media) == [item] and media.page(None, 0, 1) == media.page(kind, 0, 1) == ([item], 1)
    found = media.get(path)
    assert found is not None and isinstance(found.kind, Kind)


@pytest.mark.parametrize(
    "path", ["", "users/2", "users/1/", "users/", "Users/1", "users/_", "users/%", "☂", "*"]
)
def test_there_is_none_of_another_path(media: Media, path: str) -> None:
    media.add([picture()])
    assert media.get(path) is None


def test_case_makes_another_path(media: Media) -> None:
    lower, upper = picture("a.jpg"), picture("A.jpg", NOW + 1, Kind.VIDEO, 8)
    media.add([lower])
    assert media.get(upper.path) is None
    media.add([upper])
    assert media.get(lower.path) == lower and media.get(upper.path) == upper
    assert everything(media) == [upper, lower]


def test_case_makes_another_path_also_in_a_database_that_others_made() -> None:
    with mysql_place.server().connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE folding CHARACTER SET latin1 COLLATE latin1_swedish_ci")
    env = Env(storage_mode="mysql", database_url=mysql_place.server().url("folding"))
    lower, upper, longest = picture("a.jpg"), picture("A.jpg"), MediaItem(LONGEST, Kind.IMAGE, 1, NOW)
    with closing(open_at(env)) as store:
        store.media.add([lower, upper, longest])
        assert everything(store.media) == [upper, longest, lower]
        assert store.media.get("USERS/a.jpg") is None


def test_added_again_it_takes_the_place_of_the_first(media: Media) -> None:
    media.add([picture(), picture("2")])
    later = picture("1", NOW + 5, Kind.VIDEO, 8)
    media.add([later])
    assert media.get(later.path) == later
    assert page(media) == ("1 2", 2)
    assert page(media, Kind.VIDEO) == ("1", 1) and page(media, Kind.IMAGE) == ("2", 1)
    assert media.forget_older(NOW + 5) == 1
    assert everything(media) == [later]


def test_of_the_same_path_in_one_call_the_last_counts(media: Media) -> None:
    first, last = picture("1", NOW + 9, Kind.VIDEO), picture("1", NOW, Kind.IMAGE, 8)
    media.add([first, picture("2"), last])
    assert media.get(last.path) == last
    assert page(media, Kind.IMAGE) == ("2 1", 2) and page(media, Kind.VIDEO) == ("", 0)


def test_what_another_worker_added_is_there(media: Media, place: Place) -> None:
    place.open().media.add([picture()])
    assert media.get(picture().path) == picture()


def test_it_stays_when_its_account_goes(store: Store) -> None:
    ids = add(store, 2)
    item = picture(account_id=ids[0])
    store.media.add([item])
    assert store.accounts.delete(ids) == 2
    assert store.media.get(item.path) == item


# --- pages ---


def test_pages_are_of_a_kind_or_of_all_the_newest_first(media: Media) -> None:
    for number, at in enumerate([3, 1, 4, 1, 5, 9]):
        media.add([picture(f"{number}", NOW + at / 7, list(Kind)[number % 2])])
    assert page(media) == ("5 4 2 0 3 1", 6)
    assert page(media, Kind.IMAGE) == ("4 2 0", 3)
    assert page(media, Kind.VIDEO) == ("5 3 1", 3)


def test_of_the_same_moment_the_greater_path_comes_first(media: Media) -> None:
    of_one_moment = [picture(name) for name in ("a", "B", "b", "a-", "a/x", "a.x", "_", "9", "10")]
    media.add([*of_one_moment, picture("0", NOW + 1), picture("z", NOW - 1)])
    ordered = sorted(of_one_moment, key=lambda item: item.path, reverse=True)
    assert media.page(None, 1, 9) == media.page(Kind.IMAGE, 1, 9) == (ordered, 11)
    assert page(media, None, 1, 9)[0] == "b a/x a.x a- a _ B 9 10"


@pytest.mark.parametrize("kind", [None, Kind.VIDEO])
def test_parts_put_together_are_the_whole(media: Media, kind: Kind | None) -> None:
    media.add([picture(f"{number:03}", NOW + number // 4, Kind.VIDEO) for number in range(50)])
    whole, total = media.page(kind, 0, 1000)
    assert total == len(whole) == 50
    parts = [media.page(kind, offset, 7) for offset in range(0, 56, 7)]
    assert [item for part, _ in parts for item in part] == whole
    assert [len(part) for part, _ in parts] == [7] * 7 + [1]
    assert {total for _, total in parts} == {50}


@pytest.mark.parametrize(("offset", "limit"), [(0, 0), (2, 0), (3, 5), (10**6, 10)])
def test_a_part_may_be_empty_and_has_the_total(media: Media, offset: int, limit: int) -> None:
    media.add([picture(name) for name in "123"])
    assert media.page(None, offset, limit) == media.page(Kind.IMAGE, offset, limit) == ([], 3)


def test_where_there_is_nothing_a_page_is_empty(media: Media) -> None:
    assert media.page(None, 0, 10) == media.page(Kind.IMAGE, 0, 10) == ([], 0)


# --- forgetting ---


def test_what_was_made_before_is_forgotten(media: Media) -> None:
    media.add([picture(f"{number:04}", NOW + number, list(Kind)[number % 2]) for number in range(1000)])
    assert media.forget_older(NOW) == 0
    assert media.forget_older(NOW + 990) == 990
    assert names(everything(media)) == " ".join(f"0{number}" for number in range(990, 1000))
    assert page(media, Kind.IMAGE) == ("0998 0996 0994 0992 0990", 5)
    assert media.get("users/0989") is None
    assert media.forget_older(NOW + 990) == 0
    assert media.forget_older(NOW + 10**9) == 10
    assert everything(media) == [] and page(media) == page(media, Kind.VIDEO) == ("", 0)


@pytest.mark.parametrize("count", [100, 200, 400])
def test_whole_steps_are_forgotten_too(media: Media, count: int) -> None:
    media.add([picture(f"{number:04}") for number in range(count)])
    assert media.forget_older(NOW + 1) == count


def test_workers_that_forget_at_once_count_each_once(media: Media, place: Place) -> None:
    media.add([picture(f"{number:04}", NOW + number) for number in range(2000)])
    stores = [place.open() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(lambda store: store.media.forget_older(NOW + 1990), stores))
    assert sum(counts) == 1990
    assert len(everything(media)) == 10


@pytest.mark.parametrize(
    ("days", "left"), [(90, ["new"]), (91, ["new", "old"]), (0, ["ancient", "new", "old"])]
)
def test_one_worker_looks_once_a_minute_for_what_is_too_old(store: Store, days: int, left: list[str]) -> None:
    at = NOW
    settings = LiveSettings(
        store.settings,
        defaults={"media_index_days": days},
        on_change=lambda snapshot: None,
        load_keys=store.keys.all,
    )
    never_asked = cast(QuotaService, None)  # there are no accounts
    both = [Housekeeping(store, never_asked, settings, lambda: at) for _ in range(2)]
    items = [picture("ancient", 1.0), picture("old", NOW - 90.5 * DAY_S), picture("new", NOW - 89.5 * DAY_S)]
    for second in (0, 30, 60):
        at = NOW + second
        store.media.add(items)
        for housekeeping in both:
            housekeeping.tick()
        found = names(everything(store.media)).split()
        assert found == (left if second != 30 else ["ancient", "new", "old"])


def test_clearing_forgets_them(store: Store) -> None:
    store.media.add([picture(f"{number:04}", NOW + number, list(Kind)[number % 2]) for number in range(1000)])
    store.clear()
    assert everything(store.media) == [] and page(store.media) == page(store.media, Kind.IMAGE) == ("", 0)
    store.media.add([picture()])
    assert page(store.media) == ("1", 1)


# --- all of them ---


def test_a_walk_gives_each_once_in_the_order_of_paths(media: Media) -> None:
    paths = ["b", "B", "a", "_", "a/b", "a-b", "a.b", "a0", "9", "10", "Z/z", "aa"]
    media.add([picture(path, NOW - number) for number, path in enumerate(paths)])
    last, found = "", []
    while items := media.walk(last, 5):
        assert len(items) <= 5
        found += items
        last = items[-1].path
    assert [item.path for item in found] == sorted(f"users/{path}" for path in paths)
    assert media.walk("users/b", 5) == [] and media.walk("z", 5) == []


def test_a_walk_may_start_where_there_is_none(media: Media) -> None:
    media.add([picture(name) for name in "135"])
    assert names(media.walk("users/2", 5)) == "3 5"
    assert names(media.walk("users/1", 1)) == "3"


def test_a_walk_through_nothing_is_none(media: Media) -> None:
    assert media.walk("", 5) == []


def test_thousands_are_added_by_one_call(media: Media) -> None:
    items = [
        picture(f"{'Ab'[n % 2]}{n:05}" + "x" * 150, NOW + n / 7, list(Kind)[n % 2], n) for n in range(5000)
    ]
    for _ in range(2):
        began = time.monotonic()
        media.add(items)
        assert time.monotonic() - began < 5
        assert everything(media) == sorted(items, key=lambda item: item.path)
    newest, total = media.page(None, 4990, 100)
    assert (newest, total) == (items[9::-1], 5000)


def test_none_may_be_added(media: Media) -> None:
    media.add([])
    assert everything(media) == []


# --- many at once ---


def test_threads_that_add_the_same_leave_one_of_theirs(media: Media, place: Place) -> None:
    stores = [place.store, place.open()]
    paths = [f"{number}" for number in range(10)]

    def work(number: int) -> None:
        mine = [picture(path, NOW + number, list(Kind)[number % 2], number) for path in paths]
        for _ in range(20):
            stores[number % 2].media.add(mine[:: 1 if number % 3 else -1])

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(16)))
    found = everything(media)
    assert [item.path for item in found] == [f"users/{path}" for path in paths]
    for item in found:
        assert item == replace(item, kind=list(Kind)[item.account_id % 2], created_at=NOW + item.account_id)
    counts = [media.page(kind, 0, 0)[1] for kind in (None, *Kind)]
    assert counts[0] == sum(counts[1:]) == 10


def test_processes_add_beside_each_other(place: Place) -> None:
    place.open()
    added = workers.in_processes(3, workers.add_media, place.env, 40)
    media = place.store.media
    mine = [item for part in added for item in part]
    assert [item for item in everything(media) if item.kind is Kind.IMAGE] == sorted(
        mine, key=lambda i: i.path
    )
    assert page(media, Kind.VIDEO)[1] == 5


def test_what_is_added_anew_while_old_ones_are_forgotten_stays(media: Media, place: Place) -> None:
    other = place.open()
    media.add([picture(f"{number:04}") for number in range(2000)])
    with ThreadPoolExecutor(1) as thread:
        forgetting = thread.submit(other.media.forget_older, NOW + 1)
        for number in reversed(range(0, 2000, 50)):
            media.add([picture(f"{number:04}", NOW + 1)])
        forgetting.result(60)
    assert names(everything(media)) == " ".join(f"{number:04}" for number in range(0, 2000, 50))


# --- what a backend promises alone ---


def test_on_mysql_nothing_waits_for_the_turn_to_write() -> None:
    with closing(mysql_place.MysqlPlace()) as place:
        media = place.store.media
        with mysql_place.server().connect(mysql_place.DATABASE) as other:
            other.begin()
            other.cursor().execute("SELECT value FROM counters WHERE name = 'writer' FOR UPDATE")
            media.add([picture("1"), picture("2", NOW + 1)])
            assert media.forget_older(NOW + 1) == 1
            other.rollback()
        assert names(everything(media)) == "2"


@contextmanager
def statements() -> Iterator[list[tuple[str, Any]]]:
    """What SQLAlchemy has the drivers execute, with the parameters."""
    seen: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_on_mysql_indexes_are_read_and_nothing_is_sorted() -> None:
    with closing(mysql_place.MysqlPlace()) as place:
        media = place.store.media
        media.add([picture(f"{n:05}", NOW + n, list(Kind)[n % 2]) for n in range(5000)])
        with mysql_place.server().connect(mysql_place.DATABASE) as connection, connection.cursor() as cursor:
            cursor.execute("ANALYZE TABLE media")
            cursor.fetchall()
            with statements() as seen:
                media.get("users/00100")
                for kind in (None, *Kind):
                    media.page(kind, 2000, 100)
                media.walk("users/00100", 10)
                media.forget_older(NOW + 50)
            asked = [(text, values) for text, values in seen if " media" in text and "count(*)" not in text]
            assert len(asked) == 7
            for text, values in asked:
                cursor.execute(f"EXPLAIN {text}", values)
                columns = [column[0] for column in cursor.description]
                (plan,) = (dict(zip(columns, row, strict=True)) for row in cursor.fetchall())
                assert plan["key"] is not None and "filesort" not in str(plan["Extra"]), (text, plan)


def test_on_redis_what_is_forgotten_leaves_no_key() -> None:
    with closing(redis_place.RedisPlace()) as place:
        place.store.media.add([picture("1"), picture("2", NOW + 1, Kind.VIDEO)])
        with redis_place.server().connect() as client:
            assert len(list(client.scan_iter("grok2api:media*"))) == 5
            assert place.store.media.forget_older(NOW + 2) == 2
            assert list(client.scan_iter("grok2api:media*")) == []
