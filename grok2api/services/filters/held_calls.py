"""A piece of an answer that may be a call: kept until it is known where it ends, or that it is none.

Three kinds: an element `<tool_call>…</tool_call>`; a Markdown code fence and bare JSON, which must look like the call
of a declared tool from the beginning.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import regex

from grok2api.services.filters.call_shape import CallShape
from grok2api.services.json_scan import Nesting

#: Characters of a call, markup included; what is longer is text.
LENGTH_MAX = 1024 * 1024
#: Characters of an element before the first bracket; what is longer is prose about the tag.
PROSE_MAX = 1024
#: White space that may stand before a line break for the line to count as ended.
_TRAILING_MAX = 8

_NAMES = "tool_calls?|function_calls?"
_ATTRIBUTES = r"(?:\s[^<>/]{0,256})?"
TAG = regex.compile(rf"<\s{{0,4}}(?P<name>{_NAMES}){_ATTRIBUTES}>", regex.IGNORECASE | regex.ASCII)
_INNER_TAG = regex.compile(
    rf"<\s{{0,4}}(?P<closing>/\s{{0,4}})?(?P<name>{_NAMES}){_ATTRIBUTES}>", regex.IGNORECASE | regex.ASCII
)
_FENCE_LINE = (
    r"`{3,8}[ \t]{0,4}(?:(?:json[5cl]?|tools?|tool_(?:calls?|code|use)|function(?:_calls?)?|xml)[ \t]{0,4})?"
    r"\r?\n\s{0,32}"
)
#: A fence up to the bracket or the tag that its body begins with.
FENCE = regex.compile(rf"{_FENCE_LINE}(?:[{{\[]|{TAG.pattern})", regex.IGNORECASE | regex.ASCII)
_FENCE_END = regex.compile("`{3,8}")
_BRACKET = regex.compile(r"[{\[]")


class End(NamedTuple):
    """How a held piece ended, places counted from its beginning.

    kind: `closed`, by what closes it; `open`, without that; `text`, it is no call. body_end: where the closing begins.
    """

    kind: Literal["closed", "open", "text"]
    body_end: int
    end: int


class HeldCall:
    """opening: the tag, perhaps behind a fence, or the fence up to its bracket, or nothing for bare JSON.

    shape: for what has no tag. tag: the name in the opening tag.
    """

    def __init__(self, opening: str, shape: CallShape | None = None, tag: str = "") -> None:
        self.shape = shape
        self.opening = len(opening)
        self.in_fence = bool(tag) and opening.startswith("`")
        self._tag = tag.lower()
        self._nesting = Nesting("<" if tag else "`" if opening else "")
        self._mark = _INNER_TAG if tag else _FENCE_END
        self._pieces = [opening]
        self._length = len(opening)
        self._read_to = len(opening)
        self._rest = ""  # what has come and is not read, since it may become a tag
        self._begun = False  # whether a bracket has come
        self._blank = True  # whether only white space and tags came before it
        #: where the latest whole document ends; 0: there is none
        self.whole_to = 0
        #: what closes it within a string, so perhaps does not: `body_end` and `end`; 0: nothing
        self.doubtful = (0, 0)

    @property
    def text(self) -> str:
        return "".join(self._pieces)

    @property
    def in_string(self) -> bool:
        return self._nesting.in_string

    @property
    def missing(self) -> int:
        """How many brackets are open."""
        return len(self._nesting.closers)

    def read(self, text: str) -> End | None:
        """Takes the next piece; where the held text ended, if it did, perhaps before the end of this piece."""
        self._pieces.append(text)
        room = LENGTH_MAX - self._length
        self._length += len(text)
        end = self._read(self._rest + (text if len(text) <= room else text[: max(room, 0)]))
        if end is None and self._length >= LENGTH_MAX:
            return End("text", LENGTH_MAX, LENGTH_MAX)
        return end

    def end(self) -> End:
        """No more will come."""
        found = self._mark.match(self._rest) if self.in_string else None
        if found is not None and not self.doubtful[1] and self._closes(found):
            self.doubtful = (self._read_to, self._read_to + found.end())
        return End("open", self._length, self._length)

    def _read(self, text: str) -> End | None:
        at = 0
        while True:
            begin, at = at, self._nesting.advance(text, at)
            if end := self._looks_wrong(text, begin, at):
                return end
            if self._nesting.complete:
                self.whole_to = self._read_to + at
                if not self.opening:
                    return End("closed", self.whole_to, self.whole_to)
                continue
            if at == len(text):
                break
            found = self._mark.match(text, at, partial=True)
            if found is not None and (found.partial or self._undecided(text, found.end())):
                break
            if found is not None and (end := self._at_mark(text, found)):
                return end
            # It is no mark here: an inner tag, or like any other character.
            begin, at = at, found.end() if found else at + 1
            self._blank = self._blank and found is not None
            if self.shape is not None and (not self.in_string or self.shape.read(text, begin, at) >= 0):
                return self._is_text(begin)
        self._rest = text[at:]
        self._read_to += at
        return None

    def _is_text(self, at: int) -> End:
        return End("text", self._read_to + at, self._read_to + at)

    def _looks_wrong(self, text: str, begin: int, end: int) -> End | None:
        """The end, if this part of the text shows that it is no call."""
        if self.shape is not None:
            no = self.shape.read(text, begin, end)
            return self._is_text(no) if no >= 0 else None
        if self._begun:
            return None
        bracket = _BRACKET.search(text, begin, end)
        self._begun = bracket is not None
        first = bracket.start() if bracket else end
        self._blank = self._blank and (begin == first or text[begin:first].isspace())
        limit = self.opening + PROSE_MAX
        return End("text", limit, limit) if self._read_to + first > limit else None

    def _closes(self, found: regex.Match[str]) -> bool:
        if not self._tag:
            return True
        # Within a list of calls a call ends without ending the list.
        return bool(found["closing"]) and (not self._tag.endswith("s") or found["name"].lower().endswith("s"))

    def _undecided(self, text: str, at: int) -> bool:
        """Whether what follows a mark is needed to know what it is: all of a fence's backticks, and the rest of the
        line when it is in a string."""
        after = text[at : at + _TRAILING_MAX + 1]
        if not self._tag and not after:
            return True
        return self.in_string and len(after) <= _TRAILING_MAX and not after.strip(" \t")

    def _at_mark(self, text: str, found: regex.Match[str]) -> End | None:
        """The end, if it is here."""
        start, end = self._read_to + found.start(), self._read_to + found.end()
        if self._closes(found):
            # No string of JSON has a line break: when one follows, a quote is missing.
            after = text[found.end() : found.end() + _TRAILING_MAX + 1].lstrip(" \t")
            if not self.in_string or after.startswith(("\n", "\r")):
                return End("closed", start, end)
            self.doubtful = self.doubtful if self.doubtful[1] else (start, end)
        elif self._is_same_tag(found) and (self.whole_to or not self._blank):
            # The one before was left open, or only spoken of.
            return End("open" if self.whole_to else "text", start, start)
        return None

    def _is_same_tag(self, found: regex.Match[str]) -> bool:
        return not found["closing"] and found["name"].lower() == self._tag and not self.missing
