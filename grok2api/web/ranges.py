"""What a `Range` header asks of a file (RFC 9110, section 14). Pure.

werkzeug's own parser is not used: it refuses ranges that overlap or are out of order, and takes spaces within one;
an unknown unit is for the caller to find, and a number too long for `int` raises.
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: More ranges than this are answered with the whole file.
MAX_RANGES = 16
#: Ranges with a smaller gap between them are sent as one: the head of a further part is larger.
_SMALL_GAP = 128

#: No file's size has more digits; a header with more is malformed.
_RANGE = re.compile(r"([0-9]{0,100})-([0-9]{0,100})")


class Unsatisfiable(Exception):
    """The header is well-formed, and none of what it asks for lies within the file: a 416."""


class Slice(NamedTuple):
    """Bytes of a file; `stop` is the first that is not meant."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        return self.stop - self.start


def wanted(header: str, size: int) -> tuple[Slice, ...] | None:
    """The slices that a `Range` header asks of a file of `size` bytes: disjoint, not empty, in the order asked.

    None: the whole file, because there is no header, or one that is malformed, in another unit or asks for more than
    MAX_RANGES. Raises Unsatisfiable.
    """
    asked = _parse(header)
    if asked is None:
        return None
    if not size and any(first is None and last for first, last in asked):
        return None  # the last n bytes of nothing are there, but a 206 could not say so
    found = [slice_ for first, last in asked if (slice_ := _clamp(first, last, size)) is not None]
    if not found:
        raise Unsatisfiable
    return _merge(found) if len(found) <= MAX_RANGES else None


def _parse(header: str) -> list[tuple[int | None, int | None]] | None:
    """First and last byte of each range; without a first one: as many last bytes. None: malformed, or other units."""
    unit, equals, text = header.partition("=")
    if not equals or unit.strip(" \t").lower() != "bytes":
        return None
    asked: list[tuple[int | None, int | None]] = []
    for item in text.split(","):
        item = item.strip(" \t")
        if not item:
            continue  # section 5.6.1.2: empty elements of a list do not count
        match = _RANGE.fullmatch(item)
        if match is None or item == "-":
            return None
        first, last = (int(digits) if digits else None for digits in match.groups())
        if first is not None and last is not None and last < first:
            return None
        asked.append((first, last))
    return asked or None


def _clamp(first: int | None, last: int | None, size: int) -> Slice | None:
    """A range within a file; None: it is beyond the end, or the last 0 bytes."""
    if first is None:
        first, last = max(0, size - (last or 0)), None
    stop = size if last is None else min(last + 1, size)
    return Slice(first, stop) if first < stop else None


def _merge(found: list[Slice]) -> tuple[Slice, ...]:
    """One slice for those that overlap or nearly touch, at the place of the first that was asked for."""
    merged: list[tuple[int, Slice]] = []
    for place, slice_ in sorted(enumerate(found), key=lambda numbered: numbered[1]):
        if merged and slice_.start <= merged[-1][1].stop + _SMALL_GAP:
            earlier, whole = merged[-1]
            merged[-1] = (min(earlier, place), Slice(whole.start, max(whole.stop, slice_.stop)))
        else:
            merged.append((place, slice_))
    return tuple(slice_ for _, slice_ in sorted(merged))
