"""Refreshing every account's quota in the background: once at a time in the whole deployment."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

import gevent
from gevent.pool import Pool

from grok2api.accounts import AccountQuery
from grok2api.errors import GatewayError, StorageUnavailable
from grok2api.services.live_settings import LiveSettings
from grok2api.services.quota import QuotaService
from grok2api.storage.base import Accounts, Job, Jobs

NAME = "refresh_all"
_PAGE = 200
_BEAT_S = 0.5

log = logging.getLogger(__name__)


class AlreadyRunning(GatewayError):
    """`job`: how far the running one is."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"A refresh of all accounts is running ({job.current} of {job.total}).")
        self.job = job


class RefreshAll:
    """clock: epoch seconds."""

    def __init__(
        self,
        accounts: Accounts,
        jobs: Jobs,
        quota: QuotaService,
        settings: LiveSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._accounts = accounts
        self._jobs = jobs
        self._quota = quota
        self._settings = settings
        self._clock = clock

    def start(self) -> None:
        """Start in this worker. Raises AlreadyRunning when one runs anywhere."""
        owner = uuid.uuid4().hex
        job = self._jobs.begin(NAME, owner, self._clock())
        if job.owner != owner:
            raise AlreadyRunning(job)
        run = _Run(job, self._jobs, self._clock)
        try:
            _, total = self._accounts.page(AccountQuery(disabled=False, limit=1), self._clock())
        except StorageUnavailable:
            run.end()  # nothing runs
            raise
        run.begin(total)
        gevent.spawn(self._refresh, run)

    def progress(self) -> Job | None:
        """The last refresh, wherever it ran."""
        return self._jobs.get(NAME)

    def _refresh(self, run: _Run) -> None:
        beating = gevent.spawn(run.keep_beating)
        workers = Pool(self._settings.snapshot().refresh_concurrency)
        try:
            for account_id in self._enabled():
                if run.lost:
                    break
                workers.spawn(self._check, run, account_id)
            workers.join()
            run.end()
            log.info("all accounts refreshed: %s", run)
        except StorageUnavailable as error:  # without its end it counts as interrupted
            log.error("the refresh of all accounts is broken off: %s", error)
        finally:
            workers.join()
            beating.kill()

    def _enabled(self) -> Iterator[int]:
        last = 0
        while accounts := self._accounts.walk(last, _PAGE):
            last = accounts[-1].id
            yield from (account.id for account in accounts if not account.disabled)

    def _check(self, run: _Run, account_id: int) -> None:
        try:
            checked = self._quota.check(account_id)
            run.count(checked is not None and checked.error is None)
        except StorageUnavailable as error:
            log.warning("account %d could not be refreshed: %s", account_id, error)
            run.count(False)


class _Run:
    """One run's progress, stored while it goes on."""

    def __init__(self, job: Job, jobs: Jobs, clock: Callable[[], float]) -> None:
        self._job = job
        self._jobs = jobs
        self._clock = clock
        self.lost = False

    def begin(self, total: int) -> None:
        self._job = replace(self._job, total=total)
        self.beat()

    def count(self, good: bool) -> None:
        job = self._job
        self._job = replace(job, success=job.success + good, failed=job.failed + (not good))

    def beat(self) -> None:
        """Store the progress; `lost` when another runner has taken over."""
        self._job = replace(self._job, beat_at=self._clock())
        try:
            self.lost = not self._jobs.beat(self._job)
        except StorageUnavailable as error:
            log.warning("the refresh's progress could not be stored: %s", error)

    def keep_beating(self) -> None:
        while not self.lost:
            gevent.sleep(_BEAT_S)
            self.beat()

    def end(self) -> None:
        self._job = replace(self._job, ended_at=self._clock())
        self.beat()

    def __str__(self) -> str:
        return f"{self._job.success} good, {self._job.failed} failed"
