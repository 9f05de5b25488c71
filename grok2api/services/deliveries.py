"""The pictures and videos of one answer: taken in beside the reading of it, and what became of them: handed out,
withheld, lost, or never finished."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import copy_context
from functools import partial

import gevent
from gevent.queue import Empty, Queue

from grok2api import errors
from grok2api.errors import MediaLost, NoMedia, UpstreamFailed, UpstreamTimeout
from grok2api.events import Event, Finish, Image, Moderated, Progress, Text, Video
from grok2api.media import Kind

#: Files of one answer that are taken in at once.
FILES_AT_ONCE = 4

#: Takes a file in: path and kind. Raises MediaLost for one that is to be left out.
Keep = Callable[[str, Kind], None]

log = logging.getLogger(__name__)


def deliver(events: Iterator[Event], keep: Keep, ends_at: float) -> Iterator[Event]:
    """An answer's events, with each picture and video when it is taken in; what is lost is left out.

    Text flows meanwhile, and `Finish` waits for all files. Until the first file the events are read in this greenlet,
    from then on in one of their own; it and the files' are ended with this one. ends_at: when it is over in all
    (monotonic). Raises what `keep` raises, what `events` raise when the files named before are in, and at the end an
    UpstreamError when nothing came of what was announced.
    """
    fate = _Fate()
    for event in events:
        if type(event) is Text:  # nearly all are
            yield event
        elif isinstance(event, Image | Video):
            yield from _beside(event, events, keep, fate, ends_at)
            return
        else:
            yield fate.of(event)


class _Fate:
    """What was announced, and what came of it."""

    def __init__(self) -> None:
        self._announced = ""
        self._moderated = False
        self.delivered = False
        self.lost: MediaLost | None = None

    def of(self, event: Event) -> Event:
        """The event itself. Raises UpstreamError instead of a `Finish` that would not be the truth."""
        if isinstance(event, Progress):
            self._announced = event.kind
        elif isinstance(event, Moderated):
            self._moderated = True
        elif isinstance(event, Finish) and not self.delivered:
            self._check()
        return event

    def _check(self) -> None:
        if self.lost is not None:
            raise NoMedia(f"Grok made a picture or video, but does not give it out. {self.lost}")
        if self._moderated:
            raise errors.Moderated("Grok made a picture or video, but its moderation withheld it.")
        if self._announced:
            raise UpstreamFailed(f"Grok began to make the {self._announced}, but did not finish it.")


def _beside(
    first: Image | Video, events: Iterator[Event], keep: Keep, fate: _Fate, ends_at: float
) -> Iterator[Event]:
    """The same from the first file on."""
    #: Upstream's events, files that were taken in, and what went wrong; whoever brings one waits until it is wanted.
    found: Queue[Event | _Kept | _Broken | Exception] = Queue(1)
    files = _Files(keep, found.put)
    files.add(first)
    reader = gevent.spawn(partial(copy_context().run, _read, events, found.put))
    end: Finish | _Broken | None = None
    try:
        while end is None or files.under_way:
            try:
                item = found.get(timeout=max(0.0, ends_at - time.monotonic()))
            except Empty as error:
                raise UpstreamTimeout("Grok's pictures did not arrive in time.") from error
            if isinstance(item, Exception):
                raise item
            if isinstance(item, Finish | _Broken):
                end = item
            elif isinstance(item, Image | Video):
                files.add(item)
            elif isinstance(item, _Kept):
                files.under_way -= 1
                fate.delivered = fate.delivered or item.lost is None
                fate.lost = item.lost or fate.lost
                if item.lost is None:
                    yield item.event
            else:
                yield fate.of(item)
        if isinstance(end, _Broken):
            raise end.error
        yield fate.of(end)
    finally:
        gevent.killall([reader, *files.workers])


class _Broken:
    """The end of an answer that is none."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class _Kept:
    """A file that was taken in, or is lost."""

    def __init__(self, event: Image | Video, lost: MediaLost | None = None) -> None:
        self.event = event
        self.lost = lost


class _Files:
    """What is being taken in, so much at once. tell: called with what became of each."""

    def __init__(self, keep: Keep, tell: Callable[[_Kept | Exception], None]) -> None:
        self.under_way = 0
        self.workers: list[gevent.Greenlet[[], None]] = []
        self._todo: deque[Image | Video] = deque()
        self._keep = keep
        self._tell = tell

    def add(self, event: Image | Video) -> None:
        self.under_way += 1
        self._todo.append(event)
        self.workers = [worker for worker in self.workers if not worker.dead]
        if len(self.workers) < FILES_AT_ONCE:
            self.workers.append(gevent.spawn(partial(copy_context().run, self._work_off)))

    def _work_off(self) -> None:
        while self._todo:
            event = self._todo.popleft()
            try:
                self._keep(event.path, Kind.IMAGE if isinstance(event, Image) else Kind.VIDEO)
                kept = _Kept(event)
            except MediaLost as error:
                log.warning("%r is left out of an answer: %s", event.path[:200], error)
                kept = _Kept(event, error)
            except Exception as error:  # handed back rather than raised: gevent prints what greenlets raise
                self._tell(error)
                return
            self._tell(kept)


def _read(events: Iterator[Event], tell: Callable[[Event | _Broken], None]) -> None:
    finished = False
    try:
        for event in events:
            tell(event)
            finished = finished or isinstance(event, Finish)
        if not finished:
            raise UpstreamFailed("Grok's answer was cut off.")
    except Exception as error:  # handed back, as above
        tell(_Broken(error))
