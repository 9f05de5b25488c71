"""Files that hold secrets."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def write_private(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that its owner alone can read; it appears when it is whole and on the disk."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".grok2api-")
    try:
        with os.fdopen(number, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(number)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
