"""Which files could not be had from upstream a moment ago, so that it need not be asked again. Per worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

from cachetools import TLRUCache

from grok2api.errors import MediaLost, RateLimited, UpstreamError

#: How long a failure is good for, in seconds: most, a file that is lost, and the longest that upstream's word is taken.
_AWHILE_S = 10.0
_LOST_S = 60.0
_LONGEST_S = 120.0
#: Paths that are remembered; they are the clients' choice, but only among those that were handed out.
_MOST = 4096


@dataclass
class _Failure:
    error: UpstreamError
    ends_at: float


class MediaFailures:
    """clock: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: TLRUCache[str, _Failure] = TLRUCache(
            _MOST, ttu=lambda _path, failure, _now: failure.ends_at, timer=clock
        )

    def note(self, path: str, error: UpstreamError) -> None:
        # Not what led to it, nor from where: that holds on to all that the failed attempt had in its hands.
        bare = copy(error).with_traceback(None)
        bare.__cause__ = bare.__context__ = None
        self._failures[path] = _Failure(bare, self._clock() + _good_for_s(error))

    def check(self, path: str) -> None:
        """Raises the UpstreamError that it met with, if that is still good; a RateLimited says what is left to wait."""
        failure = self._failures.get(path)
        if failure is None:
            return
        error = failure.error
        if isinstance(error, RateLimited):
            raise RateLimited(error.message, failure.ends_at - self._clock(), error.exhausted)
        raise copy(error)  # several may be raising it at once


def _good_for_s(error: UpstreamError) -> float:
    if isinstance(error, MediaLost):
        return _LOST_S
    if isinstance(error, RateLimited) and error.wait_s is not None:
        return min(max(error.wait_s, 1.0), _LONGEST_S)
    return _AWHILE_S
