"""Correcting the stored quota of accounts after their answers, without a second upstream call for each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import gevent
from cachetools import TTLCache
from gevent.pool import Pool

from grok2api.errors import (
    AccountDead,
    Challenged,
    GatewayError,
    StorageUnavailable,
    Unauthorized,
    Unreachable,
    UpstreamFailed,
)
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
        except StorageUnavailable as problem:
            log.warning("the quota of account %d could not be stored: %s", account_id, problem)
            self._again(account_id, _asked(due), self._pace.retry_s)
            return
        error = checked.error if checked is not None else None
        if _is_of_all(error):
            log.warning("quotas cannot be read, next try in %g s: %s", self._pace.away_s, error)
            self._away_until = self._clock() + self._pace.away_s
            self._again(account_id, _asked(due), self._pace.retry_s)
        elif due.tries + 1 >= _TRIES:
            return
        elif checked is None and due.doubtful:
            self._again(account_id, replace(due, tries=due.tries + 1), self._pace.retry_s)
        elif error is None or isinstance(error, AccountDead | Unauthorized):
            self._fresh[account_id] = True
        else:
            log.info("the quota of account %d could not be read: %s", account_id, error)
            self._again(account_id, replace(_asked(due), tries=due.tries + 1), self._pace.away_s)

    def _again(self, account_id: int, due: _Due, wait_s: float) -> None:
        self._due.setdefault(account_id, replace(due, at=self._clock() + wait_s))


def _is_of_all(error: GatewayError | None) -> bool:
    """What concerns all accounts, and is waited for however long it lasts; an odd refusal is the account's own."""
    if isinstance(error, UpstreamFailed):
        return error.status is None or error.status >= 500
    return isinstance(error, Challenged | Unreachable)


def _asked(due: _Due) -> _Due:
    """The question counts as asked, and was not answered: whatever was known before, the number is in doubt."""
    return replace(due, doubtful=True)
