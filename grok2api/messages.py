"""What a client asked, in our words: made by `web/api/parse.py`, read by the services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal


class Role(StrEnum):
    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True)
class ToolUse:
    """A call in an assistant's turn of the history. `arguments`: JSON as the client sent it; a custom tool's text."""

    id: str
    name: str
    arguments: str
    custom: bool = False


@dataclass(frozen=True)
class Picture:
    """A picture in a turn. url: an http, https or data URL as it was sent; or content: the bytes of an upload.

    where: the field of the request that it came in, for errors. at: how much of the turn's text stood before it.
    """

    where: str
    url: str = ""
    content: bytes = b""
    at: int = 0


@dataclass(frozen=True)
class Message:
    """One turn. `text`: its text parts joined by line breaks, empty for null content.

    pictures: in the order in which they stood. tool_uses: the calls of an assistant's turn. tool_call_id: the call that
    a tool's turn answers.
    """

    role: Role
    text: str = ""
    name: str = ""
    tool_uses: tuple[ToolUse, ...] = ()
    tool_call_id: str = ""
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class Tool:
    """A function of the client's that the model may call.

    parameters: the JSON schema of its arguments, an object; None: any object will do. custom: takes free text in
    place of arguments.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] | None = None
    custom: bool = False


@dataclass(frozen=True)
class ToolChoice:
    """Whether the model may, must or must not call a tool. names: only these; empty: any of them."""

    mode: Literal["none", "auto", "required"] = "auto"
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerFormat:
    """The answer is to be JSON. schema: that it must fit; None: any object. strict: an answer that does not is an
    error rather than an answer."""

    schema: Mapping[str, Any] | None = None
    name: str = ""
    description: str = ""
    strict: bool = False


@dataclass(frozen=True)
class ChatRequest:
    """A chat completion as asked. `model`: the name the client used, which the answer repeats.

    separate_thinking: thinking stands beside the answer, whatever the settings say. stop: texts that
    end the answer, at most four. max_tokens: estimated tokens of the visible answer. legacy_functions: the client
    speaks of `functions`, which `tools` have replaced. ignored: names of parameters that were sent and cannot be
    honoured. media_base: this gateway's address as the client knows it, without a trailing slash.
    """

    model: str
    messages: tuple[Message, ...]
    stream: bool = False
    include_usage: bool = False
    hide_thinking: bool = False
    separate_thinking: bool = False
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    parallel_tool_calls: bool = True
    legacy_functions: bool = False
    answer_format: AnswerFormat | None = None
    ignored: tuple[str, ...] = ()
    media_base: str = ""

    @property
    def asked_with(self) -> tuple[Message, ...]:
        """The last user's turn, and what came behind it. Some clients send one turn as several messages: a picture, and
        then the question."""
        users = [message.role is Role.USER for message in self.messages]
        if not any(users):
            return ()
        first = len(users) - 1 - users[::-1].index(True)
        while first and users[first - 1]:
            first -= 1
        return self.messages[first:]

    @property
    def attached(self) -> tuple[Picture, ...]:
        """The pictures that the model gets to see; of older ones it is merely told."""
        return tuple(picture for message in self.asked_with for picture in message.pictures)

    @property
    def callable_tools(self) -> tuple[Tool, ...]:
        """The tools that the model may call in this answer."""
        choice = self.tool_choice
        if choice.mode == "none":
            return ()
        return tuple(tool for tool in self.tools if not choice.names or tool.name in choice.names)


@dataclass(frozen=True)
class ImageRequest:
    """Pictures as asked for. pictures: what they are to be made of; empty: of the prompt alone. whole: they come in the
    answer itself rather than as links. ignored, media_base: as in `ChatRequest`."""

    model: str
    prompt: str
    n: int = 1
    pictures: tuple[Picture, ...] = ()
    whole: bool = False
    ignored: tuple[str, ...] = ()
    media_base: str = ""
