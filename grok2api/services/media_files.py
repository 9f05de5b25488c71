"""Cached files that are being served."""

from __future__ import annotations

import io
import time
from collections import deque
from dataclasses import dataclass

import gevent


@dataclass
class OpenFile:
    """A cached file, open for serving; close it.

    file: unbuffered. size: bytes. etag: without quotes. modified_at: epoch seconds. name: its path below the cache's
    folder.
    """

    file: io.FileIO
    size: int
    content_type: str
    etag: str
    modified_at: float
    name: str

    def close(self) -> None:
        self.file.close()


class HeldFiles:
    """Files that somebody else is about to open, by their names: until then they are to stay."""

    def __init__(self, hold_s: float = 2.0, most: int = 256) -> None:
        """hold_s: for how long, in seconds. most: as many at a time; another one frees the oldest."""
        self._hold_s = hold_s
        self._most = most
        self._held: deque[tuple[float, OpenFile]] = deque()
        self._closer: gevent.Greenlet[[], None] | None = None

    def hold(self, opened: OpenFile) -> None:
        """Close it in a while."""
        self._held.append((time.monotonic() + self._hold_s, opened))
        if len(self._held) > self._most:
            self._held.popleft()[1].close()
        if self._closer is None:
            self._closer = gevent.spawn(self._close_in_time)

    def _close_in_time(self) -> None:
        while self._held:
            left = self._held[0][0] - time.monotonic()
            if left > 0:
                gevent.sleep(left)
            else:
                self._held.popleft()[1].close()
        self._closer = None
