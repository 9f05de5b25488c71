"""Messages to the one string that upstream takes.

A lone user message goes as it is. A conversation becomes a transcript: every turn begins with a line
that holds only its role in brackets, with a name where the client gave one, and turns are parted by an
empty line:

    [system]
    Be brief.

    [user: Ann]
    What is the tide doing?

    [assistant]
    Rising.

`developer` is written as `system`. No text can forge a turn: inside a message, a line that reads like
such a heading (also after backslashes) gets one more backslash in front, so a heading without one was
always written by the gateway. Every line boundary that any reader may take for one counts as one. In
the assistant's turns `<think>` blocks are dropped, and data URLs become `[image]`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from grok2api.messages import Message, Role

_BREAK = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
# Possessive (`*+`), so that a long line costs linear time.
_BLANK = rf"[^\S{_BREAK}]*+"
_HEADING = re.compile(
    rf"(?:^|(?<=[{_BREAK}]))(?={_BLANK}\\*+{_BLANK}\[{_BLANK}(?:system|developer|user|assistant|tool)\b)",
    re.IGNORECASE,
)
# Thinking that comes first goes with the space behind it; later the one line break that the gateway adds.
_THINK = re.compile(r"\A\s*+<think>.*?(?:</think>\s*|\Z)|<think>.*?(?:</think>\n?|\Z)", re.DOTALL)
_DATA_URL = re.compile(r"!\[[^\[\]]*+\]\(data:[^()\s]*+\)|data:[\w.+/;=-]+;base64,[A-Za-z0-9+/=_-]+")
_NAME = re.compile(r"[^\w.\- ]")


def build_prompt(messages: Sequence[Message]) -> str:
    """The upstream string of a conversation; see the module's description for its form."""
    if len(messages) == 1 and messages[0].role is Role.USER and not messages[0].name:
        return messages[0].text
    return "\n\n".join(_turn(message) for message in messages)


def _turn(message: Message) -> str:
    text = message.text
    role = message.role
    if role is Role.ASSISTANT:
        text = _DATA_URL.sub("[image]", _THINK.sub("", text))
    if role is Role.DEVELOPER:
        role = Role.SYSTEM
    name = _NAME.sub("", message.name).strip()
    heading = f"[{role}: {name}]" if name else f"[{role}]"
    return f"{heading}\n{_HEADING.sub(lambda _: chr(92), text)}"
