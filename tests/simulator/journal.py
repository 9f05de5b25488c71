"""What the simulator received and how it ended. Raw bytes are kept and decoded only when somebody asks."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

import orjson

from .http import Request

_MAX_RECORDS = 20_000
_MAX_BODY_BYTES = 64 * 1024
_MAX_TEXT = 32 * 1024
_MAX_TOTAL_BYTES = 256 * 1024 * 1024


@dataclass(slots=True)
class Record:
    """One request. Times are epoch seconds; `ended` is None while the answer is under way."""

    seq: int
    at: float
    request: Request
    body: bytes
    body_bytes: int
    truncated: bool
    sso: str
    status: int | None = None
    ended: str | None = None
    closed_at: float | None = None
    scenario: str = ""
    flags: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        body: object
        try:
            body = orjson.loads(self.body) if self.body else None
        except orjson.JSONDecodeError:
            body = self.body.decode(errors="replace")
        return {
            "seq": self.seq, "at": self.at, "method": self.request.method, "path": self.request.path,
            "query": self.request.query, "headers": self.request.headers, "cookies": self.request.cookies,
            "body": body, "body_bytes": self.body_bytes, "body_truncated": self.truncated,
            "sso": self.sso, "status": self.status, "ended": self.ended, "closed_at": self.closed_at,
            "scenario": self.scenario, "flags": list(self.flags),
        }  # fmt: skip


class Journal:
    """The last requests, and counters of streams since the start or the last reset."""

    def __init__(self, keep: bool = True) -> None:
        self.keep = keep
        self._records: deque[Record] = deque()
        self._bytes = 0
        self._seq = 0
        self.open = 0
        self.counts: Counter[str] = Counter()

    def add(self, request: Request, sso: str) -> Record:
        self._seq += 1
        body, truncated = _bounded(request.body) if self.keep else (b"", False)
        record = Record(self._seq, time.time(), request, body, len(request.body), truncated, sso)
        if self.keep:
            self._records.append(record)
            self._bytes += len(body)
            while len(self._records) > _MAX_RECORDS or self._bytes > _MAX_TOTAL_BYTES:
                self._bytes -= len(self._records.popleft().body)
        return record

    def find(self, sso: str | None, path: str | None, limit: int) -> list[dict[str, Any]]:
        """The newest `limit` records that match, oldest first; `path` is a prefix."""
        chosen = [
            record
            for record in self._records
            if (sso is None or record.sso == sso) and (path is None or record.request.path.startswith(path))
        ]
        return [record.describe() for record in chosen[-limit:]]

    def clear(self) -> None:
        self._records.clear()
        self._bytes = 0
        self.counts.clear()


def _bounded(body: bytes) -> tuple[bytes, bool]:
    """The body, or a shorter form: long texts of a JSON object are cut, other bodies end early."""
    if len(body) <= _MAX_BODY_BYTES:
        return body, False
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        return body[:_MAX_BODY_BYTES], True
    return orjson.dumps(
        {key: text[:_MAX_TEXT] if isinstance(text, str) else text for key, text in value.items()}
    ), True
