"""Correcting the stored quota of accounts after their answers, without a second upstream call for each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import gevent
from gevent.pool import Pool

from grok2api.errors import StorageUnavailable
from grok2api.services.quota import QuotaService

#: How long after an answer its account is asked about, and how often at most in the whole deployment.
DELAY_S = 1.0
EVERY_S = 20.0
_RETRY_S = 5.0
_AWAY_S = 60.0
_TRIES = 6
_AT_ONCE = 4
_TICK_S = 0.25

log = logging.getLogger(__name__)


@dataclass
class _Due:
    at: float
    tries: int = 0


class Corrections:
    """The accounts of one worker whose numbers may be wrong. An account that goes quiet is asked about once
    more after its last answer, so that its numbers become exact. clock: seconds, monotonic."""

    def __init__(self, quota: QuotaService, clock: Callable[[], float] = time.monotonic) -> None:
        self._quota = quota
        self._clock = clock
        self._due: dict[int, _Due] = {}
        self._greenlet: gevent.Greenlet[[], None] | None = None

    def note(self, account_id: int) -> None:
        """An answer of this account has ended."""
        self._due.setdefault(account_id, _Due(self._clock() + DELAY_S)).tries = 0
        if self._greenlet is None or self._greenlet.dead:
            self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        workers = Pool(_AT_ONCE)
        while self._due or workers:
            gevent.sleep(_TICK_S)
            now = self._clock()
            for account_id in [id_ for id_, due in self._due.items() if due.at <= now]:
                due = self._due.pop(account_id)
                workers.spawn(self._correct, account_id, due.tries)

    def _correct(self, account_id: int, tries: int) -> None:
        wait_s = _RETRY_S
        try:
            checked = self._quota.check(account_id, within_s=EVERY_S, forget=False)
            if checked is not None and checked.error is None:
                return
            if checked is not None:
                wait_s = _AWAY_S
                log.info("the quota of account %d could not be read: %s", account_id, checked.error)
        except StorageUnavailable as error:
            log.warning("the quota of account %d could not be stored: %s", account_id, error)
        if tries + 1 < _TRIES:  # enough to outlast EVERY_S; a deleted account is given up
            self._due.setdefault(account_id, _Due(self._clock() + wait_s, tries + 1))
