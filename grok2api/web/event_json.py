"""JSON for server-sent events: no character in it that any reader takes for the end of a line.

JSON escapes those of ASCII by itself. Three more are line ends to Unicode, and to HTTP clients that split a stream as
text; they can only stand inside of strings, where an escape means the same.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

_LINE_END = re.compile(b"\xc2\x85|\xe2\x80[\xa8\xa9]")
_ESCAPES = {b"\xc2\x85": rb"\u0085", b"\xe2\x80\xa8": rb"\u2028", b"\xe2\x80\xa9": rb"\u2029"}


def dumps(value: Any) -> bytes:
    encoded = orjson.dumps(value)
    # nearly every text is ASCII, or has none of them
    if encoded.isascii() or not _LINE_END.search(encoded):
        return encoded
    return _LINE_END.sub(lambda found: _ESCAPES[found[0]], encoded)
