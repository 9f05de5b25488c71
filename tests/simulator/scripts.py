"""`Turn`, what one chat request asked, and `Script`, which writes the frames of its answer in the usual
order.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from . import frames
from .accounts import Account
from .directives import Directive, DirectiveError
from .frames import Json
from .steps import Gate, Pause, Send, Step

_PIECES = re.compile(r"\s*\S+|\s+\Z")
_THINKING_MODEL = re.compile(r"grok-4-1-thinking-|grok-4-heavy|THINKING|EXPERT|HEAVY|^(expert|heavy)$")


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass(slots=True)
class Turn:
    """One accepted chat request. `model` is modelName or modeId, `mode` modelMode or ""."""

    account: Account
    body: Json
    message: str
    directive: Directive
    model: str
    mode: str
    files: list[str]
    conversation_id: str = field(default_factory=_new_id)
    user_rid: str = field(default_factory=_new_id)
    rid: str = field(default_factory=_new_id)

    @property
    def thinks(self) -> bool:
        return bool(_THINKING_MODEL.search(self.model) or _THINKING_MODEL.search(self.mode))

    @property
    def pictures(self) -> int:
        """How many pictures to make: images=, else imageGenerationCount, else 2; 1 to 10."""
        asked = self.body.get("imageGenerationCount")
        return max(1, min(self.directive.integer("images", asked if isinstance(asked, int) else 2), 10))


def pieces(text: str) -> list[str]:
    """Splits a text into word-like tokens with leading blanks; joined they give the text again."""
    return _PIECES.findall(text)


@lru_cache(maxsize=64)
def plain_tokens(count: int) -> tuple[str, ...]:
    """The tokens of `tokens=N`: "w0", " w1", " w2" ..."""
    return tuple(f"{' ' if number else ''}w{number}" for number in range(count))


class Script:
    """Collects steps. `told` is the answer so far; `thoughts` the thinking."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.steps: list[Step] = []
        self.told: list[str] = []
        self.thoughts: list[str] = []
        self.wrapped = turn.directive.name != "unwrapped"
        self._delay = turn.directive.number("delay", 0.0)
        self._gate = turn.directive.options.get("step")
        self._think_step = 0
        if hold := turn.directive.options.get("hold"):
            self.steps.append(Gate(hold))
        if first := turn.directive.number("first_delay", 0.0):
            self.steps.append(Pause(first))

    def add(self, frame: Any, *, paced: bool = False) -> None:
        """One frame; `paced` ones wait for delay=."""
        for form in (frame,) if self.wrapped else frames.unwrapped(frame):
            self.steps.append(Send(orjson.dumps(form), self._delay if paced else 0.0))

    def line(self, text: bytes) -> None:
        self.steps.append(Send(text))

    def begin(self) -> None:
        """conversation, userResponse, uiLayout, llmInfo."""
        turn = self.turn
        self.add(frames.conversation(turn.conversation_id, bool(turn.body.get("temporary"))))
        self.add(frames.user_response(turn.user_rid, turn.message, turn.model, turn.files))
        self.add(frames.ui_layout(turn.rid, turn.thinks))
        self.add(frames.llm_info(turn.rid))

    def think(self, texts: Iterable[str], header: str = "Thinking about your request") -> None:
        """A step of thinking: its heading in one token, then its summary."""
        rid, step = self.turn.rid, self._think_step
        self.add(frames.token(rid, header, thinking=True, tag="header", messageStepId=step), paced=True)
        self.thoughts.append(header)
        for text in texts:
            frame = frames.token(
                rid, text, thinking=True, tag="summary", messageStepId=step, rolloutId="Grok"
            )  # fmt: skip
            self.add(frame, paced=True)
            self.thoughts.append(text)
        self._think_step += 1

    def say(self, texts: Iterable[str]) -> None:
        """Answer tokens, each after delay= and, with step=, after a permit."""
        start, end = self._token_edges()
        stamped = None
        if self.turn.directive.flag("stamp"):
            stamped = Send(start + b'"', self._delay, b'"' + end)
        texts = list(texts)
        sends = (
            [stamped] * len(texts)
            if stamped
            else [Send(start + orjson.dumps(text) + end, self._delay) for text in texts]
        )
        if self._gate is None:
            self.steps += sends
        else:
            for send in sends:
                self.steps += [Gate(self._gate), send]
        self.told += texts

    def _token_edges(self) -> tuple[bytes, bytes]:
        """The JSON of an answer token before and after its text; one dump serves all tokens of a stream."""
        frame = frames.token(self.turn.rid, "?")
        whole = orjson.dumps(frame if self.wrapped else next(frames.unwrapped(frame)))
        start, _, end = whole.partition(b'"?"')
        return start, end

    def soft_stop(self) -> None:
        self.add(frames.token(self.turn.rid, "", soft_stop=True))

    def model_response(self, message: str | None = None, **fields: object) -> None:
        turn = self.turn
        text = "".join(self.told) if message is None else message
        if self.thoughts:
            step = {
                "text": self.thoughts,
                "tags": [],
                "webSearchResults": [],
                "toolUsageCards": [],
                "rolloutId": "",
            }
            fields = {"steps": [step], **fields}
        mode = turn.mode.removeprefix("MODEL_MODE_").lower()
        self.add(frames.model_response(turn.rid, turn.user_rid, text, turn.model, mode, **fields))

    def finish(self, message: str | None = None, **fields: object) -> None:
        """softStop, finalMetadata, modelResponse, title."""
        self.soft_stop()
        self.add(frames.final_metadata(self.turn.rid))
        self.model_response(message, **fields)
        self.add(frames.title("Simulated answer"))


def answer_tokens(turn: Turn, default: Sequence[str]) -> Sequence[str]:
    """tokens64=, answer=, tokens= or the default."""
    given = turn.directive.json("tokens64")
    if isinstance(given, list) and all(isinstance(text, str) for text in given):
        return given
    if given is not None:
        raise DirectiveError("simulator: tokens64 is not a list of strings")
    text = turn.directive.text("answer")
    if text is not None:
        return pieces(text)
    if "tokens" in turn.directive.options:
        return plain_tokens(turn.directive.integer("tokens", 20))
    return default


def think_tokens(turn: Turn, default: Sequence[str]) -> Sequence[str]:
    """think64=, thinking= or the default."""
    text = turn.directive.text("think64")
    if text is not None:
        return pieces(text)
    if "thinking" in turn.directive.options:
        return [
            f"{' ' if number else ''}t{number}" for number in range(turn.directive.integer("thinking", 5))
        ]
    return default
