"""Answers that are to be JSON: the document is taken out of what the model wrote around it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NoReturn

from grok2api.events import Event, Finish, Text, ToolCall
from grok2api.services.json_scan import Nesting, spans
from grok2api.services.lenient_json import dump, lenient_loads, strict_loads

#: Characters before the document that are held back; an answer with more of them is passed on as it is.
STRAY_MAX = 64 * 1024
#: Documents of one answer that are held against the schema, each of which may take a while.
FITS_MAX = 8
#: Places where a document is looked for, and how often over the text is read for it.
_STARTS_MAX, _PASSES_MAX = 500, 4
_FENCES_MAX = 8

_OPENING = re.compile(r"[{\[]")
#: What a document begins with, so that no word in brackets is taken for one; `next` is empty at the end of the text.
_OBJECT = re.compile(r"""\{\s*+(?P<next>["'}]|\Z)""")
_DOCUMENT = re.compile(
    r"""(?:\{(?=\s*+(?:["'}]|\Z))|\[(?=\s*+(?:[\[{"'\]\dtfn-]|\Z)))\s*+(?P<next>.|\Z)""", re.DOTALL
)
#: White space behind a bracket after which it is no longer waited for what follows.
_SPACE_MAX = 256
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*\n(.*?)^[ \t]*(?:```|~~~)", re.DOTALL | re.MULTILINE)
_NO_JSON = "There is no JSON document in the answer."


def pick_json(
    text: str, fits: Callable[[object], str | None], *, container: bool = True
) -> tuple[str | None, str]:
    """The first JSON document in an answer that fits, and ""; or None, and what is wrong, for the model.

    fits: what is wrong with a value, as `schemas.problem_with` says it. container: only an object or a list will do. A
    valid document is given as the model wrote it, one that had to be repaired is written anew.
    """
    problem = ""
    tried: set[str] = set()
    for document, value in _documents(text):
        if document in tried or (container and not isinstance(value, dict | list)):
            continue
        wrong = fits(value)
        if wrong is None:
            return document, ""
        problem = problem or wrong  # the first document is the likeliest to be meant
        tried.add(document)
        if len(tried) == FITS_MAX:
            break
    return None, problem or _NO_JSON


def stream_json(events: Iterable[Event], *, is_object: bool = False) -> Iterator[Event]:
    """The events, of whose text only the first object or list is left, from its bracket to its end, as it comes.
    is_object: it can only be an object, so that a footnote's `[1]` before it is none.

    An answer without a bracket that may begin JSON, or with none in its first `STRAY_MAX` characters, is passed on
    unchanged.
    """
    document = JsonPart(is_object)
    try:
        for event in events:
            if isinstance(event, Finish | ToolCall) and (rest := document.end()):
                yield Text(rest)
            if type(event) is not Text:
                yield event
            elif text := document.feed(event.text):
                yield Text(text)
    except Exception:
        if rest := document.end():
            yield Text(rest)
        raise
    if rest := document.end():
        yield Text(rest)


class JsonPart:
    """Lets pass of a text what `stream_json` says."""

    def __init__(self, is_object: bool = False) -> None:
        self._beginning = _OBJECT if is_object else _DOCUMENT
        self._nesting: Nesting | None = None  # of the document that has begun
        self._over = self._all = False
        self._stray: list[str] = []
        self._held = 0
        self._start = ""  # a bracket that may begin the document: that depends on what follows it

    def feed(self, text: str) -> str:
        """What can be shown now."""
        if self._all:
            return text
        if self._nesting is None:
            text = self._begin(self._start + text)
            if self._nesting is None:
                return text
        if self._over:
            return ""
        end = self._nesting.advance(text)
        self._over = self._nesting.complete
        return text[:end]

    def end(self) -> str:
        """The held text, when there was no document. From now on all passes if so."""
        if self._nesting is not None:
            return ""
        self._all = True
        held = "".join((*self._stray, self._start))
        self._stray, self._start = [], ""
        return held

    def _begin(self, text: str) -> str:
        """The document from its bracket on; nothing as long as it is not there, all when it comes too late."""
        room = STRAY_MAX - self._held
        found = self._beginning.search(text, 0, room + _SPACE_MAX + 2)
        if found is not None and found.start() >= room:
            found = None
        if found is not None and (found["next"] or found.end() - found.start() > _SPACE_MAX):
            self._stray.clear()
            self._nesting = Nesting()
            return text[found.start() :]
        stray = text if found is None else text[: found.start()]
        self._start = text[len(stray) :]
        self._stray.append(stray)
        self._held += len(stray)
        return self.end() if self._held >= STRAY_MAX else ""


def _documents(text: str) -> Iterator[tuple[str, object]]:
    """The documents in the text, each with its value, the likeliest to be meant first.

    Valid ones come first, then what can be repaired, at last those within others: of `{"a": {"b": 1},}` the whole is
    meant.
    """
    fences = [found[1] for found in islice(_FENCE.finditer(text), _FENCES_MAX)]
    for part in (text, *fences):
        part = part.strip()
        if _document_end(part, 0)[0] == len(part):
            yield from _with_value(part)
    for start, end in islice(spans(text), _STARTS_MAX):
        if _document_end(text, start)[0] == end:
            yield from _with_value(text[start:end])
    for part in (*fences, text):
        try:
            value = lenient_loads(part)
        except ValueError:
            continue
        yield dump(value), value
    left = _PASSES_MAX * len(text)
    for found in islice(_OPENING.finditer(text), _STARTS_MAX):
        end, looked_at = _document_end(text, found.start())
        if end:
            yield from _with_value(text[found.start() : end])
        left -= looked_at
        if left < 0:
            break


def _with_value(document: str) -> Iterator[tuple[str, object]]:
    try:
        yield document, strict_loads(document)
    except ValueError:  # nested too deeply
        return


def _document_end(text: str, start: int) -> tuple[int, int]:
    """Where the valid document ends that begins here, 0 if none does, and how many characters were looked at."""
    try:
        end = _DECODER.raw_decode(text, start)[1]
    except json.JSONDecodeError as error:
        return 0, error.pos - start
    except (ValueError, RecursionError):  # Infinity, a number without end, brackets without end
        return 0, len(text) - start
    return end, end - start


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
