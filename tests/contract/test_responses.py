"""Stored responses: each for its owner alone, for a day, sealed as secrets are."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from grok2api.errors import StorageUnavailable
from grok2api.services.housekeeping import Housekeeping
from grok2api.services.live_settings import LiveSettings
from grok2api.services.quota import QuotaService
from grok2api.storage.base import RESPONSE_KEPT_S, RESPONSE_MAX_BYTES, Responses, Store, StoredResponse
from grok2api.storage.vault import Vault
from tests.contract import mysql_place, redis_place, workers
from tests.contract.dealings import NOW, add, everyone
from tests.contract.places import FilePlace, Place

OWNER = "a" * 64
ENDS = NOW + RESPONSE_KEPT_S
KEY, OTHER = "a key of the operator's", "another key"


def response(name: str = "1", body: bytes = b"\0body\xff\n'\"", ends: float = ENDS) -> StoredResponse:
    return StoredResponse(f"resp_{name}", OWNER, body, ends)


def there(responses: Responses, now: float = NOW) -> list[str]:
    """The ids of all that have not expired."""
    return sorted(one.id for page in responses.walk(3, now) for one in page)


def at_rest(place: Place) -> list[tuple[str, str]]:
    """Id and body of each response as the place holds it, expired or not."""
    query = "SELECT id, body FROM responses ORDER BY id"
    if isinstance(place, FilePlace):
        return [(id_, body) for id_, body in place.rows(query)]
    if place.env.storage_mode == "mysql":
        with mysql_place.server().connect(mysql_place.DATABASE) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return [(id_, body) for id_, body in cursor.fetchall()]
    stem = "grok2api:response:"
    with redis_place.server().connect() as client:
        names = sorted(client.scan_iter(f"{stem}*"))
        assert client.zcard("grok2api:responses") == len(names)
        return [(name.removeprefix(stem), client.hget(name, "body")) for name in names]


# --- one response ---


@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256))], ids=["empty", "short", "all bytes"])
@pytest.mark.parametrize("owner", ["", OWNER], ids=["nobody", "somebody"])
def test_a_response_comes_back_as_it_was(responses: Responses, body: bytes, owner: str) -> None:
    one = StoredResponse("resp_" + "f" * 59, owner, body, ENDS + 0.1234567)
    responses.save(one)
    assert responses.get(one.id, owner, NOW) == one


@pytest.mark.parametrize("key", ["", KEY], ids=["clear", "sealed"])
@pytest.mark.parametrize("kind", ["random", "zeros"])
def test_the_largest_body_comes_back_within_a_second_or_two(place: Place, key: str, kind: str) -> None:
    place.env = replace(place.env, secret_key=key)
    body = os.urandom(RESPONSE_MAX_BYTES) if kind == "random" else bytes(RESPONSE_MAX_BYTES)
    began = time.monotonic()
    place.store.responses.save(response(body=body))
    found = place.open().responses.get("resp_1", OWNER, NOW)
    assert time.monotonic() - began < 5
    assert found is not None and found.body == body


def test_what_another_worker_saved_is_there(responses: Responses, place: Place) -> None:
    place.open().responses.save(response())
    assert responses.get("resp_1", OWNER, NOW) == response()


@pytest.mark.parametrize("owner", ["", "b" * 64, OWNER.upper()])
def test_another_owners_response_is_not_there(responses: Responses, owner: str) -> None:
    responses.save(response())
    assert responses.get("resp_1", owner, NOW) is None
    assert not responses.delete("resp_1", owner, NOW)
    assert responses.get("resp_1", OWNER, NOW) == response()


@pytest.mark.parametrize("id_", ["", "resp_2", "RESP_1", "resp_1 ☂" * 99, "resp_%", "*"])
def test_there_is_none_of_an_unknown_id(responses: Responses, id_: str) -> None:
    responses.save(response())
    assert responses.get(id_, OWNER, NOW) is None
    assert not responses.delete(id_, OWNER, NOW)


def test_deleted_it_is_gone_and_the_others_are_not(responses: Responses, place: Place) -> None:
    for name in "123":
        responses.save(response(name))
    assert responses.delete("resp_2", OWNER, NOW)
    assert not responses.delete("resp_2", OWNER, NOW)
    assert responses.get("resp_2", OWNER, NOW) is None
    assert there(responses) == ["resp_1", "resp_3"] == [id_ for id_, _ in at_rest(place)]


def test_saved_again_it_takes_the_place_of_the_first(responses: Responses, place: Place) -> None:
    responses.save(response(ends=NOW + 10))
    later = StoredResponse("resp_1", "b" * 64, b"other", ENDS)
    responses.save(later)
    responses.forget_expired(NOW + 10)
    assert responses.get("resp_1", OWNER, NOW) is None
    assert responses.get("resp_1", later.owner, NOW) == later
    assert len(at_rest(place)) == 1


# --- time ---


def test_expired_it_is_not_there_even_if_not_forgotten_yet(responses: Responses) -> None:
    responses.save(response())
    assert responses.get("resp_1", OWNER, ENDS - 0.001) == response()
    assert responses.get("resp_1", OWNER, ENDS) is None
    assert not responses.delete("resp_1", OWNER, ENDS)
    assert there(responses, ENDS) == []


def test_what_has_expired_is_forgotten(responses: Responses, place: Place) -> None:
    for number in range(250):
        responses.save(response(f"{number:03}", ends=NOW + number))
    responses.forget_expired(NOW + 239)
    assert [id_ for id_, _ in at_rest(place)] == [f"resp_{number}" for number in range(240, 250)]
    responses.forget_expired(NOW + 239)
    assert len(there(responses)) == 10
    responses.forget_expired(math.nextafter(math.inf, 0))
    assert at_rest(place) == []


def test_redis_forgets_what_nobody_forgets() -> None:
    with closing(redis_place.RedisPlace()) as place:
        place.store.responses.save(response())
        with redis_place.server().connect() as client:
            assert RESPONSE_KEPT_S - 60 < client.ttl("grok2api:response:resp_1") <= RESPONSE_KEPT_S
            client.delete("grok2api:response:resp_1")
        responses = place.store.responses
        assert responses.get("resp_1", OWNER, NOW) is None and there(responses) == []
        assert not responses.delete("resp_1", OWNER, NOW)
        responses.forget_expired(ENDS)
        assert at_rest(place) == []


def test_one_worker_looks_for_them_once_a_minute(store: Store) -> None:
    at = NOW
    settings = LiveSettings(
        store.settings, defaults={}, on_change=lambda snapshot: None, load_keys=store.keys.all
    )
    never_asked = cast(QuotaService, None)  # there are no accounts
    both = [Housekeeping(store, never_asked, settings, lambda: at) for _ in range(2)]
    looked = []
    for second in range(0, 150, 10):
        at = NOW + second
        store.responses.save(response(ends=at))
        for housekeeping in both:
            housekeeping.tick()
        if store.responses.get("resp_1", OWNER, NOW - 1) is None:
            looked.append(second)
    assert looked == [0, 60, 120]


# --- all of them ---


def test_a_walk_gives_each_once_a_few_at_a_time(responses: Responses) -> None:
    saved = {f"resp_{number}": response(f"{number}", ends=ENDS + number) for number in range(300)}
    for one in saved.values():
        responses.save(replace(one, owner=one.id))
    pages = list(responses.walk(7, NOW))
    assert max(map(len, pages)) == 7
    found = [one for page in pages for one in page]
    assert sorted(one.id for one in found) == sorted(saved)
    assert all(one == replace(saved[one.id], owner=one.id) for one in found)
    assert len(there(responses, ENDS + 99)) == 200


def test_a_walk_through_nothing_is_none(responses: Responses) -> None:
    assert list(responses.walk(7, NOW)) == []


def test_what_is_deleted_meanwhile_does_not_end_a_walk(responses: Responses) -> None:
    for number in range(10):
        responses.save(response(f"{number}"))
    walk = responses.walk(2, NOW)
    first = [one.id for one in next(walk)]
    rest = [f"resp_{number}" for number in range(10) if f"resp_{number}" not in first]
    for id_ in (*first, rest[0]):
        responses.delete(id_, OWNER, NOW)
    left = [one.id for page in walk for one in page]
    assert sorted({*left, rest[0]}) == rest


def test_clearing_forgets_them(store: Store, place: Place) -> None:
    add(store, 3)
    for number in range(250):
        store.responses.save(response(f"{number}"))
    store.clear()
    assert at_rest(place) == [] and there(store.responses) == []
    store.responses.save(response())
    assert there(store.responses) == ["resp_1"]


def test_processes_save_beside_each_other(place: Place) -> None:
    place.open()
    saved = workers.in_processes(3, workers.save_responses, place.env, 40)
    responses = place.store.responses
    for one in (one for mine in saved for one in mine):
        assert responses.get(one.id, one.owner, NOW) == one
    assert len(there(responses)) == 3 * 40 + 1


def test_on_mysql_nothing_waits_for_the_turn_to_write() -> None:
    with closing(mysql_place.MysqlPlace()) as place:
        responses = place.store.responses
        with writing() as other:
            other.cursor().execute("SELECT value FROM counters WHERE name = 'writer' FOR UPDATE")
            responses.save(response("1", ends=NOW))
            responses.forget_expired(NOW)
            responses.save(response("2"))
            assert responses.delete("resp_2", OWNER, NOW)
        assert at_rest(place) == []


@contextmanager
def writing() -> Iterator[Any]:
    """Somebody else's transaction on MySQL, rolled back at the end."""
    with mysql_place.server().connect(mysql_place.DATABASE) as connection:
        connection.begin()
        yield connection
        connection.rollback()


# --- at rest ---

MARK = b"a mark that is easy to find, " * 30


def test_with_a_key_nothing_can_be_read(place: Place, tmp_path: Path) -> None:
    place.env = replace(place.env, secret_key=KEY)
    place.store.responses.save(response(body=MARK))
    ((_, body),) = at_rest(place)
    assert body.startswith("fernet:")
    if isinstance(place, FilePlace):
        assert found_in(place, MARK) == found_in(place, Vault().seal_bytes(MARK)[8:-8].encode()) == []


@pytest.mark.parametrize(("old", "new"), [("", KEY), (KEY, OTHER), (KEY, "")])
def test_sealed_anew_they_are_forgotten_and_go_on(place: Place, old: str, new: str) -> None:
    place.env = replace(place.env, secret_key=old)
    store = place.open()
    add(store, 3)
    for number in range(250):
        store.responses.save(response(f"{number}", MARK))
    before = [body[8:-8].encode() for _, body in at_rest(place)]
    store.reseal(Vault(new))
    assert at_rest(place) == [] and there(store.responses) == []
    if isinstance(place, FilePlace):
        assert [piece for piece in before[::10] if found_in(place, piece)] == []
    store.responses.save(response())
    place.env = replace(place.env, secret_key=new)
    assert place.open().responses.get("resp_1", OWNER, NOW) == response()
    assert len(everyone(store)) == 3


def test_a_key_set_first_forgets_what_was_saved_without(place: Place) -> None:
    late = place.store
    late.responses.save(response(body=MARK))
    place.env = replace(place.env, secret_key=KEY)
    store = place.open()
    assert at_rest(place) == []
    with pytest.raises(StorageUnavailable, match="another SECRET_KEY"):
        late.responses.save(response(body=MARK))
    assert at_rest(place) == []
    store.responses.save(response(body=MARK))
    with pytest.raises(StorageUnavailable, match="SECRET_KEY"):
        late.responses.get("resp_1", OWNER, NOW)


def test_who_saves_while_mysql_is_sealed_waits_and_writes_nothing_in_clear() -> None:
    with closing(mysql_place.MysqlPlace()) as place, ThreadPoolExecutor(1) as thread:
        late = place.open()
        with writing() as other:
            check_value = (Vault(KEY).check_value,)
            other.cursor().execute("UPDATE kept_values SET value = %s WHERE name = 'key_check'", check_value)
            saving = thread.submit(late.responses.save, response())
            with pytest.raises(TimeoutError):
                saving.result(0.5)
            other.commit()
        with pytest.raises(StorageUnavailable, match="another SECRET_KEY"):
            saving.result(10)
        assert at_rest(place) == []


@pytest.mark.parametrize("old", ["", KEY], ids=["clear", "sealed"])
def test_no_copy_of_what_was_forgotten_stays_in_the_file(file: FilePlace, old: str) -> None:
    file.env = replace(file.env, secret_key=old)
    responses = file.store.responses
    saved = [Vault().seal_bytes(MARK)[8:-8].encode()]
    for number in range(60):
        responses.save(response(f"{number}", MARK + os.urandom(number * 500), NOW + number))
    saved += [body[8:-8].encode() for _, body in at_rest(file)]
    responses.save(response("0", b"other", ENDS))
    responses.delete("resp_59", OWNER, NOW)
    responses.forget_expired(NOW + 40)
    file.store.reseal(Vault(OTHER))
    assert [piece for piece in saved if found_in(file, piece)] == []


def found_in(file: FilePlace, piece: bytes) -> list[str]:
    """The files of a SQLite database that hold it."""
    return [path.name for path in file.path.parent.iterdir() if piece in path.read_bytes()]
