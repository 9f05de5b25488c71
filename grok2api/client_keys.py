"""The keys that the operator gives to clients, and the rule of their limits. Pure.

The rule in Lua: `storage/redis/lua/parts/windows.lua`.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

MAX_NAME_CHARS = 100
#: Of all models of a key together, as JSON.
MAX_MODELS_BYTES = 4096

MINUTE_S = 60
DAY_S = 24 * 3600

#: A window that begins within so long counts as begun: another node's clock is a little ahead of ours.
CLOCKS_DIFFER_S = 60.0


@dataclass(frozen=True)
class ClientKey:
    """digest: SHA-256 of the key in hex, the key itself is not stored. hint: its first and last characters, 32 at
    most. models: empty: all. per_minute, per_day: requests, 0: no limit. Times are epoch seconds; expires_at: None:
    never."""

    id: int
    name: str
    digest: str
    hint: str
    created_at: float
    enabled: bool = True
    expires_at: float | None = None
    models: tuple[str, ...] = ()
    per_minute: int = 0
    per_day: int = 0
    last_used_at: float | None = None
    request_count: int = 0


@dataclass(frozen=True)
class KeyEdit:
    """What to change in keys; None: leave. expires_at counts only with set_expiry."""

    name: str | None = None
    enabled: bool | None = None
    expires_at: float | None = None
    set_expiry: bool = False
    models: tuple[str, ...] | None = None
    per_minute: int | None = None
    per_day: int | None = None


@dataclass(frozen=True)
class Windows:
    """How many requests of a key were counted in its last UTC minute and UTC day, and when these began, epoch
    seconds."""

    minute_at: int = 0
    in_minute: int = 0
    day_at: int = 0
    in_day: int = 0


def digest_of(key: str) -> str:
    """What stands for a key's text: SHA-256 in hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def take(known: Windows, per_minute: int, per_day: int, now: float) -> tuple[float, Windows]:
    """Whether a request may go ahead, and what is counted then. 0.0: it may, else the seconds until the window that
    is full ends, the longer one's if both are; then nothing is counted."""
    minute_at, in_minute = _running(known.minute_at, known.in_minute, MINUTE_S, now)
    day_at, in_day = _running(known.day_at, known.in_day, DAY_S, now)
    wait_s = 0.0
    if 0 < per_minute <= in_minute:
        wait_s = minute_at + MINUTE_S - now
    if 0 < per_day <= in_day:
        wait_s = max(wait_s, day_at + DAY_S - now)
    if wait_s:
        return wait_s, known
    return 0.0, Windows(minute_at, in_minute + 1, day_at, in_day + 1)


def _running(began_at: int, count: int, span_s: int, now: float) -> tuple[int, int]:
    """The window that `now` lies in, with its count."""
    if began_at - CLOCKS_DIFFER_S <= now < began_at + span_s:
        return began_at, count
    return int(now - math.fmod(now, span_s)), 0
