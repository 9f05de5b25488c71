"""Whether the server may lose what it was given. What it does not tell is taken for good."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from grok2api.errors import StorageUnavailable
from grok2api.storage.redis.client import Client

_NOT_PERSISTENT = (
    "Redis keeps nothing when it restarts: neither AOF nor RDB is on, so that accounts and settings would be "
    "lost. Set `appendonly yes` in redis.conf."
)
_EVICTS = (
    "Redis may throw accounts and settings away when its memory is full: maxmemory-policy is {policy}. "
    "Set `maxmemory-policy noeviction` in redis.conf."
)


def durability_warnings(client: Client) -> list[str]:
    """Sentences for the operator."""
    told = _told(client)
    warnings: list[str] = []
    if told.get("appendonly") == "no" and told.get("save") == "":
        warnings.append(_NOT_PERSISTENT)
    policy = told.get("maxmemory-policy", "noeviction")
    if policy != "noeviction":
        warnings.append(_EVICTS.format(policy=policy))
    return warnings


def _told(client: Client) -> Mapping[str, str]:
    """Values by their names in redis.conf, as far as the server tells them: hosted ones often forbid CONFIG."""
    told: dict[str, str] = {}
    for name in ("appendonly", "save", "maxmemory-policy"):
        with suppress(StorageUnavailable):
            told |= client.command("CONFIG GET", name)
    if told:
        return told
    with suppress(StorageUnavailable):
        info = client.command("INFO")
        told["maxmemory-policy"] = str(info.get("maxmemory_policy", "noeviction"))
    return told
