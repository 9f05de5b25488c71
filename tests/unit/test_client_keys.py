"""Named keys beside the settings that hold them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from grok2api.client_keys import ClientKey
from grok2api.errors import StorageUnavailable
from grok2api.services.client_keys import ClientKeys
from tests.unit.test_live_settings import MemorySettings, Worker

WANTED = ClientKey(0, "app", "", "", 0.0)


class Stored:
    """Keys in a list, in a storage that may go away after each change."""

    def __init__(self, known: Sequence[ClientKey] = ()) -> None:
        self.known = list(known)
        self.away = False
        self.leaving = False

    def add(self, key: ClientKey) -> ClientKey:
        self.known.append(replace(key, id=len(self.known) + 1))
        self.away = self.leaving
        return self.known[-1]

    def all(self) -> list[ClientKey]:
        if self.away:
            raise StorageUnavailable("The storage is away.")
        return list(self.known)


def keys(stored: Stored, **settings: object) -> ClientKeys:
    worker = Worker(MemorySettings(**settings), load_keys=stored.all)
    book: Any = stored
    return ClientKeys(book, worker.live)


def test_a_key_that_is_stored_is_told_though_the_storage_is_away_after_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stored = Stored()
    book = keys(stored)
    stored.leaving = True
    with caplog.at_level(logging.WARNING):
        made, text = book.add(WANTED)
    assert made.id == 1 and text.startswith("sk-g2a-")
    assert len(caplog.records) == 1 and text not in caplog.text


def test_a_key_is_needed_once_there_is_one() -> None:
    assert not keys(Stored()).needed()
    assert keys(Stored(), api_key="sk-x").needed()
    assert keys(Stored([replace(WANTED, enabled=False)])).needed()
