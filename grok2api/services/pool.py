"""The pool of accounts: who serves a request, and what its outcome costs the account."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

import gevent

from grok2api.accounts import (
    LEASE_RENEWAL_S,
    Lease,
    LeaseRequest,
    Outcome,
    Settlement,
    mask,
    settlement_for,
)
from grok2api.catalogue import Model
from grok2api.errors import AccountDead, NoAccount, RateLimited, StorageUnavailable, UpstreamError
from grok2api.storage.base import Leases

#: Outcomes that wait for a storage that is away, and how often it is asked; the oldest are given up first.
UNSETTLED_MAX = 10_000
RETRY_S = 3.0

log = logging.getLogger(__name__)


class AccountPool:
    """Leases for the requests of one worker; all that decides lies in the storage.

    on_settled: told of each account whose quota upstream may have changed. clock: epoch seconds.
    """

    def __init__(
        self,
        leases: Leases,
        on_settled: Callable[[int], None] = lambda account_id: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._leases = leases
        self._on_settled = on_settled
        self._unsettled: deque[tuple[Lease, Settlement, float]] = deque(maxlen=UNSETTLED_MAX)
        self._clock = clock
        self._open: dict[str, Lease] = {}
        self._renewer: gevent.Greenlet[[], None] | None = None

    @property
    def open_leases(self) -> int:
        """Leases that this worker holds."""
        return len(self._open)

    def lease(self, model: Model, *, tried: tuple[int, ...], max_in_flight: int) -> Lease:
        """Take an account for one attempt; settle it, whatever happens. Raises NoAccount."""
        wanted = LeaseRequest(
            tiers=model.tiers,
            pool=model.pool,
            cost=model.cost,
            exclude=tried,
            max_in_flight=max_in_flight,
            first_attempt=not tried,
        )
        lease = self._leases.lease(wanted, self._clock())
        if lease is None:
            raise NoAccount(self._leases.shortage(wanted, self._clock()))
        self._open[lease.id] = lease
        if self._renewer is None or self._renewer.dead:
            self._renewer = gevent.spawn(self._renew)
        return lease

    def settle(
        self, lease: Lease, outcome: Outcome, *, error: UpstreamError | None = None, used: int | None = None
    ) -> None:
        """End a lease. error: what the attempt failed with. used: the real cost, when it is not the lease's.

        The answer is not to suffer from a storage that is away: the outcome is stored when it is back.
        """
        self._open.pop(lease.id, None)
        settlement = settlement_for(
            outcome,
            lease,
            reason=_reason(error),
            used=used,
            wait_s=error.wait_s if isinstance(error, RateLimited) else None,
            exhausted=isinstance(error, RateLimited) and error.exhausted,
        )
        if settlement.expire or settlement.cooldown_s:
            log.info("account %s: %s (%s)", mask(lease.secret), outcome, settlement.failure)
        now = self._clock()
        try:
            self._leases.settle(lease, settlement, now)
        except StorageUnavailable as problem:
            self._unsettled.append((lease, settlement, now))
            log.error("the outcome %s of account %s has to wait: %s", outcome, mask(lease.secret), problem)
        if outcome is not Outcome.CHALLENGED:
            self._on_settled(lease.account_id)

    def _renew(self) -> None:
        while self._open or self._unsettled:
            gevent.sleep(LEASE_RENEWAL_S if not self._unsettled else RETRY_S)
            try:
                self._leases.renew(list(self._open), self._clock())
                self._settle_late()
            except StorageUnavailable as problem:
                log.warning("leases could not be renewed: %s", problem)

    def _settle_late(self) -> None:
        """Store what had to wait, in its order. Raises StorageUnavailable at the first that still cannot be."""
        while self._unsettled:
            lease, settlement, at = self._unsettled[0]
            self._leases.settle(lease, settlement, at)
            self._unsettled.popleft()


def _reason(error: UpstreamError | None) -> str:
    if isinstance(error, AccountDead):
        return error.reason
    return str(error) if error is not None else ""
