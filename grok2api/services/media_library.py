"""The pictures and videos that were handed out: kept in the index and in the cache, linked to, and served.

What the cache has no more, or another node made, is fetched again with the account that it belongs to. Nothing else is
fetched or served. Where the cache cannot take a file, it is passed through.
"""

from __future__ import annotations

import logging
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import partial

import gevent

from grok2api.errors import MediaBusy, MediaLost, UnknownMedia, UpstreamError, UpstreamTimeout
from grok2api.media import Kind, MediaItem, is_media_path
from grok2api.services.live_settings import LiveSettings
from grok2api.services.media_cache import CacheUnavailable, MediaCache
from grok2api.services.media_fetch import MediaFetcher, PassedThrough
from grok2api.services.media_files import OpenFile
from grok2api.services.media_links import MediaLinks
from grok2api.services.metrics import Metrics
from grok2api.services.patience import PATIENCE_S, within
from grok2api.storage.base import Media

#: How long an answer waits for a file before its link is handed out all the same.
KEEP_S = 30.0
#: Seconds between two lines in the log of a cache that does not work.
_SAY_S = 60.0

log = logging.getLogger(__name__)


class MediaLibrary:
    """clock: epoch seconds."""

    def __init__(
        self,
        index: Media,
        cache: MediaCache,
        fetcher: MediaFetcher,
        settings: LiveSettings,
        links: MediaLinks,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.cache = cache
        self._index = index
        self._fetcher = fetcher
        self._settings = settings
        self._links = links
        self._metrics = metrics
        self._clock = clock
        self._said_at = 0.0

    def keep(self, path: str, kind: Kind, account_id: int) -> None:
        """Take in what an account has made: from here on its link works. Waits for the file, but not for long.

        Raises MediaLost when upstream does not give it, or for a path that cannot be one, StorageUnavailable.
        """
        if not is_media_path(path):
            raise MediaLost("Grok named it in a way that this gateway does not know")
        item = MediaItem(path, kind, account_id, float(int(self._clock())))
        within(PATIENCE_S, lambda: self._index.add([item]))
        try:
            with gevent.Timeout(KEEP_S, UpstreamTimeout(f"it took longer than {KEEP_S:g} s")):
                self._keep_file(item).close()
        except MediaLost:
            raise
        except CacheUnavailable as error:
            self._say(error)
        except (UpstreamError, MediaBusy) as error:
            log.warning("a %s is linked to although it could not be fetched yet: %s", kind, error)

    def link(self, path: str, base: str) -> str:
        """The address at which clients get a file. base: where this gateway is, unless the settings say."""
        settings = self._settings.snapshot()
        return self._links.make(path, settings.base_url or base, settings, self._clock())

    def check_link(self, path: str, signature: str) -> float | None:
        """Seconds for which a link still holds, None: for ever. Raises LinkExpired when links are signed and this one
        is not, not any more, or wrongly."""
        now = self._clock()
        ends_at = self._links.check(path, signature, self._settings.snapshot(), now)
        return None if ends_at is None else ends_at - now

    def open(self, path: str) -> OpenFile | PassedThrough:
        """What to serve for a path; close it. Raises UnknownMedia, MediaLost, another UpstreamError, MediaBusy,
        StorageUnavailable."""
        item = within(PATIENCE_S, lambda: self._index.get(path)) if is_media_path(path) else None
        if item is None:
            raise UnknownMedia
        try:
            opened = self.cache.open(item)
            self._metrics.media(item.kind, "miss" if opened is None else "hit")
            return opened or self._fill(item, fresh=False)
        except CacheUnavailable as error:
            self._say(error)
            self._metrics.media(item.kind, "passed_through")
            return self._fetcher.pass_through(item)

    def read(self, path: str) -> tuple[str, bytes]:
        """The content type and the bytes of a picture. Raises as `open`."""
        opened = self.open(path)
        try:
            if isinstance(opened, OpenFile):
                return opened.content_type, gevent.get_hub().threadpool.apply(opened.file.readall)
            return opened.content_type, b"".join(opened.pieces)
        finally:
            opened.close()

    def read_all(self, paths: Sequence[str]) -> list[bytes]:
        """The bytes of pictures, but for those that cannot be read. Raises as `open` when that is all of them."""
        contents: list[bytes] = []
        problem: UpstreamError | MediaBusy | None = None
        for path in paths:
            try:
                contents.append(self.read(path)[1])
            except (UpstreamError, MediaBusy) as error:
                log.warning("a picture is left out of an answer: %s", error)
                problem = error
        if problem is not None and not contents:
            raise problem
        return contents

    def data_url(self, path: str) -> str:
        """A picture as a URL that needs no fetching. Raises as `open`."""
        content_type, content = self.read(path)
        return f"data:{content_type};base64,{b64encode(content).decode()}"

    def page(
        self, kind: Kind | None, offset: int, limit: int
    ) -> tuple[list[tuple[MediaItem, int | None]], int]:
        """Part of what was handed out, the newest first, each with the bytes that this node's cache has of it; and how
        many they are in all."""
        items, total = within(PATIENCE_S, lambda: self._index.page(kind, offset, limit))
        return list(zip(items, self.cache.sizes_of(items), strict=True)), total

    def _keep_file(self, item: MediaItem) -> OpenFile:
        return self.cache.open(item) or self._fill(item, fresh=True)

    def _fill(self, item: MediaItem, fresh: bool) -> OpenFile:
        return self.cache.fill(item, partial(self._fetcher.download, item, fresh))

    def _say(self, problem: CacheUnavailable) -> None:
        """Once in a while: it is the same for every file."""
        now = time.monotonic()
        if not self._said_at or now - self._said_at > _SAY_S:
            self._said_at = now
            log.warning("the cache does not take files, which are passed through: %s", problem)
