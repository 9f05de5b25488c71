"""The accounts in counts, for whoever asks often: monitors and balancers must not keep the storage busy, which counts
all accounts for each answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import copy_context
from functools import partial

import gevent

from grok2api.accounts import Tier, TierSummary
from grok2api.errors import StorageUnavailable
from grok2api.storage.base import Accounts

#: How old an answer may be. One that failed is not given twice.
FRESH_S = 10.0

Counts = dict[Tier, TierSummary]
_Read = tuple[Counts | None, Exception | None]


class AccountCounts:
    """One reading at a time in a worker, whoever waits for it. clock: epoch seconds; monotonic: seconds."""

    def __init__(
        self,
        accounts: Accounts,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._monotonic = monotonic
        self._counts: Counts = {}
        self._read_at: float | None = None
        self._reading: gevent.Greenlet[[], _Read] | None = None

    def get(self, wait_s: float) -> Counts:
        """The counts, of the last FRESH_S. Raises StorageUnavailable, also when it takes longer than `wait_s`."""
        if self._read_at is not None and self._monotonic() - self._read_at < FRESH_S:
            return self._counts
        reading = self._reading
        if reading is None or reading.dead:
            reading = self._reading = gevent.spawn(partial(copy_context().run, self._read))
        reading.join(max(wait_s, 0.0))
        if not reading.dead:
            raise StorageUnavailable("The storage does not answer.")
        counts, error = reading.get()
        if counts is None:
            raise error or StorageUnavailable("The storage does not answer.")
        return counts

    def _read(self) -> _Read:
        began = self._monotonic()
        try:
            counts = self._accounts.summary(self._clock())
        except Exception as error:  # handed back rather than raised: gevent prints what greenlets raise
            return None, error
        self._counts, self._read_at = counts, began
        return counts, None
