"""The pool of accounts: who serves a request, and what its outcome costs the account."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import gevent

from grok2api.accounts import (
    LEASE_RENEWAL_S,
    Lease,
    LeaseRequest,
    Outcome,
    mask,
    settlement_for,
)
from grok2api.catalogue import Model
from grok2api.errors import AccountDead, NoAccount, RateLimited, StorageUnavailable, UpstreamError
from grok2api.storage.base import Leases

log = logging.getLogger(__name__)


class AccountPool:
    """Leases for the requests of one worker; all that decides lies in the storage.

    clock: epoch seconds.
    """

    def __init__(self, leases: Leases, clock: Callable[[], float] = time.time) -> None:
        self._leases = leases
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

        A storage that is away is logged: the lease ends by itself, and the answer is not to suffer.
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
        try:
            self._leases.settle(lease, settlement, self._clock())
        except StorageUnavailable as problem:
            log.error("the outcome %s of account %s is lost: %s", outcome, mask(lease.secret), problem)

    def _renew(self) -> None:
        while self._open:
            gevent.sleep(LEASE_RENEWAL_S)
            try:
                self._leases.renew(list(self._open), self._clock())
            except StorageUnavailable as problem:
                log.warning("leases could not be renewed: %s", problem)


def _reason(error: UpstreamError | None) -> str:
    if isinstance(error, AccountDead):
        return error.reason
    return str(error) if error is not None else ""
