"""POST /rest/app-chat/conversations/new: from the request to the stream that answers it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import orjson

from . import answers, directives, faults, media_answers, obliging, odd_answers, video_answers
from .accounts import Account
from .directives import Directive, DirectiveError
from .http import TRANSPORTS
from .replies import Reply, Stream, envelope
from .scripts import Script, Turn
from .steps import Gate, Pause, Step, dress

SCENARIOS = {
    **answers.SCENARIOS,
    **odd_answers.SCENARIOS,
    **media_answers.SCENARIOS,
    **video_answers.SCENARIOS,
}
NAMES = frozenset(SCENARIOS) | faults.NAMES

_MODEL = re.compile(r"(grok-|imagine-)[A-Za-z0-9._-]*|auto|fast|expert|heavy")
_DRAW = re.compile(
    r"\b(draw|paint|sketch)\b|\b(generate|create|make)\b.{0,60}\b(image|picture|photo|drawing)s?\b"
    r"|画|生成.{0,20}图", re.I | re.S,
)  # fmt: skip
_POST = re.compile(r"https://grok\.com/imagine/([0-9a-f-]{36})")
_CONTENT_TYPES = {"json": "application/json", "ndjson": "application/x-ndjson", "sse": "text/event-stream"}


def bad_request(message: str) -> Reply:
    return envelope(400, 3, message, wrapped=True)


class Chat:
    """`defaults` are the directives of prompts without one, one after the other, the last one for all further ones;
    `failures` counts the hits of directives with times=.
    """

    def __init__(self) -> None:
        self.defaults: list[Directive] = []
        self.failures: Counter[str] = Counter()

    def answer(self, account: Account, raw: bytes) -> tuple[Reply, str]:
        """The reply and the name of its scenario."""
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return bad_request("Invalid JSON"), "400_bad"
        message = body.get("message") if isinstance(body, dict) else None
        if not isinstance(message, str) or not message:
            return bad_request("message: value is required"), "400_bad"
        try:
            directive = self._directive(account, body, message)
            reply = self._reply(account, body, message, directive)
        except (DirectiveError, ValueError) as error:
            return bad_request(str(error)), "400_bad"
        return reply, directive.name

    def _directive(self, account: Account, body: dict[str, Any], message: str) -> Directive:
        """The account's fault, else the prompt's directive, else the default, else what the prompt asks
        for.
        """
        fault = account.fault("chat")
        asked = directives.find(message)
        if fault is not None:
            return fault.over(asked) if asked else fault
        directive = asked or self._default() or natural(body, message)
        if "script64" in directive.options:
            directive = Directive("script", directive.options)
        if directive.name == "ok":
            directive = Directive("plain", directive.options)
        if directive.name not in NAMES:
            raise DirectiveError(f"simulator: unknown directive {directive.name!r}")
        if "times" in directive.options:
            key = directive.options.get("key") or message
            self.failures[key] += 1
            if self.failures[key] > directive.integer("times", 1):
                return Directive(directive.options.get("then", "plain"), directive.options)
        return directive

    def _default(self) -> Directive | None:
        return self.defaults.pop(0) if len(self.defaults) > 1 else next(iter(self.defaults), None)

    def _reply(self, account: Account, body: dict[str, Any], message: str, directive: Directive) -> Reply:
        turn = Turn(
            account, body, message, directive,
            model=str(body.get("modelName") or body.get("modeId") or ""),
            mode=str(body.get("modelMode") or ""),
            files=[str(file) for file in body.get("fileAttachments") or []],
        )  # fmt: skip
        early = faults.early(directive, wrapped=True)
        if early is None and (complaint := complaint_of(turn)):
            return bad_request(complaint)
        if early is None or directive.flag("charge"):
            paid = charge(turn)
            if not paid and early is None:
                fault = faults.TOO_MANY
                return envelope(fault.status, fault.code, fault.message, wrapped=True)
        reply = early or stream(turn)
        if directive.name in ("429_exhausted", "usage_limit"):
            account.pool(is_heavy(turn)).drain()
        gates: list[Step] = [Gate(directive.options["hold"])] if early and "hold" in directive.options else []
        reply.before = before(directive) + gates + reply.before
        if isinstance(reply, Stream):
            shape(reply, directive)
        return reply


def natural(body: dict[str, Any], message: str) -> Directive:
    """What the prompt asks for: a video, an edited picture, pictures or text."""
    tools = body.get("toolOverrides")
    model = str(body.get("modelName") or "")
    made = body.get("mediaGenInput")
    kinds = frozenset(made) if isinstance(made, dict) else frozenset()
    films = isinstance(tools, dict) and tools.get("videoGen") is True
    if films or model.startswith("imagine-video") or kinds & {"imageToVideo", "textToVideo"}:
        return Directive("video", {"delay": "0.15"})
    allowed = body.get("enableImageGeneration") is not False
    told = isinstance(tools, dict) and tools.get("imageGen") is True
    draws = allowed and (told or _asks_for_pictures(message))
    if model == "imagine-image-edit" or "imageToImage" in kinds or (draws and body.get("fileAttachments")):
        return Directive("edit", {"delay": "0.3"})
    return Directive("images", {"delay": "0.2"}) if draws else Directive("natural", {"delay": "0.02"})


def _asks_for_pictures(message: str) -> bool:
    return bool(_DRAW.search(obliging.last_words(message))) and not obliging.oblige(message)


def complaint_of(turn: Turn) -> str | None:
    """What is wrong with the fields of a request, in the words of a 400."""
    if not _MODEL.fullmatch(turn.model):
        return f"Unsupported model {turn.model!r}"
    if turn.mode and not turn.mode.startswith("MODEL_MODE_"):
        return f"Unsupported mode {turn.mode!r}"
    for file in turn.files:
        if file not in turn.account.files:
            return f"File {file} not found"
    post = _POST.search(turn.message)
    if post and post[1] not in turn.account.posts:
        return f"Post {post[1]} not found"
    return None


def is_heavy(turn: Turn) -> bool:
    return turn.model in ("grok-4-heavy", "heavy") or turn.mode == "MODEL_MODE_HEAVY"


def charge(turn: Turn) -> bool:
    """Takes the units of a request from its pool; False when too few are left. A broken-off answer is
    charged too.
    """
    directive = turn.directive
    if directive.name in faults.STREAM_ERRORS or directive.name == "model_response_error":
        free = directive.integer("after", 0) == 0
    else:
        free = directive.name in faults.NAMES - faults.CONSUMING
    if free and not directive.flag("charge"):
        return True
    if directive.options.get("charge") == "0":
        return True
    expert = turn.mode == "MODEL_MODE_EXPERT" or turn.model == "expert"
    pair = directive.name in media_answers.PICTURES and turn.pictures > 1
    heavy = is_heavy(turn)
    return turn.account.pool(heavy).take(4 if (expert or pair) and not heavy else 1)


def stream(turn: Turn) -> Stream:
    """The dressed stream of a scenario."""
    script = Script(turn)
    SCENARIOS[turn.directive.name](script)
    return Stream(dress(script.steps, turn.directive))


def before(directive: Directive) -> list[Step]:
    """Steps ahead of the status line: pre_delay=, and wait= of wait_then_ok."""
    seconds = directive.number("pre_delay", 0.0)
    if directive.name == "wait_then_ok":
        seconds += directive.number("wait", 2.0)
    return [Pause(seconds)] if seconds else []


def shape(reply: Stream, directive: Directive) -> None:
    """Applies transport=, segment=, split=, pause= and ctype=."""
    reply.transport = directive.choice("transport", "chunked", TRANSPORTS)
    reply.segment, reply.split = directive.integer("segment", 0), directive.integer("split", 0)
    reply.pause_s = directive.number("pause", reply.pause_s)
    kind = directive.choice("ctype", "sse" if directive.flag("sse") else "json", tuple(_CONTENT_TYPES))
    reply.content_type = _CONTENT_TYPES[kind]
