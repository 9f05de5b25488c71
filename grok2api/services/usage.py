"""What is counted of the requests, for the console's charts: by the minute for hours, by the quarter-hour for days.

Each worker counts for itself and adds what it has to the storage every few seconds; a killed worker loses as much.
"""

from __future__ import annotations

import logging
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from grok2api.errors import StorageUnavailable
from grok2api.services.periodic import Periodic
from grok2api.storage.base import Usage, UsageCount

FLUSH_S = 2.0
#: Upper ends of the classes that first-token times are counted in, in seconds; the last class has none.
FIRST_TOKEN_BOUNDS_S = (0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Period:
    """A stretch of time that a chart shows. step_s: of one point; kept_s: how long its counts are stored."""

    step_s: int
    length_s: int
    kept_s: int


PERIODS = {"hour": Period(60, 3600, 2 * 3600), "day": Period(900, 86400, 2 * 86400)}


class Counted(StrEnum):
    """Names of counts. FIRST_TOKEN is a stem that the number of a class follows."""

    REQUESTS = "requests"
    FAILED = "failed"
    GONE = "gone"
    BLOCKED = "blocked"
    FIRST_TOKEN = "first_token_"  # nosec B105 # the name of a count


class UsageMeter:
    """Counts in one worker. clock: epoch seconds."""

    def __init__(self, usage: Usage, clock: Callable[[], float] = time.time) -> None:
        self._usage = usage
        self._clock = clock
        self._counts: Counter[tuple[int, int, str]] = Counter()
        self._writing = Periodic(self.flush, FLUSH_S, "counting")

    def request(
        self, *, failed: bool = False, gone: bool = False, first_token_s: float | None = None
    ) -> None:
        """A request for an answer has ended. failed: not by the client's fault. gone: its client left before the end.
        first_token_s: None when nothing came."""
        self._count(Counted.REQUESTS)
        if failed:
            self._count(Counted.FAILED)
        if gone:
            self._count(Counted.GONE)
        if first_token_s is not None:
            self._count(f"{Counted.FIRST_TOKEN}{bisect_left(FIRST_TOKEN_BOUNDS_S, first_token_s)}")

    def blocked(self) -> None:
        """Cloudflare or upstream's anti-bot rules stood in the way."""
        self._count(Counted.BLOCKED)

    def start(self) -> None:
        self._writing.start()

    def stop(self) -> None:
        self._writing.stop()

    def flush(self) -> None:
        """Add what was counted to the storage; what it does not take is kept."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            self._usage.add([UsageCount(*place, number) for place, number in sorted(counts.items())])
        except Exception as error:
            oldest = self._clock() - max(period.kept_s for period in PERIODS.values())
            counts = Counter({place: number for place, number in counts.items() if place[1] > oldest})
            self._counts.update(counts)
            if not isinstance(error, StorageUnavailable):
                raise
            log.warning("what was counted is stored later: %s", error)

    def _count(self, name: str) -> None:
        now = int(self._clock())
        for period in PERIODS.values():
            self._counts[period.step_s, now - now % period.step_s, name] += 1


@dataclass(frozen=True)
class Point:
    """What was counted from `at` (epoch seconds) on. Percentiles of first-token times are in seconds; None: there were
    none."""

    at: int
    requests: int
    failed: int
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True)
class History:
    """The last of `points` is not over. `total`: of all of them, `at` is the first one's."""

    step_s: int
    points: tuple[Point, ...]
    total: Point
    blocked: int


def history(usage: Usage, period: Period, now: float) -> History:
    """What was counted in the period that ends now, over all workers and nodes."""
    last = int(now) - int(now) % period.step_s
    first = last - period.length_s + period.step_s
    by_start: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for count in usage.since(period.step_s, first):
        by_start[count.start][count.name] += count.count
    # what a node whose clock is ahead has counted comes in its time
    steps = range(first, last + 1, period.step_s)
    in_all: Counter[str] = sum((by_start[at] for at in steps), Counter())
    points = tuple(_point(at, by_start[at]) for at in steps)
    return History(period.step_s, points, _point(first, in_all), in_all[Counted.BLOCKED])


def _point(at: int, counts: Mapping[str, int]) -> Point:
    classes = [counts.get(f"{Counted.FIRST_TOKEN}{n}", 0) for n in range(len(FIRST_TOKEN_BOUNDS_S) + 1)]
    requests, failed = counts.get(Counted.REQUESTS, 0), counts.get(Counted.FAILED, 0)
    return Point(at, requests, failed, percentile(classes, 0.5), percentile(classes, 0.95))


def percentile(classes: list[int], share: float) -> float | None:
    """The time that this share of them did not exceed, in seconds, as if evenly spread in its class."""
    wanted = sum(classes) * share
    if not wanted:
        return None
    below = 0.0
    for low, high, number in zip((0.0, *FIRST_TOKEN_BOUNDS_S), FIRST_TOKEN_BOUNDS_S, classes, strict=False):
        if number and below + number >= wanted:
            return low + (high - low) * (wanted - below) / number
        below += number
    return FIRST_TOKEN_BOUNDS_S[-1]
