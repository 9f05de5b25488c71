"""Asking upstream about one account: its quota, and whether its secret is still good."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from grok2api.accounts import (
    DEFAULT_POOL,
    DEFAULT_WINDOW_S,
    UNAUTHORIZED_LIMIT,
    Finding,
    QuotaReading,
)
from grok2api.catalogue import Catalogue
from grok2api.errors import AccountDead, BadRequest, GatewayError, Unauthorized, UpstreamError
from grok2api.services.live_settings import LiveSettings
from grok2api.storage.base import Leases
from grok2api.upstream.client import GrokClient
from grok2api.upstream.rate_limits import RateLimits


@dataclass(frozen=True)
class Checked:
    """What a check found of the default pool, or the error that it ended with."""

    remaining: int | None = None
    total: int | None = None
    error: GatewayError | None = None


class QuotaService:
    """clock: epoch seconds."""

    def __init__(
        self,
        leases: Leases,
        client: GrokClient,
        catalogue: Catalogue,
        settings: LiveSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._leases = leases
        self._client = client
        self._catalogue = catalogue
        self._settings = settings
        self._clock = clock

    def check(self, account_id: int, *, within_s: float = 0.0, forget: bool = True) -> Checked | None:
        """Ask upstream and store what it says.

        within_s: somebody's check in the last so many seconds stands in for this one. forget: a good answer makes
        failures forgotten. None: no check was needed, or there is no such account. An upstream that is away, in
        the way or busy changes nothing about the account. Raises StorageUnavailable.
        """
        now = self._clock()
        check = self._leases.begin_check(account_id, now, now - within_s)
        if check is None:
            return None
        limits: dict[str, RateLimits] = {}
        error: GatewayError | None = None
        try:
            for pool, model in self._catalogue.quota_sources(check.tier).items():
                limits[pool] = self._client.rate_limits(check.secret, model, self._settings.snapshot())
        except (UpstreamError, BadRequest) as failure:
            error = failure
        now = self._clock()
        self._leases.end_check(check, _finding(limits, error, now, forget=forget), now)
        shown = limits.get(DEFAULT_POOL, RateLimits())
        return Checked(shown.remaining, shown.total, error)


def _finding(
    limits: dict[str, RateLimits], error: GatewayError | None, now: float, *, forget: bool
) -> Finding:
    if isinstance(error, AccountDead):
        return Finding(failure=error.reason, expire=error.reason)
    if isinstance(error, Unauthorized):
        return Finding(failure=str(error), strike_limit=UNAUTHORIZED_LIMIT)
    quotas = {
        pool: QuotaReading(found.remaining, now + _window_s(found))
        for pool, found in limits.items()
        if found.remaining is not None
    }
    return Finding(quotas, good=forget and error is None)


def _window_s(found: RateLimits) -> float:
    if found.remaining == 0 and found.wait_s:
        return found.wait_s
    return found.window_s or DEFAULT_WINDOW_S
