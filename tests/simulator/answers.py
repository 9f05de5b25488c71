"""Text scenarios: name -> the frames of a whole answer, in the order of the protocol."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence

import orjson

from . import directives, frames, obliging
from .directives import DirectiveError
from .scripts import Script, Turn, answer_tokens, pieces, plain_tokens, think_tokens
from .steps import Cut, Eof, Gate, Pause, Reset, Send, Stall, Step

THOUGHTS = ["- Reading", " the", " question", " twice", ",", " then", " choosing", " a", " short", " reply."]


def friendly(message: str) -> str:
    """What people read who try the gateway for the first time."""
    return (
        f"Hello! You wrote: {obliging.quote(obliging.last_words(message))}. I am a simulator, so there is no model "
        "behind this answer, but it travels like a real one: word by word, through the same frames. Try a thinking "
        "model, give me tools, or ask for JSON. Have fun!"
    )


def _default(turn: Turn) -> Sequence[str]:
    return answer_tokens(turn, plain_tokens(20))


def natural(script: Script) -> None:
    """The answer without any directive."""
    turn = script.turn
    obliged = None if directives.find(turn.message) else obliging.oblige(turn.message)
    script.begin()
    if turn.thinks and not (obliged and obliged.bare):
        script.think(think_tokens(turn, THOUGHTS))
    script.say(answer_tokens(turn, pieces(obliged.text if obliged else friendly(turn.message))))
    script.finish()


def plain(script: Script) -> None:
    """Thinks only when thinking= or think64= is given."""
    script.begin()
    if {"thinking", "think64"} & set(script.turn.directive.options):
        script.think(think_tokens(script.turn, []))
    script.say(_default(script.turn))
    script.finish()


def think(script: Script) -> None:
    script.begin()
    script.think(think_tokens(script.turn, THOUGHTS))
    script.say(_default(script.turn))
    script.finish()


def late_think(script: Script) -> None:
    """Thinking starts again after a part of the answer."""
    tokens = _default(script.turn)
    half = (len(tokens) + 1) // 2
    script.begin()
    script.think(think_tokens(script.turn, THOUGHTS))
    script.say(tokens[:half])
    script.think(["- Wait", ", one", " more", " check."], header="Checking again")
    script.say(tokens[half:])
    script.finish()


def unclosed_think(script: Script) -> None:
    """Only thinking; modelResponse.message is empty unless answer= or tokens= is given."""
    tokens = answer_tokens(script.turn, [])
    script.begin()
    script.think(think_tokens(script.turn, THOUGHTS))
    script.model_response("".join(tokens))


def search(script: Script) -> None:
    """Two rounds of tools in the thinking, then an answer with a citation card and its grok:render token."""
    rid = script.turn.rid
    hit = frames.web_hit("https://example.org/tides", "Tides", "High water at noon.", 0)
    post = frames.x_hit("sailor", "Spring tide today", 1)
    script.begin()
    script.think(["- Looking", " at", " sources"])
    script.add(frames.tool_card(rid, "t-1", "webSearch", "tide tables", 1), paced=True)
    script.add(frames.tool_result(rid, "t-1", 1, webSearchResults={"results": [hit]}), paced=True)
    script.think(["- A", " table", " was", " found"], header="Reading the tables")
    script.add(frames.tool_card(rid, "t-2", "xSearch", "spring tide", 2), paced=True)
    script.add(frames.tool_result(rid, "t-2", 2, xSearchResults={"results": [post]}), paced=True)
    card = frames.citation_card("05ab01", hit["url"])
    script.say(answer_tokens(script.turn, pieces("High water is at noon")))
    script.add(frames.card(rid, card))
    script.say([frames.render_tag("05ab01", "render_inline_citation", "citation_card", citation_id=0), "."])
    script.finish(webSearchResults=[hit], xposts=[post], cardAttachmentsJson=[orjson.dumps(card).decode()])


TOOL_CARD = (
    "<xai:tool_usage_card><xai:tool_usage_card_id>t-9</xai:tool_usage_card_id><xai:tool_name>web_search"
    '</xai:tool_name><xai:tool_args><![CDATA[{"query":"a < b"}]]></xai:tool_args></xai:tool_usage_card>'
)
_RENDER = frames.render_tag("05ab07", "render_inline_citation", "citation_card", citation_id=3)
_ARTIFACT = '<xaiArtifact artifact_id="r-1" title="demo.py" contentType="text/python">'
TAGS = [
    "Before ", TOOL_CARD, "after", " the tide", _RENDER, ", and ", _ARTIFACT, "print(1 < 2)",
    "</xaiArtifact>", " with a < b", " and <b>bold</b>", f" at the end{_RENDER}.",
]  # fmt: skip
# What remains of TAGS when tool cards and render tags are removed and artifacts are unwrapped.
TAGS_VISIBLE = "Before after the tide, and print(1 < 2) with a < b and <b>bold</b> at the end."
ARTIFACT_BODY = 'def hello():\n    if 1 < 2:\n        print("hi")\n'


def tags(script: Script) -> None:
    script.begin()
    script.say(TAGS)
    script.finish()


def tags_split(script: Script) -> None:
    """The same text in tokens of size= characters, 1 unless told: split at every place."""
    size = max(script.turn.directive.integer("size", 1), 1)
    text = "".join(TAGS)
    script.begin()
    script.say(text[at : at + size] for at in range(0, len(text), size))
    script.finish()


def artifact(script: Script) -> None:
    """Opening and closing tag in tokens of three characters, the body in words."""
    closing = "</xaiArtifact>"
    script.begin()
    script.say(["Here", " it", " is:\n"])
    script.say(_ARTIFACT[at : at + 3] for at in range(0, len(_ARTIFACT), 3))
    script.say(pieces(ARTIFACT_BODY))
    script.say(closing[at : at + 3] for at in range(0, len(closing), 3))
    script.say(["\nDone", "."])
    script.finish()


def echo(script: Script) -> None:
    """Answers the message as received."""
    script.begin()
    script.say(pieces(script.turn.message))
    script.finish()


def scripted(script: Script) -> None:
    """The steps of script64=, and nothing else."""
    steps = script.turn.directive.json("script64")
    if not isinstance(steps, list):
        raise DirectiveError("simulator: script64 is not a list")
    script.steps += [_scripted_step(step) for step in steps]


def _scripted_step(step: object) -> Step:
    match step:
        case ["line", str() as text]:
            return Send(text.encode())
        case ["line", value]:
            return Send(orjson.dumps(value))
        case ["bytes", str() as packed]:
            return Send(base64.b64decode(packed), raw=True)
        case ["sleep", int() | float() as seconds]:
            return Pause(seconds)
        case ["gate", str() as key]:
            return Gate(key)
        case ["reset"]:
            return Reset()
        case ["cut"]:
            return Cut()
        case ["stall"]:
            return Stall()
        case ["eof"]:
            return Eof()
    raise DirectiveError(f"simulator: unknown step {str(step)[:60]}")


SCENARIOS: dict[str, Callable[[Script], None]] = {
    "natural": natural, "plain": plain, "think": think, "late_think": late_think,
    "unclosed_think": unclosed_think, "search": search, "tags": tags, "tags_split": tags_split,
    "artifact": artifact, "echo": echo, "script": scripted, "unwrapped": plain, "wait_then_ok": plain,
}  # fmt: skip
