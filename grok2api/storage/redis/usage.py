"""Counts over time in Redis."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grok2api.storage.oversight import Usage, UsageCount
from grok2api.storage.redis.client import BATCH, Client, batches, pairs
from grok2api.storage.redis.keys import Key


class RedisUsage(Usage):
    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, counts: Sequence[UsageCount]) -> None:
        for batch in batches(counts):
            self._client.run("add_usage", *(part for one in batch for part in one))

    def since(self, span_s: int, start: int) -> list[UsageCount]:
        return [one for page in self._walk_span(span_s, start) for one in page]

    def forget_before(self, span_s: int, start: int) -> None:
        self._forget(span_s, str(start))

    def forget_all(self) -> None:
        for span_s in self._spans():
            self._forget(span_s, "+inf")

    def walk(self, limit: int) -> Iterator[list[UsageCount]]:
        for span_s in self._spans():
            for page in self._walk_span(span_s, 0):
                for batch in batches(page, limit):
                    yield list(batch)

    def _spans(self) -> list[int]:
        return sorted(int(span) for span in self._client.command("SMEMBERS", Key.USAGE_SPANS))

    def _forget(self, span_s: int, before: str) -> None:
        while self._client.run("forget_usage", span_s, before, BATCH) == BATCH:
            pass

    def _walk_span(self, span_s: int, start: int) -> Iterator[list[UsageCount]]:
        after = str(start)
        while found := self._client.run("usage_since", span_s, after, BATCH):
            yield [
                UsageCount(span_s, int(at), name, int(count))
                for at, *counts in found
                for name, count in sorted(pairs(counts).items())
            ]
            after = f"({found[-1][0]}"
