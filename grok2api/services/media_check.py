"""Whether a downloaded file is the whole picture or video that it is to be. A connection that breaks off is not always
noticed: a wrong length declares the rest away, and no length at all leaves any end a good one."""

from __future__ import annotations

import logging
import os
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from grok2api.media import HEAD_BYTES, Kind, content_type_of, fits
from grok2api.services.media_walks import WALKS

#: A picture that has more pixels is only walked over: looking at all of them would cost too much.
_LOOKED_AT_PIXELS = 40_000_000
#: Pixels times scans of a JPEG: a second's work.
_SCANNED_PIXELS = 1_000_000_000
#: Pillow's JPEG is also its MPO (a JPEG with further ones behind it), for which it has no opener of its own.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF")
#: What is looked at of a file's end: some fill up to a whole block.
_TAIL_BYTES = 4096

log = logging.getLogger(__name__)


def problem_of(file: BinaryIO, kind: Kind) -> str | None:
    """What is wrong with a file, in words; None: nothing. Takes milliseconds of CPU: for a thread. Raises OSError for a
    disk that fails. file: at its beginning."""
    head = file.read(HEAD_BYTES)
    content_type = content_type_of(head)
    if not head:
        return "it is empty"
    if content_type is None or not fits(kind, content_type):
        return f"it is no {kind}"
    walk = WALKS.get(content_type)
    problem = walk(file) if walk is not None else None
    if problem is None and kind is Kind.IMAGE:
        return _problem_of_image(file)
    return problem


def _problem_of_image(file: BinaryIO) -> str | None:
    """Decodes it. A decoder that fails in a way of its own says nothing about a file that is whole."""
    file.seek(0)
    try:
        with Image.open(file, formats=_FORMATS) as image:
            pixels = image.width * image.height
            if image.format in ("JPEG", "MPO") and _scans(file) * pixels > _SCANNED_PIXELS:
                return "it has too many scans for its size"
            if pixels <= _LOOKED_AT_PIXELS:
                image.load()
            several = image.format == "MPO"
    except Image.DecompressionBombWarning:
        return None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return f"it is broken ({type(error).__name__})"
    except Exception:
        log.exception("a picture could not be looked at, and is taken as it is")
        return None
    return _problem_of_jpegs(file) if several else None


def _scans(file: BinaryIO) -> int:
    """Of a JPEG, at most; the file stays where it is."""
    position = file.tell()
    file.seek(0)
    count = file.read().count(b"\xff\xda")
    file.seek(position)
    return count


def _problem_of_jpegs(file: BinaryIO) -> str | None:
    """Of JPEGs in a row, of which the first is whole. Their index is often wrong, so only the end is looked at."""
    file.seek(-min(_TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
    return None if file.read().rstrip(b"\0").endswith(b"\xff\xd9") else "its end is missing"
