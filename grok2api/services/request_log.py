"""The last requests, for the console: who asked for what model, which accounts were tried, how it ended. Never what was
asked or answered.

Each worker writes what it has every second; a killed one loses as much. The log never slows a request: it is bounded,
and what a storage that is away cannot take is dropped, the oldest first.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from grok2api.accounts import Shortage
from grok2api.errors import StorageUnavailable
from grok2api.services.periodic import Periodic
from grok2api.services.tracing import Attempt
from grok2api.storage.base import RequestEntry, RequestLog

FLUSH_S = 1.0
#: Requests that are remembered.
KEPT = 1000
#: Of one worker, while the storage is away.
_WAITING_MAX = KEPT
_ATTEMPTS_MAX = 20

OUTCOMES = ("ok", "failed", "refused", "gone")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RequestRecord:
    """How a request went. outcome: one of OUTCOMES; refused: by the client's own fault; gone: the client left.

    status: of the answer; a stream that failed has 200. code: of the error, with its message where that holds nothing
    of what was asked or answered. key: the name of who asked. Times are in seconds, first_s is None when nothing came.
    """

    request_id: str
    path: str
    model: str
    stream: bool
    key: str
    outcome: str
    status: int
    code: str = ""
    error: str = ""
    first_s: float | None = None
    total_s: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    shortage: Shortage | None = None


@dataclass(frozen=True)
class LogQuery:
    """What a list of requests is to hold; what is empty holds all. text: a part of the request id, the model, the key,
    the code or an account's mask."""

    text: str = ""
    model: str = ""
    outcome: str = ""
    key: str = ""
    offset: int = 0
    limit: int = 50


class RequestBook:
    """clock: epoch seconds."""

    def __init__(self, store: RequestLog, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._waiting: deque[RequestEntry] = deque(maxlen=_WAITING_MAX)
        self._writing = Periodic(self.flush, FLUSH_S, "writing the log of requests")

    def note(self, record: RequestRecord) -> None:
        """A request has ended."""
        document = dict(vars(record))  # asdict copies all that is in it, for five times the time
        document["attempts"] = [dict(vars(attempt)) for attempt in record.attempts[:_ATTEMPTS_MAX]]
        document["shortage"] = record.shortage and dict(vars(record.shortage))
        del document["request_id"]
        self._waiting.append(RequestEntry(self._clock(), record.request_id, document))

    def page(self, query: LogQuery) -> tuple[list[RequestEntry], int]:
        """The newest first, and how many there are in all."""
        found = [entry for entry in self._store.recent(KEPT) if _lets_through(query, entry)]
        return found[query.offset : query.offset + query.limit], len(found)

    def clear(self) -> int:
        """How many there were."""
        return self._store.clear()

    def start(self) -> None:
        self._writing.start()

    def stop(self) -> None:
        self._writing.stop()

    def flush(self) -> None:
        """Add what was noted to the storage; of what it does not take, the newest are kept."""
        entries = list(self._waiting)
        if not entries:
            return
        self._waiting.clear()
        try:
            self._store.add(entries)
        except Exception as error:
            newer = list(self._waiting)
            self._waiting.clear()
            self._waiting.extend(entries + newer)
            if not isinstance(error, StorageUnavailable):
                raise
            log.warning("the log of requests is written later: %s", error)


def _lets_through(query: LogQuery, entry: RequestEntry) -> bool:
    document = entry.document
    return (
        (not query.model or document["model"] == query.model)
        and (not query.outcome or document["outcome"] == query.outcome)
        and (not query.key or document["key"] == query.key)
        and (not query.text or any(query.text.lower() in text.lower() for text in _texts(entry)))
    )


def _texts(entry: RequestEntry) -> Iterator[str]:
    document: dict[str, Any] = entry.document
    yield from (entry.request_id, document["model"], document["key"], document["code"])
    yield from (attempt["account"] for attempt in document["attempts"])
