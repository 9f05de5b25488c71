"""Walks over the parts of which a picture or video consists, up to its end, to find out whether the end is there. They
read the heads of parts only, and say nothing of what the parts hold."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO

_CUT_OFF = "its end is missing"

_BOX_HEAD = 8
_PNG_HEAD = 8
_GIF_HEAD = 13
_GIF_IMAGE, _GIF_EXTENSION, _GIF_END = 0x2C, 0x21, 0x3B
_EBML_MAGIC, _SEGMENT_ID = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
#: An EBML header takes some forty bytes.
_MAX_EBML_HEAD = 4096


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _problem_of_png(file: BinaryIO) -> str | None:
    """Chunks: four bytes of length, four of type, the content, four of a checksum; `IEND` is the last one."""
    size, position = _size(file), _PNG_HEAD
    while position < size:
        file.seek(position)
        head = file.read(8)
        position += 12 + int.from_bytes(head[:4], "big")
        if head[4:8] == b"IEND":
            return None if position <= size else _CUT_OFF
    return _CUT_OFF


def _problem_of_webp(file: BinaryIO) -> str | None:
    file.seek(4)
    declared = int.from_bytes(file.read(4), "little")
    return None if 8 + declared <= _size(file) else _CUT_OFF


def _problem_of_gif(file: BinaryIO) -> str | None:
    """Images and extensions, of blocks with a byte of length each; one byte is the end."""
    file.seek(_GIF_HEAD - 3)
    _skip_gif_colours(file, file.read(3)[:1])
    while mark := file.read(1):
        if mark[0] == _GIF_END:
            return None
        if mark[0] == _GIF_EXTENSION:
            file.seek(1, os.SEEK_CUR)
        elif mark[0] == _GIF_IMAGE:
            _skip_gif_colours(file, file.read(9)[8:])
            file.seek(1, os.SEEK_CUR)
        else:
            return "it is broken (a block of an unknown kind)"
        while length := file.read(1):
            if not length[0]:
                break
            file.seek(length[0], os.SEEK_CUR)
    return _CUT_OFF


def _skip_gif_colours(file: BinaryIO, flags: bytes) -> None:
    if flags and flags[0] & 0x80:
        file.seek(3 << ((flags[0] & 7) + 1), os.SEEK_CUR)


def _problem_of_boxes(file: BinaryIO, needed: bytes) -> str | None:
    """Boxes: four bytes of length, four of type."""
    size = _size(file)
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
        return _CUT_OFF
    return None if needed in kinds else f"it has no {needed.decode()} box"


def _problem_of_webm(file: BinaryIO) -> str | None:
    """An EBML header, then a segment, whose length need not be known."""
    file.seek(0)
    header = _element(file)
    if header is None or header[0] != _EBML_MAGIC or header[1] is None or header[1] > _MAX_EBML_HEAD:
        return "it is broken (an impossible header)"
    doctype = file.read(header[1])
    if b"webm" not in doctype and b"matroska" not in doctype:
        return "it is no video"
    segment = _element(file)
    if segment is None:
        return _CUT_OFF
    if segment[0] != _SEGMENT_ID:
        return "it is broken (no segment where it has to be)"
    position, size = file.tell(), _size(file)
    if segment[1] is None:
        return None if size > position else _CUT_OFF
    return None if position + segment[1] <= size else _CUT_OFF


def _element(file: BinaryIO) -> tuple[bytes, int | None] | None:
    """Id and length (None: not known) of the EBML element that begins here; None: none does."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    id_ = first + file.read(8 - first[0].bit_length())
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    rest = file.read(more)
    if len(rest) < more:
        return None
    length = int.from_bytes(first + rest, "big") - (1 << (7 * (more + 1)))
    return id_, None if length == (1 << (7 * (more + 1))) - 1 else length


#: What is wrong with a file of a content type; each may leave the file anywhere. A JPEG has no lengths to walk by.
WALKS: dict[str, Callable[[BinaryIO], str | None]] = {
    "image/png": _problem_of_png,
    "image/webp": _problem_of_webp,
    "image/gif": _problem_of_gif,
    "image/avif": lambda file: _problem_of_boxes(file, b"meta"),
    "video/mp4": lambda file: _problem_of_boxes(file, b"moov"),
    "video/quicktime": lambda file: _problem_of_boxes(file, b"moov"),
    "video/webm": _problem_of_webm,
}
