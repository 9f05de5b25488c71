"""A cached file that is being served."""

from __future__ import annotations

import io
from dataclasses import dataclass


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
