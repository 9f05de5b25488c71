"""Stored responses in Redis, which forgets them by itself as well."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from grok2api.storage.base import Responses, StoredResponse
from grok2api.storage.redis.client import BATCH, Client, batches, text
from grok2api.storage.redis.keys import Key
from grok2api.storage.vault import Vault


class RedisResponses(Responses):
    def __init__(self, client: Client, vault: Vault) -> None:
        self._client = client
        self.vault = vault

    def save(self, response: StoredResponse) -> None:
        sealed, check = self.vault.seal_bytes(response.body), self.vault.check_value or ""
        self._client.run(
            "save_response", check, response.id, response.owner, text(response.expires_at), sealed
        )

    def get(self, id_: str, owner: str, now: float) -> StoredResponse | None:
        found = self._read([id_], now)
        return found[0] if found and found[0].owner == owner else None

    def delete(self, id_: str, owner: str, now: float) -> bool:
        return bool(self._client.run("delete_response", id_, owner, text(now)))

    def forget_expired(self, now: float) -> None:
        while self._client.run("forget_responses", text(now), BATCH) == BATCH:
            pass

    def forget_all(self) -> None:
        self.forget_expired(math.inf)

    def walk(self, limit: int, now: float) -> Iterator[list[StoredResponse]]:
        cursor = None
        while cursor != 0:
            cursor, found = self._client.command("ZSCAN", Key.RESPONSES, cursor or 0)
            for ids in batches([id_ for id_, _ in found], limit):
                if page := self._read(ids, now):
                    yield page

    def _read(self, ids: Sequence[str], now: float) -> list[StoredResponse]:
        """Those of them that are there and have not expired."""
        found = self._client.together(*(("HGETALL", Key.RESPONSE + id_) for id_ in ids))
        return [
            StoredResponse(id_, one["owner"], self.vault.open_bytes(one["body"]), float(one["expires_at"]))
            for id_, one in zip(ids, found, strict=True)
            if one and float(one["expires_at"]) > now
        ]
