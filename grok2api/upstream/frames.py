"""Upstream's lines to events. Pure and total: no input raises anything but an error of `errors.py`.

Upstream streams JSON objects, one to a line, but may also join them (`}{`), wrap them in SSE, put blank
lines between, or send objects of any other shape; what is not known is skipped, an `error` never is.
One `FrameReader` reads one answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

import orjson

from grok2api.errors import UpstreamFailed
from grok2api.events import Citation, Event, Finish, Reasoning, Source, Sources, Text
from grok2api.upstream.errors import challenged, from_error_object
from grok2api.upstream.media_frames import MediaReader, cards_of, citation_of

MAX_LINE_BYTES = 8 * 1024 * 1024

#: A final token that repeats the whole answer is a known fault; shorter ones may be meant ("ha", "ha").
_REPEAT_MIN_CHARS = 40
_SSE_FIELDS = (b"event:", b"id:", b"retry:", b":")
_HIDDEN_TAGS = ("tool_usage_card", "raw_function_result")
#: The keys of a frame that is a piece of text and nothing else.
_TOKEN_KEYS = frozenset(
    {"token", "isThinking", "isSoftStop", "responseId", "messageTag", "messageStepId", "rolloutId"}
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_DECODER = json.JSONDecoder()


def read_events(lines: Iterable[bytes], user: str = "") -> Iterator[Event]:
    """The events of one answer, `Finish` last. user: see MediaReader. Raises UpstreamError or PromptTooLong, also for
    a cut one."""
    reader = FrameReader(user)
    for line in lines:
        yield from reader.read(line)
    yield from reader.end()


class FrameReader:
    """What has to be remembered between the frames of one answer."""

    def __init__(self, user: str = "") -> None:
        self._media = MediaReader(user)
        self._titles: dict[str, str] = {}
        self._answer_id: str | None = None
        #: Of the answer's text so far: its pieces would take ten times the room of what is in them.
        self._digest = blake2b()
        self._length = 0
        self._seen_frame = False
        self._seen_content = False
        self._complete = False

    def read(self, line: bytes) -> Iterable[Event]:
        """The events of one line, which may hold no object, one, or several. To be used up before the next."""
        try:
            frame = orjson.loads(line)
        except orjson.JSONDecodeError:
            return self._read_slowly(line)
        return self._frame(frame)

    def end(self) -> list[Event]:
        """The events that only the end of the stream releases. Raises UpstreamFailed for a cut or empty answer."""
        if not self._seen_frame:
            raise UpstreamFailed("Grok's answer was empty.")
        events = self._media.end()
        if not self._complete:
            raise UpstreamFailed("Grok's answer was cut off.")
        if not self._seen_content and not events and not self._media.found:
            raise UpstreamFailed("Grok's answer was empty.")
        return [*events, Finish()]

    def _read_slowly(self, line: bytes) -> Iterator[Event]:
        for frame in self._decode_slowly(line):
            yield from self._frame(frame)

    def _decode_slowly(self, line: bytes) -> Iterator[object]:
        line = line.strip()
        if line.startswith(b"data:"):
            line = line[5:].strip()
            try:
                yield orjson.loads(line)
                return
            except orjson.JSONDecodeError:
                pass
        if not line or line == b"[DONE]" or line.startswith(_SSE_FIELDS):
            return
        if line.startswith(b"<") and not self._seen_frame:
            raise challenged("a web page instead of an answer")
        try:
            text = line.decode("utf-8")
            position = 0
            while position < len(text):
                frame, position = _DECODER.raw_decode(text, position)
                yield _without_surrogates(frame)
                while position < len(text) and text[position].isspace():
                    position += 1
        except (ValueError, RecursionError) as error:
            raise UpstreamFailed("Grok's answer is broken: a line is not JSON.") from error

    def _frame(self, frame: object) -> list[Event]:
        if not isinstance(frame, dict):
            return []
        self._seen_frame = True
        if frame.get("error"):
            raise from_error_object(frame["error"])
        result = frame.get("result")
        if not isinstance(result, dict):
            return []
        # A conversation that is continued sends its frames unwrapped.
        response = result.get("response", result)
        return self._response(response) if isinstance(response, dict) else []

    def _response(self, response: dict[str, Any]) -> list[Event]:
        """The events of a frame with every key it has; most have only those of a piece of text."""
        events: list[Event] = []
        if response.keys() <= _TOKEN_KEYS:
            if response.get("responseId") == self._answer_id or self._is_first_answer(response):
                self._token(response, events)
            return events
        if response.get("error"):
            raise from_error_object(response["error"])
        if not self._is_first_answer(response):
            return events
        if "webSearchResults" in response or "xSearchResults" in response:
            found = _sources(response)
            self._titles.update((source.url, source.title) for sources in found for source in sources.items)
            events += found
        for card in cards_of(response):
            citation = citation_of(card)
            if citation is not None:
                # A card seldom names the page; the search that found it did.
                title = citation.title or self._titles.get(citation.url, "")
                events.append(Citation(citation.url, title))
        self._token(response, events)
        events += self._media.read(response)
        if "modelResponse" in response:
            self._model_response(response["modelResponse"], events)
        return events

    def _is_first_answer(self, response: dict[str, Any]) -> bool:
        """Upstream may give two answers side by side; the first one is the answer."""
        if response.get("sideBySideIndex"):
            return False
        answer_id = response.get("responseId")
        if not answer_id or not isinstance(answer_id, str) or "userResponse" in response:
            return True
        if self._answer_id is None and ("token" in response or "modelResponse" in response):
            self._answer_id = answer_id
        return self._answer_id is None or self._answer_id == answer_id

    def _token(self, response: dict[str, Any], events: list[Event]) -> None:
        if response.get("isSoftStop"):
            self._complete = True
        token = response.get("token")
        tag = response.get("messageTag")
        if not token or not isinstance(token, str) or tag in _HIDDEN_TAGS:
            return
        flag = response.get("isThinking")
        if flag is True or (flag is None and _is_step_of_thinking(response, tag)):
            heading = tag == "header"
            text = " ".join(token.split()) if heading else token
            if text:
                self._seen_content = True
                events.append(Reasoning(text, heading))
            return
        length = len(token)
        if (
            length == self._length >= _REPEAT_MIN_CHARS
            and blake2b(token.encode()).digest() == self._digest.digest()
        ):
            return
        self._seen_content = True
        self._digest.update(token.encode())
        self._length += length
        events.append(Text(token))

    def _model_response(self, model: object, events: list[Event]) -> None:
        if not isinstance(model, dict):
            return
        errors = model.get("streamErrors")
        if model.get("error"):
            raise from_error_object(model["error"])
        if isinstance(errors, list) and errors:
            raise from_error_object(errors[0])
        if model.get("partial") is True:
            raise UpstreamFailed("Grok's answer was cut off.")
        self._complete = True
        message = model.get("message")
        if not self._length and isinstance(message, str) and message:
            self._seen_content = True
            self._digest.update(message.encode())
            self._length = len(message)
            events.append(Text(message))


def _without_surrogates(value: Any) -> Any:
    """JSON may escape half a character, which no UTF-8 output can carry: it becomes U+FFFD."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


def _is_step_of_thinking(response: dict[str, Any], tag: object) -> bool:
    """2025's deep search marked thinking by the presence of a step, without a flag."""
    return response.get("messageStepId") is not None and tag != "final"


def _sources(response: dict[str, Any]) -> list[Sources]:
    found: list[Sources] = []
    for key, make in (("webSearchResults", _page), ("xSearchResults", _post)):
        container = response.get(key)
        rows = container.get("results") if isinstance(container, dict) else None
        items = tuple(filter(None, map(make, rows))) if isinstance(rows, list) else ()
        if items:
            found.append(Sources(items))
    return found


def _page(row: object) -> Source | None:
    if not isinstance(row, dict) or not isinstance(row.get("url"), str) or not row["url"]:
        return None
    title, preview = row.get("title"), row.get("preview")
    return Source(row["url"], str(title) if title else row["url"], str(preview) if preview else "")


def _post(row: object) -> Source | None:
    if not isinstance(row, dict) or not row.get("username") or not row.get("postId"):
        return None
    url = f"https://x.com/{row['username']}/status/{row['postId']}"
    return Source(url, f"@{row['username']}", str(row.get("text") or ""))
