"""Messages to the one string that upstream takes.

A lone user message goes as it is. A conversation becomes a transcript: every turn begins with a line
that holds only its role in brackets, with a name where the client gave one, and turns are parted by an
empty line:

    [system]
    Be brief.

    [user: Ann]
    What is the tide doing?

    [assistant]
    Rising. I ask for the time.
    <tool_call>
    {"id":"call_1","name":"get_tide","arguments":{"place":"Brest"}}
    </tool_call>

    [tool: get_tide, call_1]
    High water at 12:00

`developer` is written as `system`. Instructions of ours (see `instructions.py`) are a system turn behind the client's
leading ones. No text can forge a turn: inside a message, a line that reads like
such a heading (also after backslashes) gets one more backslash in front, so a heading without one was
always written by the gateway. Every line boundary that any reader may take for one counts as one. In
the assistant's turns `<think>` blocks are dropped, and data URLs become `[image]`. Where a picture stood in a turn
there is a line `[image 1]`, with its number among those that are attached, or `[image]` for an older one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import takewhile

import regex

from grok2api.messages import Message, Picture, Role, ToolUse
from grok2api.services.lenient_json import dump, strict_loads

#: Where a long prompt goes as a file: its name, and what the message is then.
PROMPT_FILE = "message.txt"
PROMPT_IN_FILE = (
    f"The conversation is in the attached file {PROMPT_FILE}. Read it whole and answer its last turn."
)

_BREAK = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
#: What shows nothing, or a blank, within a line.
_UNSEEN = rf"[[\s\p{{Cf}}\p{{Cc}}]--[{_BREAK}]]"
# Possessive (`*+`), so that a long line costs linear time.
_HEADING = regex.compile(
    rf"(?:^|(?<=[{_BREAK}]))(?=(?:\\|{_UNSEEN})*+[\[\uff3b]{_UNSEEN}*+(?:system|developer|user|assistant|tool)\b)",
    regex.IGNORECASE | regex.V1,
)
# Thinking that comes first goes with the space behind it; later the one line break that the gateway adds.
_THINK = re.compile(r"\A\s*+<think>.*?(?:</think>\s*|\Z)|<think>.*?(?:</think>\n?|\Z)", re.DOTALL)
_DATA_URL = re.compile(r"!\[[^\[\]]*+\]\(data:[^()\s]*+\)|data:[\w.+/;=-]+;base64,[A-Za-z0-9+/=_-]+")
_NAME = re.compile(r"[^\w.\- ]")
_UNESCAPED_BREAK = re.compile("[\x85\u2028\u2029]")


def build_prompt(
    messages: Sequence[Message], instructions: str = "", attached: Sequence[Picture] = ()
) -> str:
    """The upstream string of a conversation; see the module's description for its form. attached: the pictures that
    go with it."""
    numbers = {picture: number for number, picture in enumerate(attached, 1)}
    if len(messages) == 1 and messages[0].role is Role.USER and not messages[0].name and not instructions:
        return messages[0].text if messages[0].text.strip() else _with_pictures(messages[0], numbers)
    names = {use.id: use.name for message in messages for use in message.tool_uses if use.id}
    turns = [_turn(message, names.get(message.tool_call_id, ""), numbers) for message in messages]
    if instructions:
        leading = takewhile(lambda m: m.role in (Role.SYSTEM, Role.DEVELOPER), messages)
        turns.insert(sum(1 for _ in leading), _turn(Message(Role.SYSTEM, instructions), "", {}))
    return "\n\n".join(turns)


def _turn(message: Message, tool: str, numbers: Mapping[Picture, int]) -> str:
    text = _with_pictures(message, numbers)
    role = message.role
    if role is Role.ASSISTANT:
        text = _DATA_URL.sub("[image]", _THINK.sub("", text))
    if role is Role.DEVELOPER:
        role = Role.SYSTEM
    parts = [_HEADING.sub(lambda _: chr(92), text)] if text or not message.tool_uses else []
    parts += map(_call, message.tool_uses)
    about = ", ".join(filter(None, map(_cleaned, (message.name or tool, message.tool_call_id))))
    return "\n".join([f"[{role}: {about}]" if about else f"[{role}]", *parts])


def _with_pictures(message: Message, numbers: Mapping[Picture, int]) -> str:
    pieces: list[str] = []
    last = 0
    for picture in message.pictures:
        pieces.append(message.text[last : picture.at].removeprefix("\n" if last else ""))
        pieces.append(f"[image {numbers[picture]}]" if picture in numbers else "[image]")
        last = picture.at
    pieces.append(message.text[last:].removeprefix("\n" if last else ""))
    return "\n".join(filter(None, pieces)) if message.pictures else message.text


def _cleaned(name: str) -> str:
    return _NAME.sub("", name).strip()


def _call(use: ToolUse) -> str:
    """On one line, in which no heading can stand: JSON's strings have no line breaks, but for three that we escape."""
    arguments: object = {"input": use.arguments} if use.custom else use.arguments
    if not use.custom:
        with suppress(ValueError):  # else it stays the text that it is
            arguments = strict_loads(use.arguments or "{}")
    call = {"id": use.id, "name": use.name, "arguments": arguments}
    line = _UNESCAPED_BREAK.sub(lambda found: f"\\u{ord(found[0]):04x}", dump(call))
    return f"<tool_call>\n{line}\n</tool_call>"
