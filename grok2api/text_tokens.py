"""Estimating how many tokens a text is: upstream does not say, and no tokenizer of its models is public.

The estimate: a CJK, kana or hangul character is one token; four other ASCII characters are one; of any
other script, two characters are one. The sums are kept as counts, so the estimate of a text does not
depend on how it was cut into pieces.
"""

from __future__ import annotations

import re

_WIDE = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
    "\U0001b000-\U0001b2ff\U00020000-\U0003ffff]+"
)


class TokenCount:
    """A running estimate over the pieces of one text."""

    __slots__ = ("_quarters",)

    def __init__(self, text: str = "") -> None:
        self._quarters = 0
        self.add(text)

    def add(self, text: str) -> None:
        if text.isascii():
            self._quarters += len(text)
            return
        wide = sum(map(len, _WIDE.findall(text)))
        plain = len(text.encode("ascii", "ignore"))
        self._quarters += 4 * wide + plain + 2 * (len(text) - wide - plain)

    def add_up_to(self, text: str, tokens: int) -> int:
        """Add as much of the text as leaves the estimate at `tokens` or less; how many characters that is."""
        room = 4 * tokens - self._quarters
        if len(text) * 4 <= room:  # whatever its characters are
            self.add(text)
            return len(text)
        fitting = 0
        for char in text:
            room -= 1 if char.isascii() else 4 if _WIDE.match(char) else 2
            if room < 0:
                break
            fitting += 1
        self.add(text[:fitting])
        return fitting

    @property
    def tokens(self) -> int:
        """Rounded up; 0 only for an empty text."""
        return -(-self._quarters // 4)
