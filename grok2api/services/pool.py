"""The pool of accounts: who serves a request, and what its outcome costs the account."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable

import gevent
from gevent.event import Event

from grok2api.account_secrets import mask
from grok2api.accounts import (
    LEASE_RENEWAL_S,
    VOID_KEPT_S,
    Lease,
    LeaseRequest,
    Outcome,
    Settlement,
    settlement_for,
)
from grok2api.catalogue import Model
from grok2api.errors import AccountDead, NoAccount, RateLimited, StorageUnavailable, UpstreamError
from grok2api.services.metrics import Metrics
from grok2api.services.patience import PATIENCE_S, within
from grok2api.storage.base import Leases

#: Calls left below which a stored number is in doubt after every answer.
LOW = 10
#: Outcomes that wait for a storage that is away, and how often it is asked; the oldest are given up first.
UNSETTLED_MAX = 10_000
RETRY_S = 3.0
#: How long the end of an answer is held up until its outcome is stored.
SETTLE_S = 1.0

log = logging.getLogger(__name__)


class AccountPool:
    """Leases for the requests of one worker; all that decides lies in the storage.

    on_settled: told of each account whose quota upstream may have changed, and whether the stored number is in doubt.
    clock: epoch seconds.
    """

    def __init__(
        self,
        leases: Leases,
        metrics: Metrics,
        on_settled: Callable[[int, bool], None] = lambda account_id, doubtful: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._leases = leases
        self._on_settled = on_settled
        self._metrics = metrics
        self._unsettled: deque[tuple[Lease, Settlement, float]] = deque(maxlen=UNSETTLED_MAX)
        self._clock = clock
        self._open: dict[str, Lease] = {}
        self._taking: dict[object, float] = {}
        self._has_unsettled = Event()
        self._renewer: gevent.Greenlet[[], None] | None = None

    @property
    def open_leases(self) -> int:
        """Leases that this worker holds."""
        return len(self._open)

    def lease(
        self, model: Model, *, tried: tuple[int, ...], max_in_flight: int, cost: int | None = None
    ) -> Lease:
        """Take an account for one attempt; settle it, whatever happens. cost: calls of its quota, unless the model's.

        Raises NoAccount, StorageUnavailable."""
        wanted = LeaseRequest(
            tiers=model.tiers,
            pool=model.pool,
            cost=cost or model.cost,
            exclude=tried,
            max_in_flight=max_in_flight,
            first_attempt=not tried,
        )
        began = time.monotonic()
        problem: Exception | None = None
        try:
            lease = self._wait_for(wanted, began)
        except (NoAccount, StorageUnavailable) as error:
            problem = error
            raise
        finally:
            self._metrics.lease_asked(time.monotonic() - began, problem)
        self._open[lease.id] = lease
        self._metrics.leases_open(len(self._open))
        self._keep_renewing()
        return lease

    def _wait_for(self, wanted: LeaseRequest, since: float) -> Lease:
        if self._taking and time.monotonic() - next(iter(self._taking.values())) > PATIENCE_S:
            # A crowd that stands in line while a server hangs would stand in the way when it is back.
            raise StorageUnavailable("The storage does not answer.")
        return within(PATIENCE_S, lambda: self._take(wanted, since), too_late=self._give_back)

    def settle(
        self, lease: Lease, outcome: Outcome, *, error: UpstreamError | None = None, used: int | None = None
    ) -> None:
        """End a lease. error: what the attempt failed with. used: the real cost, when it is not the lease's.

        The answer is not to suffer from a storage that is away or slow: the outcome is stored when it is back.
        """
        self._open.pop(lease.id, None)
        self._metrics.leases_open(len(self._open))
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
            within(SETTLE_S, lambda: self._store(lease, settlement, now))
        except StorageUnavailable:
            log.warning("the outcome %s of account %s is still being stored", outcome, mask(lease.secret))
        if outcome is not Outcome.CHALLENGED:
            doubtful = outcome is not Outcome.SUCCESS or settlement.used != lease.cost
            self._on_settled(lease.account_id, doubtful or _is_low(lease))

    def _take(self, wanted: LeaseRequest, since: float) -> Lease:
        me = object()
        self._taking[me] = since
        try:
            lease = self._leases.lease(wanted, self._clock())
            if lease is None:
                raise NoAccount(self._leases.shortage(wanted, self._clock()))
            return lease
        finally:
            del self._taking[me]

    def _give_back(self, lease: Lease) -> None:
        """Nobody waits for it any more; upstream was never asked."""
        self.settle(lease, Outcome.ABANDONED, used=0)

    def _store(self, lease: Lease, settlement: Settlement, now: float) -> None:
        try:
            self._leases.settle(lease, settlement, now)
        except StorageUnavailable as problem:
            log.error("the outcome of account %s has to wait: %s", mask(lease.secret), problem)
            self._metrics.storage_failed("settle")
            self._unsettled.append((lease, settlement, now))
            self._has_unsettled.set()
            self._keep_renewing()

    def _keep_renewing(self) -> None:
        if self._renewer is None or self._renewer.dead:
            self._renewer = gevent.spawn(self._renew)

    def _renew(self) -> None:
        while self._open or self._unsettled:
            if self._unsettled or self._has_unsettled.wait(LEASE_RENEWAL_S):
                gevent.sleep(RETRY_S)
            self._has_unsettled.clear()
            try:
                self._leases.renew(list(self._open), self._clock())
                self._settle_late()
            except StorageUnavailable as problem:
                self._metrics.storage_failed("renew")
                log.warning("leases could not be renewed: %s", problem)
            except Exception:  # of one round; the next ones are needed all the same
                log.exception("leases could not be renewed")

    def _settle_late(self) -> None:
        """Store what had to wait, in its order. Raises StorageUnavailable at the first that still cannot be, which
        comes last the next time: one that can never be stored is to hold up no other."""
        for _ in range(len(self._unsettled)):
            lease, settlement, at = self._unsettled.popleft()
            try:
                self._leases.settle(lease, settlement, at)
            except StorageUnavailable:
                if self._clock() - at < VOID_KEPT_S:  # else the storage has forgotten the lease
                    self._unsettled.append((lease, settlement, at))
                raise


def _is_low(lease: Lease) -> bool:
    """Whether so few calls are left, if it is known at all, that a wrong number would soon show."""
    return lease.remaining_before is None or lease.remaining_before - lease.cost < LOW


def _reason(error: UpstreamError | None) -> str:
    if isinstance(error, AccountDead):
        return error.reason
    return str(error) if error is not None else ""
