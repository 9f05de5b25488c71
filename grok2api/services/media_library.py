"""The pictures and videos that were handed out: kept in the index and in the cache, linked to, and served.

What the cache has no more, or another node made, is fetched again with the account that it belongs to. Nothing else is
fetched or served. Where the cache cannot take a file, it is passed through.
"""

from __future__ import annotations

import logging
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import gevent
from gevent.lock import BoundedSemaphore

from grok2api.account_secrets import mask
from grok2api.errors import (
    MediaLost,
    Overloaded,
    RateLimited,
    UnknownMedia,
    UpstreamError,
    UpstreamFailed,
    UpstreamTimeout,
)
from grok2api.media import HEAD_BYTES, Kind, MediaItem, content_type_of, fits, is_media_path
from grok2api.services.live_settings import LiveSettings
from grok2api.services.media_cache import MAX_BYTES, CacheUnavailable, MediaCache, Sink
from grok2api.services.media_files import OpenFile
from grok2api.services.media_links import MediaLinks
from grok2api.services.metrics import Metrics
from grok2api.services.patience import PATIENCE_S, within
from grok2api.storage.base import Accounts, Media
from grok2api.upstream.assets import Asset
from grok2api.upstream.client import GrokClient

#: How long an answer waits for a file before its link is handed out all the same.
KEEP_S = 30.0
#: Pauses before further tries: upstream may not have a file ready that it has just named.
_PAUSES_S = (0.2, 0.75, None)
#: Downloads under way at once, in a worker.
_DOWNLOADS = 16
#: Seconds between two lines in the log of a cache that does not work.
_SAY_S = 60.0

log = logging.getLogger(__name__)


@dataclass
class PassedThrough:
    """A file on its way from upstream, which the cache does not take; close it. length: bytes, None when unknown."""

    content_type: str
    length: int | None
    pieces: Iterator[bytes]
    close: Callable[[], None]


class MediaLibrary:
    """clock: epoch seconds."""

    def __init__(
        self,
        index: Media,
        accounts: Accounts,
        cache: MediaCache,
        client: GrokClient,
        settings: LiveSettings,
        links: MediaLinks,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.cache = cache
        self._index = index
        self._accounts = accounts
        self._client = client
        self._settings = settings
        self._links = links
        self._metrics = metrics
        self._clock = clock
        self._turns = BoundedSemaphore(_DOWNLOADS)
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
                self._cache_file(item).close()
        except MediaLost:
            raise
        except CacheUnavailable as error:
            self._say(error)
        except UpstreamError as error:
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
        """What to serve for a path; close it. Raises UnknownMedia, MediaLost, another UpstreamError,
        StorageUnavailable."""
        item = within(PATIENCE_S, lambda: self._index.get(path)) if is_media_path(path) else None
        if item is None:
            raise UnknownMedia
        try:
            opened = self.cache.open(item)
            self._metrics.media(item.kind, "miss" if opened is None else "hit")
            return opened or self._fill(item)
        except CacheUnavailable as error:
            self._say(error)
            self._metrics.media(item.kind, "passed_through")
            return self._pass_through(item)

    def read(self, path: str) -> tuple[str, bytes]:
        """The content type and the bytes of a picture. Raises as `open`."""
        opened = self.open(path)
        try:
            if isinstance(opened, OpenFile):
                return opened.content_type, gevent.get_hub().threadpool.apply(opened.file.readall)
            content = bytearray()
            for piece in opened.pieces:
                content += piece
                if len(content) > MAX_BYTES[Kind.IMAGE]:
                    raise UpstreamFailed("Grok gave an image that is too large.")
            return opened.content_type, bytes(content)
        finally:
            opened.close()

    def read_all(self, paths: Sequence[str]) -> list[bytes]:
        """The bytes of pictures, but for those that cannot be read. Raises as `open` when that is all of them."""
        contents: list[bytes] = []
        problem: UpstreamError | None = None
        for path in paths:
            try:
                contents.append(self.read(path)[1])
            except UpstreamError as error:
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

    def _cache_file(self, item: MediaItem) -> OpenFile:
        return self.cache.open(item) or self._fill(item)

    def _fill(self, item: MediaItem) -> OpenFile:
        return self.cache.fill(item, partial(self._download, item))

    def _download(self, item: MediaItem, sink: Sink) -> None:
        for pause_s in _PAUSES_S:
            try:
                with self._turns, self._open_asset(item) as asset:
                    sink.begin(asset.length)
                    for piece in asset.pieces():
                        sink.write(piece)
                    sink.finish()
                self._metrics.media(item.kind, "download")
                return
            except UpstreamError as error:
                self._metrics.upstream_failed("media", error)
                _wait_or_raise(error, pause_s)

    def _pass_through(self, item: MediaItem) -> PassedThrough:
        for pause_s in _PAUSES_S:
            try:
                return self._passed(item)
            except UpstreamError as error:
                self._metrics.upstream_failed("media", error)
                _wait_or_raise(error, pause_s)
        raise AssertionError

    def _passed(self, item: MediaItem) -> PassedThrough:
        asset = self._open_asset(item)
        try:
            pieces = asset.pieces()
            first = next(pieces, b"")
            content_type = content_type_of(first[:HEAD_BYTES])
            if content_type is None or not fits(item.kind, content_type):
                raise UpstreamFailed(f"Grok gave a file that is no {item.kind}.")
        except BaseException:
            asset.close()
            raise
        return PassedThrough(content_type, asset.length, chain([first], pieces), asset.close)

    def _open_asset(self, item: MediaItem) -> Asset:
        accounts = within(PATIENCE_S, lambda: self._accounts.get([item.account_id]))
        if not accounts:
            raise MediaLost("the account that made it is gone")
        secret = accounts[0].secret
        try:
            return self._client.open_asset(secret, item.path, self._settings.snapshot())
        except MediaLost as error:
            log.info("account %s does not get one of its files: %s", mask(secret), error)
            raise

    def _say(self, problem: CacheUnavailable) -> None:
        """Once in a while: it is the same for every file."""
        now = time.monotonic()
        if not self._said_at or now - self._said_at > _SAY_S:
            self._said_at = now
            log.warning("the cache does not take files, which are passed through: %s", problem)


def _wait_or_raise(error: UpstreamError, pause_s: float | None) -> None:
    """Before another try at the same file with the same account, where that may help."""
    may_pass = isinstance(error, UpstreamFailed | MediaLost | RateLimited | Overloaded)
    if pause_s is None or not may_pass or isinstance(error, UpstreamTimeout):
        raise error
    gevent.sleep(pause_s)
