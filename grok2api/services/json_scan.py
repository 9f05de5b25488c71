"""Follows JSON as it comes in pieces: what is inside a string, how deep it is, where a document ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

_CLOSER = {"{": "}", "[": "]"}


class Nesting:
    """Reads text that holds JSON, also JSON that is not quite valid.

    stops: characters that `advance` stops at, wherever they stand, so that who reads can look for more there.
    Outside of any bracket quotes mean nothing: there may be prose. A closing bracket of the wrong kind closes too.
    """

    __slots__ = ("_escaped", "_inside", "_outside", "_stops", "closers", "complete", "in_string")

    def __init__(self, stops: str = "") -> None:
        self._stops = stops
        self._outside = re.compile(rf'["{{}}\[\]{re.escape(stops)}]')
        self._inside = re.compile(rf'["\\{re.escape(stops)}]')
        self._escaped = False
        self.in_string = False
        #: the brackets that are missing, the outermost first
        self.closers: list[str] = []
        #: whether the latest `advance` ended behind the bracket that closed the outermost one
        self.complete = False

    def advance(self, text: str, at: int = 0) -> int:
        """Reads on from `at`, to a stop (which is not read), behind the end of a document, or to the text's end."""
        self.complete = False
        while True:
            if self._escaped and at < len(text):
                self._escaped = False
                at += 1
            found = (self._inside if self.in_string else self._outside).search(text, at)
            if found is None:
                return len(text)
            char, at = found[0], found.end()
            if char in self._stops:
                return at - 1
            if char == "\\":
                self._escaped = True
            elif char == '"':
                self.in_string = not self.in_string and bool(self.closers)
            elif char in _CLOSER:
                self.closers.append(_CLOSER[char])
            elif self.closers:
                self.closers.pop()
                if not self.closers:
                    self.complete = True
                    return at


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the objects and lists of the text stand, one after another; the last may be without its end."""
    at = 0
    while (opening := _OPENING.search(text, at)) is not None:
        at = Nesting().advance(text, opening.start())
        yield opening.start(), at


_OPENING = re.compile(r"[{\[]")
