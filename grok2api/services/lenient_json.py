"""JSON as language models write it: single quotes, trailing commas, Python's words, comments, missing braces."""

from __future__ import annotations

import json
import math
import re
from itertools import islice
from typing import Any, SupportsIndex

import orjson
from json_repair.json_parser import JSONParser

from grok2api.services.json_scan import Nesting, spans

#: Longer texts are read strictly or not at all.
LENIENT_MAX = 256 * 1024
#: Longer documents are not repaired by json_repair, which takes about a second for this much.
REPAIRED_MAX = 64 * 1024
#: Levels of objects and lists. Writers of JSON give up earlier than readers do.
DEPTH_MAX = 200
#: Documents that are tried where text stands before them.
_TRIED_MAX = 8
#: How often the repair may look at a character, for each of the text and besides. Real answers need two to four.
_LOOKS_EACH, _LOOKS_LEAST = 6, 10_000

_LONG_NUMBER = re.compile(r"\d{19}")
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*\n(.*?)(?:\n[ \t]*(?:```|~~~)|\Z)", re.DOTALL | re.MULTILINE)
_CLOSING_FENCE = re.compile(r"\s*(?:```|~~~)\s*\Z")
# What a document begins with, so that no prose in brackets is taken for one.
_COMMENT = r"//|/\*|\#"
_SINGLE_QUOTED = re.compile(r"[{\[\s]+'")
_BEGINNING = re.compile(
    rf"""\{{\s*(?:["'}}“]|[\w$-]+\s*:|{_COMMENT})
    |\[\s*(?:[\[{{"'\]“]|-?\d|(?:true|false|null|True|False|None)\b|{_COMMENT})""",
    re.VERBOSE,
)


def lenient_loads(text: str) -> object:
    """The value that the text means. Strict JSON of any kind; with repairs only an object or a list.

    ValueError: it means none that is certain, it is nested too deeply, or too long to be repaired.
    """
    try:
        return strict_loads(text)
    except ValueError:
        if len(text) > LENIENT_MAX:
            raise
    fence = None if text.lstrip().startswith(("{", "[")) else _FENCE.search(text)
    inner = (text if fence is None else fence[1]).strip()
    looks = [_LOOKS_LEAST + _LOOKS_EACH * min(len(inner), REPAIRED_MAX)]
    for start, end in islice(spans(inner), _TRIED_MAX):
        nesting = Nesting()
        nesting.advance(inner[start:end])
        if nesting.closers and not inner[start:].strip("{}[]:,` \t\r\n"):
            break  # nothing but brackets
        try:
            value = _nearly_strict(inner[start:end], nesting)
        except ValueError:
            value = None if _lacks_quote(inner[start:], nesting) else _repaired(inner[start:], looks)
        # "[1]" in prose is a footnote; what stands alone is meant.
        if isinstance(value, dict) or (isinstance(value, list) and (not start or _has_container(value))):
            return _checked(value)
    raise ValueError("no JSON object or list")


def strict_loads(text: str) -> object:
    """The value of a JSON document; of Python's additions NaN and Infinity are understood. ValueError for others."""
    try:
        # orjson makes floats of long integers
        return _checked(json.loads(text) if _LONG_NUMBER.search(text) else orjson.loads(text))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError:
        pass
    try:
        return _checked(json.loads(text))  # also lone surrogates
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dump(value: object) -> str:
    """Compact JSON, valid whatever the value holds: NaN and infinities become null, lone surrogates escapes."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        pass
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))
    return text


def _nearly_strict(text: str, nesting: Nesting) -> Any:
    """An object or list; its strings may hold line breaks, its last brackets may be missing."""
    if nesting.in_string or len(nesting.closers) > DEPTH_MAX:
        raise ValueError("broken off")
    missing = "".join(reversed(nesting.closers))
    if missing:
        text = _CLOSING_FENCE.sub("", text).rstrip().removesuffix(",") + missing
    try:
        return json.loads(text, strict=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _lacks_quote(text: str, nesting: Nesting) -> bool:
    """Whether a string has no end, or one of its own quotes is not escaped: anything could be meant. Between single
    quotes a double one may stand alone."""
    return nesting.in_string and _SINGLE_QUOTED.match(text) is None


def _repaired(text: str, looks: list[int]) -> object:
    """What json_repair makes of the text; None: nothing that can be relied on. looks: how many are left."""
    text = _CLOSING_FENCE.sub("", text)
    if len(text) > REPAIRED_MAX or not _BEGINNING.match(text):
        return None
    try:
        # The strings that it finds are cut out of the watched text and watched themselves.
        value: object = json.loads(json.dumps(JSONParser(_Watched(text, looks), None, False).parse()))
    except (RecursionError, ValueError):
        return None
    if text[0] == "{" and isinstance(value, list) and value:
        value = value[0]  # what followed the object became further elements
    return value if value and isinstance(value, dict if text[0] == "{" else list) else None


class _Watched(str):
    """A text that can be looked at so many times. The repair needs minutes for some texts of a few kilobytes, and
    there is no other place to stop it."""

    _looks: list[int]

    def __new__(cls, text: str, looks: list[int]) -> _Watched:
        made = super().__new__(cls, text)
        made._looks = looks
        return made

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        found = str.__getitem__(self, key)
        self._spend(1 + len(found) // 64)
        return _Watched(found, self._looks) if type(key) is slice else found

    def __add__(self, other: str) -> str:  # the parser puts the text together anew to insert a brace
        return _Watched(str.__add__(self, other), self._looks)

    def __radd__(self, other: str) -> str:
        return _Watched(other + str(self), self._looks)

    def find(self, *arguments: Any) -> int:
        self._spend(1)
        return str.find(self, *arguments)

    def _spend(self, looks: int) -> None:
        self._looks[0] -= looks
        if self._looks[0] < 0:
            raise ValueError("too tangled to be repaired")


def _checked(value: object) -> object:
    """ValueError when the value is nested too deeply."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH_MAX):
        if not level:
            return value
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    raise ValueError("nested too deeply")


def _has_container(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict | list) for item in value)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
