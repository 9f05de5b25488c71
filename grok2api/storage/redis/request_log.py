"""The log of the clients' requests in Redis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from grok2api.storage.clients import RequestEntry, RequestLog
from grok2api.storage.redis.client import BATCH, Client, batches, text
from grok2api.storage.redis.journal import walk
from grok2api.storage.redis.keys import Key


class RedisRequestLog(RequestLog):
    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, entries: Sequence[RequestEntry]) -> None:
        for batch in batches(entries):
            said = [part for one in batch for part in (text(one.at), _member(one))]
            self._client.run("add_requests", *said)

    def recent(self, limit: int) -> list[RequestEntry]:
        if limit <= 0:
            return []
        return [_entry(member) for member in self._client.command("ZREVRANGE", Key.REQUEST_LOG, 0, limit - 1)]

    def clear(self) -> int:
        count, _ = self._client.together(("ZCARD", Key.REQUEST_LOG), ("UNLINK", Key.REQUEST_LOG))
        return int(count)

    def forget_older(self, before: float, keep_most: int) -> None:
        while self._client.run("forget_requests", text(before), keep_most, BATCH) == BATCH:
            pass

    def walk(self, limit: int) -> Iterator[list[RequestEntry]]:
        return walk(self._client, Key.REQUEST_LOG, limit, _entry)


def _member(entry: RequestEntry) -> str:
    """What follows its number in `Key.REQUEST_LOG`."""
    return f"{entry.request_id} {orjson.dumps([entry.at, entry.document]).decode()}"


def _entry(member: str) -> RequestEntry:
    """Of a member of `Key.REQUEST_LOG`."""
    _, request_id, said = member.split(" ", 2)
    at, document = orjson.loads(said)
    return RequestEntry(at, request_id, document)
