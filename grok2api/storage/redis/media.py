"""The index of media in Redis. Many that are added at once are added in batches, as accounts are: each takes effect as
a whole, and requests get their turn in between."""

from __future__ import annotations

import math
from collections.abc import Sequence

from grok2api.media import Kind, MediaItem
from grok2api.storage.base import Media
from grok2api.storage.redis.client import BATCH, Client, batches, pairs, text
from grok2api.storage.redis.keys import Key


class RedisMedia(Media):
    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, items: Sequence[MediaItem]) -> None:
        for batch in batches(items):
            said = [
                part
                for item in batch
                for part in (item.path, str(item.kind), item.account_id, text(item.created_at))
            ]
            self._client.run("add_media", *said)

    def get(self, path: str) -> MediaItem | None:
        record = self._client.command("HGET", Key.MEDIA, path)
        return _item(path, record) if record is not None else None

    def page(self, kind: Kind | None, offset: int, limit: int) -> tuple[list[MediaItem], int]:
        total, *found = self._client.run("page_media", "" if kind is None else str(kind), offset, limit)
        return _items(found), total

    def forget_older(self, created_before: float) -> int:
        done, gone = 0, BATCH
        while gone == BATCH:
            gone = self._client.run("forget_media", text(created_before), BATCH)
            done += gone
        return done

    def forget_all(self) -> None:
        self.forget_older(math.inf)

    def walk(self, after_path: str, limit: int) -> list[MediaItem]:
        return _items(self._client.run("walk_media", after_path, limit))


def _items(found: Sequence[str]) -> list[MediaItem]:
    return [_item(path, record) for path, record in pairs(found).items()]


def _item(path: str, record: str) -> MediaItem:
    kind, account_id, created_at = record.split(" ")
    return MediaItem(path, Kind(kind), int(account_id), float(created_at))
