"""What a client asked, in our words: made by `web/api/parse.py`, read by the services."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True)
class Message:
    """One turn. `text`: its text parts joined by line breaks, empty for null content."""

    role: Role
    text: str = ""
    name: str = ""


@dataclass(frozen=True)
class ChatRequest:
    """A chat completion as asked. `model`: the name the client used, which the answer repeats.

    `ignored`: names of parameters that were sent and cannot be honoured.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    include_usage: bool = False
    hide_thinking: bool = False
    ignored: tuple[str, ...] = ()
