"""Named keys over a storage that comes and goes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from grok2api.client_keys import ClientKey, KeyEdit
from grok2api.errors import StorageUnavailable
from grok2api.services.client_keys import ClientKeys

WANTED = ClientKey(0, "app", "", "", 0.0)


class Stored:
    """Keys in a list."""

    def __init__(self) -> None:
        self.known: list[ClientKey] = []

    def add(self, key: ClientKey) -> ClientKey:
        self.known.append(replace(key, id=len(self.known) + 1))
        return self.known[-1]

    def edit(self, ids: Sequence[int], edit: KeyEdit) -> int:
        return len(ids)

    def delete(self, ids: Sequence[int]) -> int:
        return len(ids)


def keys(api_key: str = "", named: Sequence[ClientKey] = (), away: bool = False) -> ClientKeys:
    def reload() -> None:
        if away:
            raise StorageUnavailable("The storage is away.")

    settings: Any = SimpleNamespace(
        reload=reload,
        snapshot=lambda: SimpleNamespace(api_key=api_key),
        keys=lambda: {key.digest: key for key in named},
    )
    return ClientKeys(Stored(), settings)  # type: ignore[arg-type]


def test_a_change_that_is_stored_stands_though_the_storage_is_away_after_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    book = keys(away=True)
    with caplog.at_level(logging.WARNING):
        made, text = book.add(WANTED)
        assert made.id == 1 and text.startswith("sk-g2a-")
        assert book.edit([1], KeyEdit(name="other")) == 1
        assert book.delete([1]) == 1
    assert len(caplog.records) == 3 and text not in caplog.text


def test_a_key_is_needed_once_there_is_one() -> None:
    assert not keys().needed()
    assert keys(api_key="sk-x").needed()
    assert keys(named=[replace(WANTED, enabled=False)]).needed()
