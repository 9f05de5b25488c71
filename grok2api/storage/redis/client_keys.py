"""The clients' keys in Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson

from grok2api.client_keys import ClientKey, KeyEdit
from grok2api.storage.clients import Keys
from grok2api.storage.redis.client import BATCH, Client, batches, flag, pairs, text
from grok2api.storage.redis.keys import Key
from grok2api.storage.redis.settings import first_version


class RedisKeys(Keys):
    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, key: ClientKey) -> ClientKey:
        (id_,) = self._client.run("store_keys", first_version(), "", _stored(key))
        return replace(key, id=int(id_))

    def restore(self, keys: Sequence[ClientKey]) -> None:
        for batch in batches(keys):
            said = [part for key in batch for part in (key.id, _stored(key))]
            self._client.run("store_keys", first_version(), *said)

    def all(self) -> list[ClientKey]:
        keys: list[ClientKey] = []
        while found := self._client.run("show_keys", keys[-1].id if keys else 0, BATCH):
            keys += [_key(int(id_), pairs(flat)) for id_, *flat in found]
        return keys

    def edit(self, ids: Sequence[int], edit: KeyEdit) -> int:
        unique = list(dict.fromkeys(ids))
        said = [part for pair in _values(edit).items() for part in pair]
        return int(self._client.run("edit_keys", first_version(), len(unique), *unique, *said))

    def delete(self, ids: Sequence[int]) -> int:
        return int(self._client.run("delete_keys", first_version(), *dict.fromkeys(ids)))

    def forget_all(self) -> None:
        while ids := self._client.command("ZRANGE", Key.CLIENT_KEYS, 0, BATCH - 1):
            self._client.run("delete_keys", first_version(), *ids)

    def take(self, id_: int, now: float) -> float:
        return float(self._client.run("take_key", id_, text(now)))

    def note_used(self, uses: Mapping[int, tuple[int, float]]) -> None:
        said = [part for id_, (requests, at) in uses.items() for part in (id_, requests, text(at))]
        if said:
            self._client.run("note_key_uses", *said)


def _stored(key: ClientKey) -> str:
    """JSON of its hash, but for the id."""
    return orjson.dumps(
        {
            "name": key.name,
            "digest": key.digest,
            "hint": key.hint,
            "created_at": text(key.created_at),
            "enabled": flag(key.enabled),
            "expires_at": text(key.expires_at),
            "models": _models_json(key.models),
            "per_minute": text(key.per_minute),
            "per_day": text(key.per_day),
            "last_used_at": text(key.last_used_at),
            "request_count": text(key.request_count),
        }
    ).decode()


def _values(edit: KeyEdit) -> dict[str, str]:
    """The fields of the hash that change."""
    values: dict[str, str] = {}
    if edit.name is not None:
        values["name"] = edit.name
    if edit.enabled is not None:
        values["enabled"] = flag(edit.enabled)
    if edit.set_expiry:
        values["expires_at"] = text(edit.expires_at)
    if edit.models is not None:
        values["models"] = _models_json(edit.models)
    if edit.per_minute is not None:
        values["per_minute"] = text(edit.per_minute)
    if edit.per_day is not None:
        values["per_day"] = text(edit.per_day)
    return values


def _key(id_: int, known: Mapping[str, str]) -> ClientKey:
    return ClientKey(
        id_, known["name"], known["digest"], known["hint"], float(known["created_at"]),
        enabled=known["enabled"] == "1", expires_at=_time(known["expires_at"]),
        models=tuple(orjson.loads(known["models"])), per_minute=int(known["per_minute"]),
        per_day=int(known["per_day"]), last_used_at=_time(known["last_used_at"]),
        request_count=int(known["request_count"]),
    )  # fmt: skip


def _time(stored: str) -> float | None:
    return float(stored) if stored else None


def _models_json(models: Sequence[str]) -> str:
    return orjson.dumps(models).decode()
