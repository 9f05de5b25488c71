"""Correcting the stored quota of accounts after their answers, without a second upstream call for each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import gevent
from cachetools import TTLCache
from gevent.pool import Pool

from grok2api.errors import AccountDead, StorageUnavailable, Unauthorized
from grok2api.services.quota import QuotaService

_AT_ONCE = 4
#: To find a deleted account out, and to outlast `every_s` of another worker's question.
_TRIES = 6

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """Seconds. delay_s: from an answer to the question. every_s, calm_s: an account is asked about once in so long in
    the whole deployment, when its number is in doubt and when it is not. retry_s: until the next try. away_s: when
    upstream cannot be asked, nobody is asked about for so long. tick_s: how often it is looked who is due."""

    delay_s: float = 1.0
    every_s: float = 20.0
    calm_s: float = 600.0
    retry_s: float = 5.0
    away_s: float = 60.0
    tick_s: float = 0.25


@dataclass
class _Due:
    at: float
    doubtful: bool
    tries: int = 0


class Corrections:
    """The accounts of one worker whose numbers may be wrong. An account in doubt that goes quiet is asked about once
    more after its last answer, so that its numbers become exact. clock: seconds, monotonic."""

    def __init__(
        self, quota: QuotaService, pace: Pace | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._quota = quota
        self._pace = pace or Pace()
        self._clock = clock
        self._due: dict[int, _Due] = {}
        self._fresh: TTLCache[int, bool] = TTLCache(100_000, self._pace.calm_s, clock)
        self._away_until = 0.0
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def note(self, account_id: int, doubtful: bool) -> None:
        """An answer of this account has ended. doubtful: its number is unknown or low, or something went wrong."""
        if not doubtful and account_id in self._fresh:
            return
        due = self._due.setdefault(account_id, _Due(self._clock() + self._pace.delay_s, doubtful))
        due.tries, due.doubtful = 0, due.doubtful or doubtful
        if self._greenlet is None or self._greenlet.dead:
            self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        workers = Pool(_AT_ONCE)
        while self._due or workers:
            gevent.sleep(self._pace.tick_s)
            for account_id in self._who_is_due():
                workers.wait_available()
                if self._is_away():
                    break
                workers.spawn(self._correct, account_id, self._due.pop(account_id))

    def _who_is_due(self) -> list[int]:
        now = self._clock()
        return [] if self._is_away() else [id_ for id_, due in self._due.items() if due.at <= now]

    def _is_away(self) -> bool:
        return self._clock() < self._away_until

    def _correct(self, account_id: int, due: _Due) -> None:
        within_s = self._pace.every_s if due.doubtful else self._pace.calm_s
        try:
            checked = self._quota.check(account_id, within_s=within_s, judge=False)
        except StorageUnavailable as error:
            log.warning("the quota of account %d could not be stored: %s", account_id, error)
            self._again(account_id, due, due.tries)
            return
        if checked is None and due.doubtful and due.tries + 1 < _TRIES:
            self._again(account_id, due, due.tries + 1)
        elif (
            checked is None or checked.error is None or isinstance(checked.error, AccountDead | Unauthorized)
        ):
            self._fresh[account_id] = True
        else:
            log.warning("quotas cannot be read, next try in %g s: %s", self._pace.away_s, checked.error)
            self._away_until = self._clock() + self._pace.away_s
            due.doubtful = True  # the question counts as asked, and was not answered
            self._again(account_id, due, due.tries)

    def _again(self, account_id: int, due: _Due, tries: int) -> None:
        later = _Due(self._clock() + self._pace.retry_s, due.doubtful, tries)
        self._due.setdefault(account_id, later)
