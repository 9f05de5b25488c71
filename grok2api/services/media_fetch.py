"""Getting generated pictures and videos from upstream, with the account that each belongs to: how often, how many at
once, and not again and again what cannot be had.

Links are open to all, so a dead one must not make this gateway ask upstream, in an account's name, as often as it is
called.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TypeVar

import gevent
from gevent.lock import BoundedSemaphore

from grok2api.account_secrets import mask
from grok2api.errors import (
    MediaBusy,
    MediaLost,
    Overloaded,
    RateLimited,
    UpstreamError,
    UpstreamFailed,
    UpstreamTimeout,
)
from grok2api.media import HEAD_BYTES, Kind, MediaItem, content_type_of, fits
from grok2api.services.live_settings import LiveSettings
from grok2api.services.media_cache import MAX_BYTES, Sink
from grok2api.services.media_check import problem_of
from grok2api.services.media_failures import MediaFailures
from grok2api.services.metrics import Metrics
from grok2api.services.patience import PATIENCE_S, within
from grok2api.storage.base import Accounts
from grok2api.upstream.assets import Asset
from grok2api.upstream.client import GrokClient

#: Pauses before further tries: upstream may not have a file ready that it has just named.
_PAUSES_S = (0.2, 0.75, None)
#: Files of a kind on their way at once, in a worker; and how long another one waits for its turn, which one that was
#: just made does for longer.
_AT_ONCE = 16
_TURN_S = 10.0
_FRESH_TURN_S = 30.0

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass
class PassedThrough:
    """A file on its way from upstream, which the cache does not take; close it. length: bytes, None when unknown."""

    content_type: str
    length: int | None
    pieces: Iterator[bytes]
    close: Callable[[], None]


class MediaFetcher:
    def __init__(
        self, accounts: Accounts, client: GrokClient, settings: LiveSettings, metrics: Metrics
    ) -> None:
        self._accounts = accounts
        self._client = client
        self._settings = settings
        self._metrics = metrics
        self._turns = {kind: BoundedSemaphore(_AT_ONCE) for kind in Kind}
        # Held as long as their clients take, who may be slow: those must not keep the cache from its files.
        self._passing = {kind: BoundedSemaphore(_AT_ONCE) for kind in Kind}
        self._failures = MediaFailures()

    def download(self, item: MediaItem, fresh: bool, sink: Sink) -> None:
        """fresh: it was made just now, and upstream may not quite have it yet. Raises UpstreamError, MediaBusy,
        StorageUnavailable, and what the sink raises."""
        self._try(item, fresh, partial(self._download, item, fresh, sink))
        self._metrics.media(item.kind, "download")

    def pass_through(self, item: MediaItem) -> PassedThrough:
        """A picture has arrived whole, and was looked at; a video is only beginning to. Raises UpstreamError,
        MediaBusy, StorageUnavailable."""
        turns = self._passing[item.kind]
        if not turns.acquire(timeout=_TURN_S):
            raise MediaBusy(item.kind)
        try:
            passed = self._try(item, False, partial(self._pass, item))
        except BaseException:
            turns.release()
            raise
        passed.close = _once(passed.close, turns.release)
        return passed

    def _try(self, item: MediaItem, fresh: bool, once: Callable[[str], T]) -> T:
        accounts = within(PATIENCE_S, lambda: self._accounts.get([item.account_id]))
        if not accounts:
            raise MediaLost("the account that made it is gone")
        if not fresh:
            self._failures.check(item.path)
        for pause_s in _PAUSES_S:
            try:
                return once(accounts[0].secret)
            except UpstreamError as error:
                self._metrics.upstream_failed("media", error)
                if isinstance(error, MediaLost):
                    log.info("account %s does not get one of its files: %s", mask(accounts[0].secret), error)
                if pause_s is None or not _may_pass(error, fresh, pause_s):
                    if not fresh:
                        self._failures.note(item.path, error)
                    raise
            gevent.sleep(pause_s)
        raise AssertionError

    def _download(self, item: MediaItem, fresh: bool, sink: Sink, secret: str) -> None:
        with self._turn(item.kind, _FRESH_TURN_S if fresh else _TURN_S), self._open(item, secret) as asset:
            sink.begin(asset.length)
            for piece in asset.pieces():
                sink.write(piece)
            sink.finish()

    def _pass(self, item: MediaItem, secret: str) -> PassedThrough:
        if item.kind is Kind.IMAGE:
            with self._open(item, secret) as asset:
                return _whole(asset, item.kind)
        asset = self._open(item, secret)
        try:
            pieces = asset.pieces()
            head = b""
            while len(head) < HEAD_BYTES and (piece := next(pieces, b"")):
                head += piece
            content_type = _type_of(head, item.kind)
        except BaseException:
            asset.close()
            raise
        return PassedThrough(content_type, asset.length, chain([head], pieces), asset.close)

    def _open(self, item: MediaItem, secret: str) -> Asset:
        return self._client.open_asset(secret, item.path, self._settings.snapshot())

    @contextmanager
    def _turn(self, kind: Kind, wait_s: float) -> Iterator[None]:
        turns = self._turns[kind]
        if not turns.acquire(timeout=wait_s):
            raise MediaBusy(kind)
        try:
            yield
        finally:
            turns.release()


def _once(*works: Callable[[], object]) -> Callable[[], None]:
    """Does them all, the first time that it is called."""
    left = list(works)

    def close() -> None:
        while left:
            left.pop(0)()

    return close


def _whole(asset: Asset, kind: Kind) -> PassedThrough:
    """In memory."""
    content = bytearray()
    for piece in asset.pieces():
        content += piece
        if len(content) > MAX_BYTES[kind]:
            raise UpstreamFailed(f"Grok gave a {kind} that is too large.")
    whole = bytes(content)
    problem = gevent.get_hub().threadpool.apply(problem_of, (io.BytesIO(whole), kind))
    if problem is not None:
        raise UpstreamFailed(f"Grok gave a file that is not what it should be: {problem}.")
    return PassedThrough(_type_of(whole, kind), len(whole), iter([whole]), lambda: None)


def _type_of(head: bytes, kind: Kind) -> str:
    content_type = content_type_of(head[:HEAD_BYTES])
    if content_type is None or not fits(kind, content_type):
        raise UpstreamFailed(f"Grok gave a file that is no {kind}.")
    return content_type


def _may_pass(error: UpstreamError, fresh: bool, pause_s: float) -> bool:
    """Whether another try with the same account may help so soon."""
    if isinstance(error, RateLimited):
        return fresh and (error.wait_s or 0.0) <= pause_s
    if isinstance(error, MediaLost | Overloaded):
        return fresh
    return isinstance(error, UpstreamFailed) and not isinstance(error, UpstreamTimeout)
