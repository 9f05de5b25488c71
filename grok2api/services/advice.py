"""What the operator should mend, as the console's overview tells it: a code, how urgent it is, and what it is about."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from grok2api.accounts import Tier, TierSummary
from grok2api.env import Env
from grok2api.services.admin_auth import AdminAuth
from grok2api.services.client_keys import ClientKeys
from grok2api.services.live_settings import LiveSettings
from grok2api.storage.base import Store

_LOCAL = ("127.0.0.1", "::1", "localhost")

log = logging.getLogger(__name__)


class Urgency(StrEnum):
    """The most urgent first."""

    DANGER = "danger"  # something does not work, or stands open
    WARNING = "warning"  # it soon may
    NOTE = "note"  # worth knowing


_ORDER = list(Urgency)


@dataclass(frozen=True)
class Advice:
    """The console has a text for each `code`, with the names of `detail` as its blanks."""

    code: str
    urgency: Urgency
    detail: Mapping[str, str | int] = field(default_factory=dict)


class Adviser:
    def __init__(
        self, env: Env, store: Store, settings: LiveSettings, auth: AdminAuth, keys: ClientKeys
    ) -> None:
        self._sealed = bool(env.secret_key)
        self._host = env.host
        self._local = env.host in _LOCAL
        self._store = store
        self._settings = settings
        self._auth = auth
        self._keys = keys

    def advice(self, tiers: Mapping[Tier, TierSummary], blocked: int) -> list[Advice]:
        """The most urgent first. blocked: how often upstream's guards refused in the last hour.

        Raises StorageUnavailable."""
        return sorted(self._found(tiers, blocked), key=lambda one: _ORDER.index(one.urgency))

    def warn_if_open(self) -> None:
        """Say in the log that whoever reaches this address can use it, where that may be others than this machine."""
        if not self._local and not self._keys.needed():
            log.warning(
                "HOST=%s: whoever reaches this address can use the gateway and its accounts without a key. Set "
                "api_key, add a key in the console, or set HOST=127.0.0.1.",
                self._host,
            )

    def _found(self, tiers: Mapping[Tier, TierSummary], blocked: int) -> Iterator[Advice]:
        settings = self._settings.snapshot()
        accounts = sum(sum(tier.statuses.values()) for tier in tiers.values())
        if self._auth.default_password_stands():
            yield Advice("default_password", Urgency.DANGER)
        if not accounts:
            yield Advice("no_accounts", Urgency.DANGER)
        elif not any(tier.fit for tier in tiers.values()):
            yield Advice("no_fit_accounts", Urgency.DANGER, {"count": accounts})
        if blocked:
            yield Advice("blocked", Urgency.DANGER, {"count": blocked})
        for text in self._store.warnings():
            yield Advice("storage", Urgency.DANGER, {"text": text})
        if not self._keys.needed():
            yield Advice("no_api_key", Urgency.WARNING if self._local else Urgency.DANGER)
        if not settings.base_url:
            yield Advice("no_base_url", Urgency.NOTE)
        if not self._sealed:
            yield Advice("no_secret_key", Urgency.NOTE)
