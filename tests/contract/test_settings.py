"""The stored settings and the values kept for the whole deployment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from grok2api.storage.base import Settings, Store
from tests.contract.places import Place

VALUES: dict[str, object] = {
    "text": "grok ☂ \u2028 'quoted' \"twice\" \\",
    "empty": "",
    "number": 17,
    "negative": -1.5,
    "yes": True,
    "no": False,
    "nothing": None,
    "list": ["a", 1, None],
    "object": {"b": 1, "a": [True]},
    "long": "x" * 20_000,
}


def test_nothing_is_stored_at_first(settings: Settings) -> None:
    stored = settings.load()
    assert stored.values == {}
    assert stored.version == settings.version()


def test_values_come_back_as_they_were(settings: Settings) -> None:
    settings.save(VALUES)
    loaded = settings.load().values
    assert loaded == VALUES
    assert [type(loaded[name]) for name in VALUES] == [type(value) for value in VALUES.values()]


def test_other_names_keep_their_values(settings: Settings) -> None:
    settings.save({"a": 1, "b": 2})
    settings.save({"b": 3, "c": 4})
    assert settings.load().values == {"a": 1, "b": 3, "c": 4}


def test_the_version_grows_with_every_change(settings: Settings) -> None:
    versions = [settings.version()]
    for value in (1, 1, 2):
        settings.save({"a": value})
        versions.append(settings.version())
        assert settings.load().version == versions[-1]
    assert versions == sorted(set(versions))


def test_all_are_stored_or_none(settings: Settings) -> None:
    settings.save({"a": 1})
    before = settings.load()
    with pytest.raises(TypeError):
        settings.save({"a": 2, "b": object()})
    assert settings.load() == before


def test_a_change_is_seen_by_every_store_at_once(store: Store, place: Place) -> None:
    other = place.open()
    store.settings.save({"a": 1})
    assert other.settings.load() == store.settings.load()


def test_no_change_of_many_at_once_is_lost(store: Store, place: Place) -> None:
    stores = [store, place.open()]
    before = store.settings.version()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: stores[n % 2].settings.save({f"name{n}": n}), range(40)))
    assert store.settings.load().values == {f"name{n}": n for n in range(40)}
    assert store.settings.version() == before + 40


def test_the_first_value_kept_stays(store: Store, place: Place) -> None:
    assert store.settings.keep("key", "one") == "one"
    assert store.settings.keep("key", "two") == "one"
    assert place.open().settings.keep("key", "three") == "one"
    assert store.settings.keep("other", "two") == "two"
    assert store.settings.load().values == {}


def test_all_who_keep_at_once_get_the_same(store: Store, place: Place) -> None:
    stores = [store, place.open()]
    with ThreadPoolExecutor(8) as threads:
        kept = list(threads.map(lambda n: stores[n % 2].settings.keep("key", str(n)), range(24)))
    assert len(set(kept)) == 1


def test_a_ping_of_a_store_that_is_there_is_silent(store: Store) -> None:
    store.ping()
