"""Sealing everything anew, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from grok2api.errors import StorageUnavailable
from grok2api.storage.redis.client import Client, batches
from grok2api.storage.redis.keys import KEY_CHECK, Key
from grok2api.storage.vault import Vault

_READ = 1000
_WRITTEN = 500

#: What changes whenever a secret or a response comes, goes or is sealed anew. Leases and edits change none of it.
_WATCHED = (Key.KEPT, Key.DIGESTS, Key.SETTINGS, Key.RESPONSES)

Command = Sequence[Any]


def check_value(client: Client) -> str | None:
    """The vault's check value beside the data; None for a place that is empty or not sealed."""
    kept: str | None = client.command("HGET", Key.KEPT, KEY_CHECK)
    return kept


def reseal(client: Client, old: Vault, new: Vault) -> None:
    """The contract's `reseal`, from one vault to another."""
    anew = _Anew(old, new)

    def prepare() -> list[Command] | None:
        kept = check_value(client)
        if kept == new.check_value:
            return None  # somebody was quicker
        if kept != old.check_value:
            raise StorageUnavailable("The storage has another SECRET_KEY by now. Restart with it.")
        commands = [*_accounts(client, anew), *_settings(client, anew), *_no_responses(client)]
        if new.check_value is None:
            return [*commands, ("HDEL", Key.KEPT, KEY_CHECK)]
        return [*commands, ("HSET", Key.KEPT, KEY_CHECK, new.check_value)]

    client.unless_changed(_WATCHED, prepare)


class _Anew:
    """What was sealed by one vault, sealed by another: each once, so that a further attempt takes little time."""

    def __init__(self, old: Vault, new: Vault) -> None:
        self._old, self._new = old, new
        self._done: dict[str, tuple[str, str]] = {}

    def __call__(self, sealed: str) -> tuple[str, str]:
        """Sealed by the other, and the digest to find it by."""
        if sealed not in self._done:
            secret = self._old.open(sealed)
            self._done[sealed] = self._new.seal(secret), self._new.digest(secret)
        return self._done[sealed]


def _accounts(client: Client, anew: _Anew) -> Iterator[Command]:
    digests: list[str] = []
    after = "0"
    while found := client.run("secrets", after, _READ):
        for id_, sealed in zip(found[::2], found[1::2], strict=True):
            secret, digest = anew(sealed)
            digests += [digest, id_]
            yield ("HSET", Key.ACCOUNT + id_, "secret", secret, "digest", digest)
        after = found[-2]
    yield ("DEL", Key.DIGESTS)
    for batch in batches(digests, _WRITTEN):
        yield ("HSET", Key.DIGESTS, *batch)


def _settings(client: Client, anew: _Anew) -> Iterator[Command]:
    for name, sealed in client.command("HGETALL", Key.SETTINGS).items():
        yield ("HSET", Key.SETTINGS, name, anew(sealed)[0])


def _no_responses(client: Client) -> Iterator[Command]:
    ids: list[str] = client.command("ZRANGE", Key.RESPONSES, 0, -1)
    for batch in batches(ids, _WRITTEN):
        yield ("UNLINK", *(Key.RESPONSE + id_ for id_ in batch))
    yield ("DEL", Key.RESPONSES)
