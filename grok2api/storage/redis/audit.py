"""What the operators did, in Redis."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from grok2api.storage.oversight import Audit, AuditEntry
from grok2api.storage.redis.client import BATCH, Client, batches, text
from grok2api.storage.redis.journal import walk
from grok2api.storage.redis.keys import Key


class RedisAudit(Audit):
    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, *entries: AuditEntry) -> None:
        for batch in batches(entries):
            said = [part for one in batch for part in (text(one.at), orjson.dumps(one).decode())]
            self._client.run("add_audit", *said)

    def page(self, offset: int, limit: int) -> tuple[list[AuditEntry], int]:
        asked = ("ZREVRANGE", Key.AUDIT, offset, offset + limit - 1)
        if limit <= 0:
            return [], self._client.command("ZCARD", Key.AUDIT)
        found, total = self._client.together(asked, ("ZCARD", Key.AUDIT))
        return [_entry(member) for member in found], total

    def forget_older(self, before: float, keep_most: int) -> None:
        while self._client.run("forget_audit", text(before), keep_most, BATCH) == BATCH:
            pass

    def walk(self, limit: int) -> Iterator[list[AuditEntry]]:
        return walk(self._client, Key.AUDIT, limit, _entry)


def _entry(member: str) -> AuditEntry:
    """Of a member of `Key.AUDIT`."""
    return AuditEntry(**orjson.loads(member.partition(" ")[2]))
