"""Whether a downloaded file is the whole picture or video that it is to be. A connection that breaks off is not always
noticed: a wrong length declares the rest away."""

from __future__ import annotations

import os
from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from grok2api.media import HEAD_BYTES, Kind, content_type_of, fits

#: A picture that has more pixels is taken as it is: looking at all of them would cost too much.
_LOOKED_AT_PIXELS = 40_000_000
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "AVIF")
_MP4_TYPES = ("video/mp4", "video/quicktime")
_BOX_HEAD = 8


def problem_of(file: BinaryIO, kind: Kind) -> str | None:
    """What is wrong with a file, in words; None: nothing. Takes milliseconds of CPU: for a thread. file: at its
    beginning."""
    head = file.read(HEAD_BYTES)
    content_type = content_type_of(head)
    if not head:
        return "it is empty"
    if content_type is None or not fits(kind, content_type):
        return f"it is no {kind}"
    if kind is Kind.IMAGE:
        return _problem_of_image(file)
    return _problem_of_mp4(file) if content_type in _MP4_TYPES else None


def _problem_of_image(file: BinaryIO) -> str | None:
    file.seek(0)
    try:
        with Image.open(file, formats=_FORMATS) as image:
            if image.width * image.height <= _LOOKED_AT_PIXELS:
                image.load()
    except Image.DecompressionBombWarning:
        return None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return f"it is broken ({type(error).__name__})"
    return None


def _problem_of_mp4(file: BinaryIO) -> str | None:
    """Walks over its boxes: four bytes of length, four of type."""
    size = file.seek(0, os.SEEK_END)
    position, kinds = 0, set()
    while position < size:
        file.seek(position)
        head = file.read(_BOX_HEAD)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        elif length == 0:
            length = size - position  # to the end of the file
        if length < _BOX_HEAD or len(head) < _BOX_HEAD:
            return "it is broken (a box of an impossible size)"
        kinds.add(head[4:8])
        position += length
    if position > size:
        return "its end is missing"
    return None if b"moov" in kinds else "it has no moov box"
