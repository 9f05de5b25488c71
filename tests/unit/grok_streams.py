"""Whole upstream answers as bytes, from the simulator's builders, and how the gateway reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, cast

import requests
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from urllib3 import HTTPResponse

from grok2api.errors import GatewayError
from grok2api.events import Event
from grok2api.upstream.frames import read_events
from grok2api.upstream.transport import READ_BYTES, PromptBody
from tests.simulator.accounts import make
from tests.simulator.chat import NAMES, SCENARIOS
from tests.simulator.directives import Directive, pack
from tests.simulator.scripts import Script, Turn
from tests.simulator.steps import Send

#: Tokens with characters of every length in UTF-8, escapes, and line breaks that only `str` knows.
TOKENS = ["héllo", " 世界", " \U0001f30a", '\n"quoted" \\ {}[]', "\u2028\u0085", " ", "}{", "data: x", " end"]
TEXT_SCENARIOS = (
    "plain",
    "think",
    "late_think",
    "repeat_final",
    "side_by_side",
    "no_model_response",
    "search",
)
#: What the steps of `script` are, the test says; the others tell their own story.
ALL_SCENARIOS = tuple(sorted(set(SCENARIOS) - {"script"}))

#: For a machine that has other things to do.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

Outcome = tuple[list[Event], str]


def frames_of(name: str, **options: object) -> list[bytes]:
    """The JSON lines of a scenario's answer, without line ends."""
    directive = Directive(name, {key: str(value) for key, value in options.items()})
    account = make({"sso": "sim-basic-ok-unit"}, NAMES)
    turn = Turn(account, {}, "draw me the tide", directive, "grok-4", "MODEL_MODE_EXPERT", [])
    script = Script(turn)
    SCENARIOS[name](script)
    return [step.data for step in script.steps if isinstance(step, Send)]


def options_of(name: str) -> dict[str, object]:
    """Options that make a scenario rich in odd characters, or small."""
    if name == "long_line":
        return {"size": 20_000}
    return {"tokens64": pack(TOKENS)} if name in TEXT_SCENARIOS else {}


class PiecewiseRaw:
    """A urllib3 body that arrives in these pieces; like the real one, it may return nothing while open."""

    chunked = False
    headers: Mapping[str, str] = {}

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = list(pieces)
        self._pieces.reverse()
        self._closed = False

    def read1(self, amt: int, decode_content: bool | None = None) -> bytes:
        if not self._pieces:
            self._closed = True
            return b""
        piece = self._pieces.pop()
        if len(piece) > amt:
            self._pieces.append(piece[amt:])
        return piece[:amt]

    def isclosed(self) -> bool:
        return self._closed

    def close(self) -> None:
        self._closed = True


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a body that arrives in these pieces, by the road that real answers take."""
    response = requests.Response()
    response.raw = PromptBody(cast(HTTPResponse, PiecewiseRaw(pieces)))
    return cast("Iterator[bytes]", response.iter_lines(chunk_size=READ_BYTES))


def outcome_of(lines: Iterable[bytes]) -> Outcome:
    """All events up to the end or the error, and the error in words ("" for a good end)."""
    events: list[Event] = []
    try:
        events.extend(read_events(lines))
    except GatewayError as error:
        return events, f"{type(error).__name__}: {error}"
    return events, ""


def read(pieces: Iterable[bytes]) -> Outcome:
    return outcome_of(lines_of(pieces))


def cut(body: bytes, places: Sequence[int]) -> list[bytes]:
    """The body in pieces, cut at these places."""
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


def json_values() -> st.SearchStrategy[Any]:
    """Any JSON value, with the names that upstream uses among its keys."""
    text = st.text(max_size=8)
    names = st.sampled_from(
        (
            "result", "response", "error", "token", "isThinking", "isSoftStop", "responseId", "messageTag",
            "messageStepId", "modelResponse", "message", "streamErrors", "partial", "generatedImageUrls",
            "fileAttachments", "cardAttachment", "jsonData", "cardType", "url", "title", "image_chunk",
            "imageUrl", "imageUuid", "progress", "moderated", "webSearchResults", "xSearchResults", "results",
            "username", "postId", "code", "waitTimeSeconds", "usageLimitReached", "sideBySideIndex",
            "streamingImageGenerationResponse", "streamingVideoGenerationResponse", "videoUrl",
            "cachedImageGenerationResponse", "userResponse", "preview", "text", "imageId",
        )
    )  # fmt: skip
    told = st.sampled_from(
        (
            "final",
            "header",
            "raw_function_result",
            "citation_card",
            "https://[",
            "/a-part-0/b.mp4",
            "100",
            "\n",
        )
    )
    numbers = st.integers() | st.floats() | st.sampled_from((0, 8, 16, 100, 10**30, 10**400, -1))
    leaves = st.none() | st.booleans() | numbers | text | told
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | text, inner, max_size=6),
        max_leaves=20,
    )
