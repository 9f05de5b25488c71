"""Asking upstream about one account: its quota, and whether its secret is still good."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from grok2api.accounts import (
    DEFAULT_POOL,
    DEFAULT_WINDOW_S,
    UNAUTHORIZED_LIMIT,
    Check,
    Finding,
    QuotaReading,
)
from grok2api.catalogue import Catalogue
from grok2api.errors import (
    AccountDead,
    BadRequest,
    Challenged,
    GatewayError,
    Unauthorized,
    Unreachable,
    UpstreamError,
)
from grok2api.services.live_settings import LiveSettings
from grok2api.storage.base import Leases
from grok2api.upstream.client import GrokClient
from grok2api.upstream.rate_limits import RateLimits

#: What holds for all pools of an account, whichever was asked about.
_OF_ALL_POOLS = (AccountDead, Unauthorized, Challenged, Unreachable)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked:
    """What a check found of the default pool, or the error that it ended with."""

    remaining: int | None = None
    total: int | None = None
    error: GatewayError | None = None


class QuotaService:
    """on_failure: told of each refusal of upstream's. clock: epoch seconds."""

    def __init__(
        self,
        leases: Leases,
        client: GrokClient,
        catalogue: Catalogue,
        settings: LiveSettings,
        on_failure: Callable[[UpstreamError], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._leases = leases
        self._client = client
        self._catalogue = catalogue
        self._settings = settings
        self._on_failure = on_failure
        self._clock = clock

    def check(self, account_id: int, *, within_s: float = 0.0, judge: bool = True) -> Checked | None:
        """Ask upstream and store what it says.

        within_s: somebody's check in the last so many seconds stands in for this one. judge: a good answer makes
        failures forgotten, a refusal counts. None: no check was needed, or there is no such account. An upstream
        that is away, in the way or busy changes nothing about the account. Raises StorageUnavailable.
        """
        now = self._clock()
        check = self._leases.begin_check(account_id, now, now - within_s)
        if check is None:
            return None
        limits, error = self._ask(check)
        if isinstance(error, UpstreamError):
            self._on_failure(error)
        now = self._clock()
        self._leases.end_check(check, _finding(limits, error, now, judge=judge), now)
        shown = limits.get(DEFAULT_POOL, RateLimits())
        return Checked(shown.remaining, shown.total, error)

    def _ask(self, check: Check) -> tuple[dict[str, RateLimits], GatewayError | None]:
        """What upstream says of each pool, and what went wrong with the default one or with all."""
        limits: dict[str, RateLimits] = {}
        for pool, model in self._catalogue.quota_sources(check.tier).items():
            try:
                limits[pool] = self._client.rate_limits(check.secret, model, self._settings.snapshot())
            except (UpstreamError, BadRequest) as error:
                if pool == DEFAULT_POOL or isinstance(error, _OF_ALL_POOLS):
                    return limits, error
                log.info("the %s quota of account %d could not be read: %s", pool, check.account_id, error)
        return limits, None


def _finding(
    limits: dict[str, RateLimits], error: GatewayError | None, now: float, *, judge: bool
) -> Finding:
    if isinstance(error, AccountDead):
        return Finding(failure=error.reason, expire=error.reason)
    if isinstance(error, Unauthorized) and judge:
        return Finding(failure=str(error), strike_limit=UNAUTHORIZED_LIMIT)
    quotas = {
        pool: QuotaReading(found.remaining, now + _window_s(found))
        for pool, found in limits.items()
        if found.remaining is not None
    }
    return Finding(quotas, good=judge and error is None)


def _window_s(found: RateLimits) -> float:
    if found.remaining == 0 and found.wait_s:
        return found.wait_s
    return found.window_s or DEFAULT_WINDOW_S
