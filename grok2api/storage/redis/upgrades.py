"""Bringing the keys to this release's form: a script for each version, run once, whoever starts first."""

from __future__ import annotations

from grok2api.errors import ConfigurationError
from grok2api.storage.redis.client import Client
from grok2api.storage.redis.keys import SCHEMA, Key


def check_schema(client: Client, where: str) -> int:
    """The version of what is there, SCHEMA where there is nothing. Raises ConfigurationError for a newer release's
    data. where: the server, for the message."""
    version = client.command("GET", Key.SCHEMA)
    if version is None:
        return SCHEMA
    if not version.isdigit() or int(version) > SCHEMA:
        raise ConfigurationError(
            f"{where}: its data is of a newer release (schema {version}). Run that release."
        )
    return int(version)


def upgrade(client: Client, version: int) -> None:
    """From this version on. Each script may run again where another worker was quicker."""
    for newer in range(version + 1, SCHEMA + 1):
        client.run(f"upgrade_to_{newer}")
    client.command("SETNX", Key.SCHEMA, SCHEMA)
