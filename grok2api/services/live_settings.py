"""The settings as they are now, and the clients' keys with them: a change reaches every worker and node within a
second."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context

import gevent

from grok2api.client_keys import ClientKey
from grok2api.errors import SettingError, StorageUnavailable
from grok2api.settings import Snapshot, Value, clean, snapshot
from grok2api.storage.base import Settings

#: How old a snapshot may be before the stored version is asked for again.
FRESH_S = 0.5
#: How old the one may be that other greenlets go on with while one of them asks.
STALE_S = 0.9
#: How long requests wait for an answer to that, which a storage that hangs does not give.
WAIT_S = 2.0
#: Before the first load; no stored version is as low.
_NONE = -1

log = logging.getLogger(__name__)


class LiveSettings:
    """Settings for the requests of one worker.

    defaults: values that stand while nothing is stored under their name. on_change: told of each new snapshot.
    load_keys: the clients' named keys, whose changes raise the settings' version.
    """

    def __init__(
        self,
        store: Settings,
        *,
        defaults: Mapping[str, Value],
        on_change: Callable[[Snapshot], None],
        load_keys: Callable[[], list[ClientKey]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._defaults = dict(defaults)
        self._on_change = on_change
        self._load_keys = load_keys
        self._clock = clock
        self._refreshing: gevent.Greenlet[..., None] | None = None
        self._refreshing_since = 0.0
        self._checked_at = clock()
        self._version = _NONE
        self._snapshot: Snapshot
        self._load()

    def snapshot(self) -> Snapshot:
        """All settings, at most FRESH_S old, or the last ones known while the storage is away."""
        age = self._clock() - self._checked_at
        if age > STALE_S or (age > FRESH_S and self._refreshing is None):
            if self._refreshing is None:
                self._refreshing_since = self._clock()
                self._refreshing = gevent.spawn(copy_context().run, self._refresh)
            self._refreshing.join(max(0.0, self._refreshing_since + WAIT_S - self._clock()))
        return self._snapshot

    def fresh(self) -> Snapshot:
        """All settings as they are stored now. Raises StorageUnavailable."""
        return self._load() if self._store.version() != self._version else self._snapshot

    def keys(self) -> Mapping[str, ClientKey]:
        """The clients' named keys by their digests, as fresh as `snapshot`."""
        self.snapshot()
        return self._keys

    def reload(self) -> None:
        """Act at once on a change that was stored. A storage that is away by now is asked again at the next refresh."""
        try:
            self._load()
        except StorageUnavailable as error:
            log.warning("a change of settings holds here a little later: %s", error)

    def is_default(self, name: str) -> bool:
        """Whether nothing is stored under this name."""
        return name not in self._stored

    def save(self, values: Mapping[str, object]) -> Snapshot:
        """Clean and store these settings, all or none. Raises SettingError for the first bad one; StorageUnavailable
        when nothing was stored."""
        self._store.save({name: clean(name, value) for name, value in values.items()})
        self.reload()
        return self._snapshot

    def _refresh(self) -> None:
        try:
            if self._store.version() != self._version:
                self._load()
        except StorageUnavailable as error:
            log.warning("settings could not be refreshed: %s", error)
        finally:
            self._checked_at = self._clock()
            self._refreshing = None

    def _load(self) -> Snapshot:
        before = self._version
        stored = self._store.load()
        keys = {key.digest: key for key in self._load_keys()}
        loaded = snapshot(self._defaults | _valid(stored.values))
        if stored.version < self._version and self._version != before:
            return self._snapshot  # another load, begun later, has overtaken this one
        # all together, with no wait between: a version stands for the values that came with it
        self._version = stored.version
        self._stored = frozenset(stored.values)
        self._keys = keys
        self._snapshot = loaded
        self._checked_at = self._clock()
        self._on_change(loaded)
        return loaded


def _valid(values: Mapping[str, object]) -> dict[str, object]:
    """Stored values that this release takes; a value that it does not must not stop the service."""
    good: dict[str, object] = {}
    for name, value in values.items():
        try:
            good[name] = clean(name, value, stored=True)
        except SettingError as error:
            log.warning("a stored setting is left out: %s", error)
    return good
