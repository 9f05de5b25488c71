"""The rule that holds up logins, for one name: an address, or a username. In Lua: `redis/lua/parts/logins.lua`."""

from __future__ import annotations

from dataclasses import dataclass

from grok2api.storage.oversight import LOGIN_FREE, LOGIN_WAIT_MAX_S, LOGIN_WINDOW_S


@dataclass(frozen=True)
class Failures:
    """What a name has failed, since the first one that still counts. Times are epoch seconds.

    held_until: nobody may try before; while the failures are free, it is when the first one was. All are forgotten
    when LOGIN_WINDOW_S have passed since.
    """

    count: int
    started_at: float
    held_until: float


def wait_s(known: Failures | None, now: float) -> float:
    """How long the name has to wait, 0.0: not at all."""
    return max(0.0, known.held_until - now) if known is not None else 0.0


def failed(known: Failures | None, now: float) -> Failures:
    """After one more failure."""
    if known is None or now - known.held_until >= LOGIN_WINDOW_S:
        return Failures(1, now, now)
    count = known.count + 1
    return Failures(
        count, known.started_at, now + _hold_s(count) if count >= LOGIN_FREE else known.started_at
    )


def taken_back(known: Failures | None) -> Failures | None:
    """As if one failure had not been: the last hold is as long as it would have been without it."""
    if known is None or known.count <= 1:
        return None
    count = known.count - 1
    if count < LOGIN_FREE:
        return Failures(count, known.started_at, known.started_at)
    return Failures(count, known.started_at, known.held_until - _hold_s(known.count) + _hold_s(count))


def _hold_s(count: int) -> float:
    """2, 4, 8 … seconds, from the first failure on that is not free."""
    return min(LOGIN_WAIT_MAX_S, 2.0 ** min(count - LOGIN_FREE + 1, 10))
