"""A clean place of every backend, and the repositories over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grok2api.storage import BACKENDS
from grok2api.storage.base import Accounts, Media, Responses, Sessions, Settings, Store
from grok2api.storage.clients import Keys, RequestLog
from grok2api.storage.oversight import Audit, Logins, Usage
from tests.contract.places import PLACES, FilePlace, Place


@pytest.fixture(params=sorted(BACKENDS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    make = PLACES.get(request.param)
    if make is None:
        pytest.fail(f"storage {request.param!r} has no row in tests/contract/places.py")
    made = make(tmp_path / "data")
    yield made
    made.close()


@pytest.fixture
def store(place: Place) -> Store:
    return place.store


@pytest.fixture
def accounts(store: Store) -> Accounts:
    return store.accounts


@pytest.fixture
def settings(store: Store) -> Settings:
    return store.settings


@pytest.fixture
def sessions(store: Store) -> Sessions:
    return store.sessions


@pytest.fixture
def responses(store: Store) -> Responses:
    return store.responses


@pytest.fixture
def media(store: Store) -> Media:
    return store.media


@pytest.fixture
def logins(store: Store) -> Logins:
    return store.logins


@pytest.fixture
def audit(store: Store) -> Audit:
    return store.audit


@pytest.fixture
def usage(store: Store) -> Usage:
    return store.usage


@pytest.fixture
def keys(store: Store) -> Keys:
    return store.keys


@pytest.fixture
def requests(store: Store) -> RequestLog:
    return store.requests


@pytest.fixture
def file(tmp_path: Path) -> Iterator[FilePlace]:
    """A SQLite file, for what only SQL promises."""
    made = FilePlace(tmp_path / "data")
    yield made
    made.close()
