"""The operator's sessions."""

from __future__ import annotations

from dataclasses import replace

from grok2api.storage.base import AdminSession, Sessions, Store
from tests.contract.dealings import NOW
from tests.contract.places import Place

DAY_S = 24 * 3600.0
SESSION = AdminSession("d" * 64, "admin ☂", "csrf", NOW, NOW)


def named(letter: str, at: float = NOW) -> AdminSession:
    return replace(SESSION, digest=letter * 64, created_at=at, seen_at=at)


def test_a_session_comes_back_as_it_was(sessions: Sessions) -> None:
    sessions.create(SESSION)
    assert sessions.get(SESSION.digest) == SESSION


def test_there_is_none_of_an_unknown_digest(sessions: Sessions) -> None:
    sessions.create(SESSION)
    assert sessions.get("e" * 64) is None


def test_use_is_noted(sessions: Sessions) -> None:
    sessions.create(SESSION)
    sessions.touch(SESSION.digest, NOW + 99)
    assert sessions.get(SESSION.digest) == replace(SESSION, seen_at=NOW + 99)


def test_use_of_an_ended_session_does_not_revive_it(sessions: Sessions) -> None:
    sessions.create(SESSION)
    sessions.delete(SESSION.digest)
    sessions.touch(SESSION.digest, NOW + 1)
    assert sessions.get(SESSION.digest) is None


def test_ending_one_leaves_the_others(sessions: Sessions) -> None:
    for letter in "abc":
        sessions.create(named(letter))
    sessions.delete("b" * 64)
    assert [letter for letter in "abc" if sessions.get(letter * 64)] == ["a", "c"]


def test_ending_all_ends_them_for_every_store_at_once(store: Store, place: Place) -> None:
    other = place.open()
    for letter in "abc":
        other.sessions.create(named(letter))
    store.sessions.delete_all()
    assert not any(other.sessions.get(letter * 64) for letter in "abc")


def test_ending_what_is_not_there_is_nothing(sessions: Sessions) -> None:
    sessions.delete("e" * 64)
    sessions.delete_all()


def test_a_new_session_makes_those_forgotten_that_cannot_be_valid(sessions: Sessions) -> None:
    sessions.create(named("a", NOW))
    sessions.create(named("b", NOW + DAY_S))
    sessions.create(named("c", NOW + 7.5 * DAY_S))
    assert [letter for letter in "abc" if sessions.get(letter * 64)] == ["b", "c"]
