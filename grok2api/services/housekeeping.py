"""What one worker of the whole deployment does in the background: freeing void leases, forgetting what is over (stored
responses, media too old to be handed out, counts, actions, failed logins), and refreshing gently those accounts whose
numbers are old."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

import gevent

from grok2api.errors import Challenged, StorageUnavailable, Unreachable, UpstreamTimeout
from grok2api.services.live_settings import LiveSettings
from grok2api.services.quota import QuotaService
from grok2api.services.request_log import KEPT
from grok2api.services.usage import PERIODS
from grok2api.storage.base import Job, Store

NAME = "housekeeping"
_TICK_S = 5.0
#: Seconds between two looks for what is to be forgotten.
_FORGET_S = 60.0
_DAY_S = 24 * 3600.0
#: Actions of operators that are remembered, whatever their age.
_AUDIT_MOST = 10_000
#: Accounts that a tick refreshes at most, and the pause between two.
_GENTLY = 10
_PAUSE_S = 0.2
#: When upstream is away or in the way, the schedule waits for so long.
_AWAY_S = 60.0

_AWAY = (Challenged, Unreachable, UpstreamTimeout)

log = logging.getLogger(__name__)


class Housekeeping:
    """clock: epoch seconds. Only a worker that serves starts it."""

    def __init__(
        self,
        store: Store,
        quota: QuotaService,
        settings: LiveSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._quota = quota
        self._settings = settings
        self._clock = clock
        self._owner = uuid.uuid4().hex
        self._job: Job | None = None
        self._greenlet: gevent.Greenlet[[], None] | None = None
        self._away_until = 0.0
        self._forget_at = 0.0

    def start(self) -> None:
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """Let another worker take over at once."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
        if self._job is not None:
            now = self._clock()
            try:
                self._store.jobs.beat(replace(self._job, beat_at=now, ended_at=now))
            except StorageUnavailable as error:
                log.warning("another worker takes over a little later: %s", error)

    def tick(self) -> None:
        """One round, if this worker is the one. Raises StorageUnavailable."""
        now = self._clock()
        job = self._store.jobs.begin(NAME, self._owner, now)
        if job.owner != self._owner:
            self._job = None
            return
        self._job = job
        if self._is_still_ours():
            self._store.leases.heal(now)
            self._forget_old(now)
            self._refresh_some(now)

    def _is_still_ours(self) -> bool:
        """Tell the others that this worker lives; one that was silent for too long has been replaced."""
        if self._job is not None:
            self._job = replace(self._job, beat_at=self._clock())
            if not self._store.jobs.beat(self._job):
                self._job = None
        return self._job is not None

    def _forget_old(self, now: float) -> None:
        if now < self._forget_at:
            return
        self._forget_at = now + _FORGET_S
        self._store.responses.forget_expired(now)
        self._store.logins.forget_old(now)
        for period in PERIODS.values():
            self._store.usage.forget_before(period.step_s, int(now) - period.kept_s)
        settings = self._settings.snapshot()
        self._store.requests.forget_older(now - settings.log_retention_days * _DAY_S, KEPT)
        self._store.audit.forget_older(now - settings.audit_retention_days * _DAY_S, _AUDIT_MOST)
        if settings.media_index_days:
            self._store.media.forget_older(now - settings.media_index_days * _DAY_S)

    def _refresh_some(self, now: float) -> None:
        interval_s = self._settings.snapshot().refresh_interval_minutes * 60
        if not interval_s or now < self._away_until:
            return
        for account_id in self._store.accounts.stale(now - interval_s, _GENTLY):
            checked = self._quota.check(account_id, within_s=interval_s)
            if checked is not None and isinstance(checked.error, _AWAY):
                self._away_until = now + _AWAY_S
                log.warning("quotas are not refreshed for %d s: %s", _AWAY_S, checked.error)
                return
            if not self._is_still_ours():
                return
            gevent.sleep(_PAUSE_S)

    def _run(self) -> None:
        while True:
            try:
                self.tick()
            except StorageUnavailable as error:
                log.warning("housekeeping waits: %s", error)
            except Exception:  # of one round; the next ones are needed all the same
                log.exception("housekeeping failed")
            gevent.sleep(_TICK_S)
