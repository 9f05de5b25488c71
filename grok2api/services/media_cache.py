"""The cache of generated pictures and videos: each file is downloaded once, by one greenlet of one worker, however many
ask for it; all else is `media_folder.py`'s. The disk is only touched in threads."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import gevent
from gevent.threadpool import ThreadPool

from grok2api.errors import GatewayError, UpstreamFailed, UpstreamTimeout
from grok2api.media import Kind, MediaItem
from grok2api.services.media_check import problem_of
from grok2api.services.media_files import HeldFiles, OpenFile
from grok2api.services.media_folder import Files, MediaFolder, Part

#: Larger files are not taken: upstream's are a few MB.
MAX_BYTES = {Kind.IMAGE: 32 * 1024 * 1024, Kind.VIDEO: 1024 * 1024 * 1024}
#: How long a request waits for a file, which is downloaded on without it.
WAIT_S = 120.0

_THREADS = 4
_POLL_S = 0.05
_TRIM_EVERY_S = 600.0
_TICK_S = 5.0
_OPENINGS = 3
#: What a disk says that has no room.
_FULL = (errno.ENOSPC, errno.EDQUOT)

T = TypeVar("T")

log = logging.getLogger(__name__)


class CacheUnavailable(Exception):
    """The disk cannot take a file, or not be read: it is full, not to be written to, or the limit is too small."""


class Sink:
    """Where a download puts its bytes. What the disk refuses is CacheUnavailable, what is wrong with the file
    UpstreamFailed."""

    def __init__(self, part: Part, item: MediaItem, limit: int, on_disk: Callable[..., object]) -> None:
        """on_disk: see MediaCache._on_disk; for one file."""
        self._part = part
        self._item = item
        self._limit = limit
        self._on_disk = on_disk
        self._length = 0

    def begin(self, length: int | None) -> None:
        """Start, or start anew. length: bytes, when they are known."""
        self._length = length or 0
        self._check_size(self._length)
        self._on_disk(0, self._part.restart)

    def write(self, piece: bytes) -> None:
        at = self._part.size
        self._check_size(at + len(piece))
        self._on_disk(max(self._length - at, len(piece)), self._part.write, piece, at)

    def finish(self) -> None:
        problem = self._on_disk(0, lambda: problem_of(self._part.file, self._item.kind))
        if problem is not None:
            raise UpstreamFailed(f"Grok gave a file that is not what it should be: {problem}.")

    def _check_size(self, size: int) -> None:
        if size > MAX_BYTES[self._item.kind]:
            raise UpstreamFailed(f"Grok gave a {self._item.kind} that is too large.")
        if size > self._limit:
            raise CacheUnavailable(f"a file of {size} bytes is larger than the cache of {self._item.kind}s")


Download = Callable[[Sink], None]


@dataclass
class _Filling:
    """A download under way in this worker. held: the finished file, until all who wait have opened it."""

    greenlet: gevent.Greenlet[..., Exception | None] | None = None
    waiting: int = 0
    held: Part | None = None


class MediaCache:
    """root: the folder. limit: the bytes that the files of a kind may come to, as they are now.

    held: files that a server in front is about to open.
    """

    def __init__(self, root: Path, limit: Callable[[Kind], int]) -> None:
        self.held = HeldFiles()
        self._limit = limit
        self._folders = {kind: MediaFolder(root, kind) for kind in Kind}
        self._filling: dict[str, _Filling] = {}
        self._pool: ThreadPool | None = None
        self._keeper: gevent.Greenlet[[], None] | None = None

    def open(self, item: MediaItem) -> OpenFile | None:
        """The cached file; None: it is not here."""
        return self._in_thread(self._folders[item.kind].open, item.path)

    def fill(self, item: MediaItem, download: Download) -> OpenFile:
        """The cached file, downloaded if it is not here, by this or another worker.

        download: called with where to put the bytes, in a greenlet of its own. Raises what it raises,
        CacheUnavailable, UpstreamTimeout after WAIT_S.
        """
        if not self._limit(item.kind):
            raise CacheUnavailable(f"there is to be no cache of {item.kind}s")
        until = time.monotonic() + WAIT_S
        for _ in range(_OPENINGS):
            filling = self._filling.get(item.path)
            if filling is None:
                filling = self._filling[item.path] = _Filling()
                work = partial(self._fill, item, download, filling)
                filling.greenlet = gevent.spawn(copy_context().run, work)
            filling.waiting += 1
            try:
                opened = self._wait_for(filling, item, until)
            finally:
                filling.waiting -= 1
                if not filling.waiting and filling.held is not None:
                    filling.held.close()
            if opened is not None:
                return opened
        raise CacheUnavailable("files are removed as fast as they come")

    def sizes(self) -> dict[Kind, int]:
        """Bytes of the cached files, counted now. Raises CacheUnavailable."""
        return {kind: self._in_thread(folder.files).size for kind, folder in self._folders.items()}

    def sizes_of(self, items: list[MediaItem]) -> list[int | None]:
        """Bytes of these files; None for what is not here."""
        return self._in_thread(lambda: [self._folders[item.kind].size_of(item.path) for item in items])

    def clear(self, kind: Kind) -> Files:
        """Remove all files of a kind but those in use; what was removed. Raises CacheUnavailable."""
        return self._in_thread(self._folders[kind].clear)

    def start(self) -> None:
        """Keep to the limits while they change."""
        self._keeper = gevent.spawn(self._keep)

    def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.kill(block=False)

    def _wait_for(self, filling: _Filling, item: MediaItem, until: float) -> OpenFile | None:
        assert filling.greenlet is not None  # nosec B101 # for mypy: set before anybody can wait
        filling.greenlet.join(max(0.0, until - time.monotonic()))
        if not filling.greenlet.dead:
            raise UpstreamTimeout("The file is still being fetched from Grok. Try again in a while.")
        error = filling.greenlet.value
        if error is not None:
            raise error
        return self.open(item)

    def _fill(self, item: MediaItem, download: Download, filling: _Filling) -> Exception | None:
        """Gives back what went wrong: it is everybody's who waits."""
        part: Part | None = None
        on_disk = self._on_disk(item.kind)
        try:
            part = self._begin(item, on_disk)
            if part is not None:
                limit = self._limit(item.kind)
                download(Sink(part, item, limit, on_disk))
                folder = self._folders[item.kind]
                self._in_thread(folder.admit, part, item.path, limit, item.created_at)
                if filling.waiting:
                    filling.held, part = part, None
        except (GatewayError, CacheUnavailable) as error:
            return error
        except Exception as error:
            # Whatever is wrong here, the file may still be had by passing it through.
            log.exception("a download failed unexpectedly")
            return CacheUnavailable(f"a download failed unexpectedly ({type(error).__name__})")
        finally:
            del self._filling[item.path]
            if part is not None:
                part.close()
        return None

    def _begin(self, item: MediaItem, on_disk: Callable[..., Part | None]) -> Part | None:
        """The right to write the file; None: it is here. Waits for another worker that has it."""
        folder = self._folders[item.kind]
        while True:
            part = on_disk(0, folder.begin, item.path)
            opened = self._in_thread(folder.open, item.path)  # not merely there: it could be damaged
            if opened is not None:
                opened.close()
                if part is not None:
                    part.close()
                return None
            if part is not None:
                return part
            gevent.sleep(_POLL_S)

    def _on_disk(self, kind: Kind) -> Callable[..., Any]:
        """A way to do work for one file in a thread: on a disk that is full, some of our files make room for it, but
        only once. Takes the bytes that are still to come, the work, and its arguments; the work may be done twice."""
        may_free = True

        def run(size: int, work: Callable[..., T], *arguments: object) -> T:
            nonlocal may_free
            try:
                return self._in_thread(work, *arguments)
            except CacheUnavailable as error:
                full = isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL
                if not full or not may_free:
                    raise
                may_free = False
                folders = sorted(self._folders.items(), key=lambda pair: pair[0] is not kind)
                if not any(self._in_thread(folder.free, size) for _, folder in folders):
                    raise
            return self._in_thread(work, *arguments)

        return run

    def _in_thread(self, work: Callable[..., T], *arguments: object) -> T:
        """Raises CacheUnavailable for what the disk refuses."""
        if self._pool is None:
            self._pool = ThreadPool(_THREADS)
        value, error = self._pool.apply(_caught, (work, arguments))
        if error is not None:
            raise CacheUnavailable(error.strerror or str(error)) from error
        return value  # type: ignore[return-value]  # None only beside an error

    def _keep(self) -> None:
        kept: dict[Kind, int] = {}
        due = 0.0
        while True:
            limits = {kind: self._limit(kind) for kind in Kind}
            if limits != kept or time.monotonic() > due:
                kept, due = limits, time.monotonic() + _TRIM_EVERY_S
                for kind, folder in self._folders.items():
                    with suppress(CacheUnavailable):  # whoever writes finds out, and says so
                        if not self._in_thread(folder.trim, limits[kind]):
                            due = 0.0  # what is in use now goes at the next tick
            gevent.sleep(_TICK_S)


def _caught(work: Callable[..., T], arguments: tuple[object, ...]) -> tuple[T | None, OSError | None]:
    """Handed back rather than raised: gevent prints what threads raise."""
    try:
        return work(*arguments), None
    except OSError as error:
        return None, error
