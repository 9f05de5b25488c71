"""The contract's part for the gateway's clients: their keys, and the log of their requests.

What `base.py` says of all repositories holds here too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grok2api.client_keys import ClientKey, KeyEdit


class Keys(ABC):
    """The clients' keys. Each change of them (`add`, `restore`, `edit`, `delete`) raises the version of the settings
    with it: every worker keeps the keys beside these. Their use does not."""

    @abstractmethod
    def add(self, key: ClientKey) -> ClientKey:
        """Store a key under a new id, which is never given again; `key.id` is ignored. As it is stored."""

    @abstractmethod
    def restore(self, keys: Sequence[ClientKey]) -> None:
        """Store keys as they are, with their ids: into an empty place only. Their running windows begin anew."""

    @abstractmethod
    def all(self) -> list[ClientKey]:
        """In the order of their ids."""

    @abstractmethod
    def edit(self, ids: Sequence[int], edit: KeyEdit) -> int:
        """Change these keys; how many of them there are."""

    @abstractmethod
    def delete(self, ids: Sequence[int]) -> int:
        """Forget these keys; how many there were."""

    @abstractmethod
    def take(self, id_: int, now: float) -> float:
        """Count a request against the limits of a key, as `client_keys.take` has it: 0.0 when it may go ahead, and is
        counted, in `request_count` and `last_used_at` too; else how many seconds to wait, and nothing is counted.
        0.0 for a key that is not there. No lease waits for it."""

    @abstractmethod
    def note_used(self, uses: Mapping[int, tuple[int, float]]) -> None:
        """Add to keys without limits what was counted of them: id -> (requests, the last one's time). Those that are
        not there are left out. No lease waits for it: every worker does it every few seconds."""


@dataclass(frozen=True)
class RequestEntry:
    """What came of a request. at: epoch seconds. request_id: 64 characters at most, no blanks. document: of JSON's
    types, 16 KiB at most as JSON; the caller sees to it."""

    at: float
    request_id: str
    document: dict[str, object]


class RequestLog(ABC):
    """The clients' requests. `Store.clear` leaves it."""

    @abstractmethod
    def add(self, entries: Sequence[RequestEntry]) -> None:
        """Store these, in this order. Cheap, no lease waits for it: every worker does it every second or two."""

    @abstractmethod
    def recent(self, limit: int) -> list[RequestEntry]:
        """The newest so many, the newest first; of the same moment, what was added later comes first."""

    @abstractmethod
    def clear(self) -> int:
        """Forget all of them; how many there were. In small steps between which others get their turn."""

    @abstractmethod
    def forget_older(self, before: float, keep_most: int) -> None:
        """Forget those from before then, and all but the newest `keep_most`. In small steps."""

    @abstractmethod
    def walk(self, limit: int) -> Iterator[list[RequestEntry]]:
        """All of them, in the order of `recent` turned round, at most so many at a time. What comes or goes meanwhile
        may be left out."""
