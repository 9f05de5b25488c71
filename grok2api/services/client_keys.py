"""Named keys of clients: each worker has them beside the settings, only what limits count lies in the storage."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from grok2api.client_keys import ClientKey, KeyEdit, digest_of
from grok2api.errors import GatewayError, StorageUnavailable
from grok2api.services.live_settings import LiveSettings
from grok2api.services.patience import PATIENCE_S, within
from grok2api.services.periodic import Periodic
from grok2api.storage.base import Keys

PREFIX = "sk-g2a-"
FLUSH_S = 2.0
_SHOWN = 4

log = logging.getLogger(__name__)


class KeyRefused(GatewayError):
    """A key that is known, but does not open: disabled or expired."""


class KeyLimited(GatewayError):
    """A key has used what it may for now. `wait_s`: seconds until it may go on."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("This key has made as many requests as it may for now.")
        self.wait_s = wait_s


class ClientKeys:
    """clock: epoch seconds. settings: holds the keys as it loads them."""

    def __init__(self, keys: Keys, settings: LiveSettings, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._settings = settings
        self._clock = clock
        self._uses: dict[int, tuple[int, float]] = {}
        self._writing = Periodic(self.flush, FLUSH_S, "storing the use of keys")

    def needed(self) -> bool:
        """Whether nobody gets in without a key: the settings have one, or there is a named one, enabled or not."""
        return bool(self._settings.snapshot().api_key or self._settings.keys())

    def find(self, given: str) -> ClientKey | None:
        """The key that a client sent. Raises KeyRefused."""
        key = self._settings.keys().get(digest_of(given))
        if key is None:
            return None
        if not key.enabled:
            raise KeyRefused("This key is disabled.")
        if key.expires_at is not None and key.expires_at <= self._clock():
            raise KeyRefused("This key has expired.")
        return key

    def admit(self, key: ClientKey) -> None:
        """Count a request. Raises KeyLimited, StorageUnavailable."""
        now = self._clock()
        if key.per_minute or key.per_day:
            wait_s = within(PATIENCE_S, lambda: self._keys.take(key.id, now))
            if wait_s > 0:
                raise KeyLimited(wait_s)
            return
        count, _ = self._uses.get(key.id, (0, 0.0))
        self._uses[key.id] = (count + 1, now)

    def all(self) -> list[ClientKey]:
        return self._keys.all()

    def add(self, key: ClientKey) -> tuple[ClientKey, str]:
        """A new key with this name, expiry, models and limits, and its text, which is nowhere else."""
        text = PREFIX + secrets.token_urlsafe(32)
        hint = f"{text[: len(PREFIX) + _SHOWN]}…{text[-_SHOWN:]}"
        made = self._keys.add(replace(key, digest=digest_of(text), hint=hint, created_at=self._clock()))
        self._settings.reload()
        return made, text

    def edit(self, ids: Sequence[int], edit: KeyEdit) -> int:
        """How many there were."""
        changed = self._keys.edit(ids, edit)
        self._settings.reload()
        return changed

    def delete(self, ids: Sequence[int]) -> int:
        """How many there were."""
        deleted = self._keys.delete(ids)
        self._settings.reload()
        return deleted

    def start(self) -> None:
        self._writing.start()

    def stop(self) -> None:
        self._writing.stop()

    def flush(self) -> None:
        """Store how often and when unlimited keys were used; what the storage does not take is kept."""
        uses, self._uses = self._uses, {}
        if not uses:
            return
        try:
            self._keys.note_used(uses)
        except Exception as error:
            for id_, (count, at) in uses.items():
                newer, last = self._uses.get(id_, (0, at))
                self._uses[id_] = (count + newer, max(at, last))
            if not isinstance(error, StorageUnavailable):
                raise
            log.warning("the use of keys is stored later: %s", error)
