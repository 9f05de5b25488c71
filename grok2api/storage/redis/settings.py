"""The settings in Redis, and the values that are kept for the whole deployment."""

from __future__ import annotations

import time
from collections.abc import Mapping

import orjson

from grok2api.storage.base import Settings, StoredSettings
from grok2api.storage.redis.client import Client
from grok2api.storage.redis.keys import Key
from grok2api.storage.vault import Vault


class RedisSettings(Settings):
    def __init__(self, client: Client, vault: Vault) -> None:
        self._client = client
        self.vault = vault

    def version(self) -> int:
        return int(self._client.command("GET", Key.SETTINGS_VERSION) or 0)

    def load(self) -> StoredSettings:
        sealed, version = self._client.together(("HGETALL", Key.SETTINGS), ("GET", Key.SETTINGS_VERSION))
        values = {name: orjson.loads(self.vault.open(value)) for name, value in sealed.items()}
        return StoredSettings(int(version or 0), values)

    def save(self, values: Mapping[str, object]) -> None:
        said: list[str] = []
        for name, value in values.items():
            said += [name, self.vault.seal(orjson.dumps(value).decode())]
        self._client.run("save_settings", self.vault.check_value or "", first_version(), *said)

    def keep(self, name: str, value: str) -> str:
        _, kept = self._client.together(("HSETNX", Key.KEPT, name, value), ("HGET", Key.KEPT, name))
        return str(kept)


def first_version() -> int:
    """Where the settings' version begins, also after a server has lost it: never where it was before, so that no
    worker takes new settings for those that it knows."""
    return int(time.time())
