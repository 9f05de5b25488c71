"""What audit and request log share in Redis: sorted sets of entries by their time, see `lua/parts/journal.lua`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from grok2api.storage.redis.client import Client, text
from grok2api.storage.redis.keys import Key


class Timed(Protocol):
    @property
    def at(self) -> float: ...


E = TypeVar("E", bound=Timed)


def walk(client: Client, journal: Key, limit: int, entry: Callable[[str], E]) -> Iterator[list[E]]:
    """All entries, the oldest first, at most so many at a time. entry: of a member."""
    at, of_that_moment = "-inf", 0
    while found := client.command("ZRANGEBYSCORE", journal, at, "+inf", "LIMIT", of_that_moment, limit):
        page = [entry(member) for member in found]
        yield page
        last = text(page[-1].at)
        of_that_moment = sum(text(one.at) == last for one in page) + (of_that_moment if last == at else 0)
        at = last
