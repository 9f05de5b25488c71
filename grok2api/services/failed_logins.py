"""Which failed logins are remembered one by one. Strangers may fail as often as they like, from ever other addresses:
they must not push out of the list what the operators did."""

from __future__ import annotations

from collections import deque

#: Of one worker; further ones are counted.
LISTED_MOST = 30
LISTED_S = 3600.0


class FailedLogins:
    """Times are epoch seconds."""

    def __init__(self) -> None:
        self._listed: deque[float] = deque(maxlen=LISTED_MOST)
        self._left_out = 0

    def to_list(self, now: float) -> int | None:
        """Of one more: None when it is only counted; else how many were before it since the last one listed."""
        full = len(self._listed) == LISTED_MOST
        if full and 0 <= now - self._listed[0] < LISTED_S:
            self._left_out += 1
            return None
        self._listed.append(now)
        left_out, self._left_out = self._left_out, 0
        return left_out
