"""Answers that are legal but odd, and answers that break after they began."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

from . import faults, frames
from .scripts import Script, answer_tokens, plain_tokens
from .steps import Eof

JUNK = (
    b"null", b"[]", b"[1,2]", b"42", b'"text"', b"true", b"{}", b'{"result":null}', b'{"result":[]}',
    b'{"result":{"response":null}}', b'{"result":{"response":"text"}}', b'{"result":{"conversation":null}}',
    b'{"result":{"response":{"token":null}}}', b'{"result":{"response":{"modelResponse":null}}}',
)  # fmt: skip
BROKEN = b'{"result":{"response":{"token":"brok'


def _tokens(script: Script) -> Sequence[str]:
    return answer_tokens(script.turn, plain_tokens(20))


def repeat_final(script: Script) -> None:
    """A late token repeats the whole text."""
    tokens = _tokens(script)
    script.begin()
    script.say(tokens)
    script.add(frames.token(script.turn.rid, "".join(tokens)))
    script.finish()


def side_by_side(script: Script) -> None:
    """A second answer, token by token beside the first, with its own responseId and sideBySideIndex 1."""
    other = copy.copy(script.turn)
    other.rid = script.turn.conversation_id[::-1]
    script.begin()
    for text in _tokens(script):
        script.say([text])
        script.add(frames.token(other.rid, f"{text}-other", sideBySideIndex=1))
    text = "".join(script.told)
    script.add(frames.token(other.rid, "", soft_stop=True, sideBySideIndex=1))
    script.soft_stop()
    script.add(frames.final_metadata(script.turn.rid))
    script.model_response(text)
    second = frames.model_response(other.rid, other.user_rid, "the other answer", other.model, "")
    second["result"]["response"]["sideBySideIndex"] = 1
    script.add(second)
    script.add(frames.title("Simulated answer"))


def token_objects(script: Script) -> None:
    """Tokens that are objects, lists and numbers between the good ones."""
    script.begin()
    odd = ({"action": "webSearch", "action_input": {"query": "tides"}}, ["not", "text"], 7, None, True)
    for number, text in enumerate(_tokens(script)):
        script.say([text])
        script.add(frames.token(script.turn.rid, odd[number % len(odd)]))
    script.finish()


def no_model_response(script: Script) -> None:
    """All tokens, softStop, finalMetadata and title, but no modelResponse."""
    script.begin()
    script.say(_tokens(script))
    script.soft_stop()
    script.add(frames.final_metadata(script.turn.rid))
    script.add(frames.title("Simulated answer"))


def message_only(script: Script) -> None:
    """No token at all; only modelResponse has the text."""
    script.begin()
    script.add(frames.final_metadata(script.turn.rid))
    script.model_response("".join(_tokens(script)))
    script.add(frames.title("Simulated answer"))


def both_keys(script: Script) -> None:
    """conversation and the first token in one result."""
    turn, tokens = script.turn, _tokens(script) or [""]
    first = frames.conversation(turn.conversation_id, True)
    first["result"].update(frames.token(turn.rid, tokens[0])["result"])
    script.add(first)
    script.told.append(tokens[0])
    script.say(tokens[1:])
    script.finish()


def junk_lines(script: Script) -> None:
    script.begin()
    tokens = _tokens(script)
    for number, junk in enumerate(JUNK):
        script.line(junk)
        script.say(tokens[number : number + 1])
    script.say(tokens[len(JUNK) :])
    script.finish()


def long_line(script: Script) -> None:
    """A search result of size= bytes (2 MiB) in the middle of the answer."""
    size = script.turn.directive.integer("size", 2 * 1024 * 1024)
    tokens = _tokens(script)
    half = (len(tokens) + 1) // 2
    script.begin()
    script.say(tokens[:half])
    hit = frames.web_hit("https://example.org/long", "Long", "x" * size, 0)
    script.add(frames.response(script.turn.rid, webSearchResults={"results": [hit]}))
    script.say(tokens[half:])
    script.finish()


def _start(script: Script, default: int) -> None:
    """The frames before a break: the first after= tokens."""
    script.begin()
    count = script.turn.directive.integer("after", script.turn.directive.integer("tokens", default))
    tokens = _tokens(script)
    script.say(tokens[:count] if len(tokens) >= count else plain_tokens(count))


def broken_off(script: Script) -> None:
    """reset_mid, cut_mid, eof_mid and stall_mid."""
    _start(script, 3)
    script.steps += faults.AFTER_TOKENS[script.turn.directive.name]() or [Eof()]


def error_mid(script: Script) -> None:
    _start(script, 3)
    script.add(frames.error(8, "Too many requests"))


def malformed(script: Script) -> None:
    """A line of broken JSON first, then the whole answer."""
    script.line(BROKEN)
    script.begin()
    script.say(_tokens(script))
    script.finish()


def malformed_mid(script: Script) -> None:
    """A line of broken JSON in the middle of the answer."""
    tokens = _tokens(script)
    half = (len(tokens) + 1) // 2
    script.begin()
    script.say(tokens[:half])
    script.line(BROKEN)
    script.say(tokens[half:])
    script.finish()


def error_first(script: Script) -> None:
    script.add(faults.FIRST_LINES[script.turn.directive.name])


def stream_error(script: Script) -> None:
    """`response.error` after after= tokens (none), then an empty modelResponse: looks like an empty
    success.
    """
    text, reason, severity = faults.STREAM_ERRORS[script.turn.directive.name]
    _start(script, 0) if "after" in script.turn.directive.options else script.begin()
    frame = frames.stream_error(script.turn.rid, text, reason, severity)
    if reason == "usageLimitReached":
        chunk = {"imageUuid": "", "imageUrl": "", "progress": 0, "systemErrCode": "rate_limit"}
        card = frames.card(script.turn.rid, frames.image_card("05ab03", chunk))
        frame["result"]["response"]["cardAttachment"] = card["result"]["response"]["cardAttachment"]
        frame["result"]["response"]["error"][reason] = {"midTurn": True}
    script.add(frame)
    script.model_response("")


def model_response_error(script: Script) -> None:
    """after= tokens (none unless told), then a modelResponse with `error`."""
    script.begin()
    script.say(_tokens(script)[: script.turn.directive.integer("after", 0)])
    script.model_response(
        "", error="The model failed to answer.", partial=True, streamErrors=["model failure"]
    )


SCENARIOS: dict[str, Callable[[Script], None]] = {
    "repeat_final": repeat_final, "side_by_side": side_by_side, "token_objects": token_objects,
    "no_model_response": no_model_response, "message_only": message_only, "both_keys": both_keys,
    "junk_lines": junk_lines, "long_line": long_line, "error_mid": error_mid, "malformed": malformed,
    "malformed_mid": malformed_mid, "model_response_error": model_response_error,
    **dict.fromkeys(faults.AFTER_TOKENS, broken_off), **dict.fromkeys(faults.FIRST_LINES, error_first),
    **dict.fromkeys(faults.STREAM_ERRORS, stream_error),
}  # fmt: skip
