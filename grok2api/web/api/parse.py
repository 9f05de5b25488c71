"""A chat request's JSON to a ChatRequest, or a BadRequest that names the field."""

from __future__ import annotations

import re
from typing import Any

from grok2api.errors import BadRequest
from grok2api.messages import ChatRequest, Message, Role

#: What is honoured; everything else that a client sends is named in `X-Ignored-Params`.
_HONOURED = frozenset({"model", "messages", "stream", "stream_options", "n", "reasoning_effort"})
_MAX_MESSAGES = 10_000
#: What of a client's own names goes into a header.
_MAX_IGNORED = 50
_NOT_IN_HEADER = re.compile(r"[^A-Za-z0-9_.-]")


def parse_chat(document: dict[str, Any]) -> ChatRequest:
    """The request for a chat completion. Raises BadRequest."""
    model = document.get("model")
    if not isinstance(model, str) or not model:
        raise BadRequest("`model` must be the name of a model.", "model")
    if _boolean(document, "stream"):
        include_usage = _include_usage(document.get("stream_options"))
    elif document.get("stream_options") is not None:
        raise BadRequest("`stream_options` is only allowed with `stream: true`.", "stream_options")
    else:
        include_usage = False
    n = document.get("n")
    if n is not None and (isinstance(n, bool) or n != 1):
        raise BadRequest("`n` must be 1: Grok gives one answer to a chat request.", "n")
    return ChatRequest(
        model=model,
        messages=_messages(document.get("messages")),
        stream=bool(document.get("stream")),
        include_usage=include_usage,
        hide_thinking=document.get("reasoning_effort") == "none",
        ignored=_ignored(document),
    )


def _ignored(document: dict[str, Any]) -> tuple[str, ...]:
    """Names of what is not honoured, as they may stand in a header."""
    names = (name for name, value in document.items() if name not in _HONOURED and value is not None)
    return tuple(sorted({_NOT_IN_HEADER.sub("?", name[:64]) for name in names if name})[:_MAX_IGNORED])


def _boolean(document: dict[str, Any], name: str) -> bool:
    value = document.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadRequest(f"`{name}` must be true or false.", name)
    return bool(value)


def _include_usage(options: object) -> bool:
    if options is None:
        return False
    if not isinstance(options, dict):
        raise BadRequest("`stream_options` must be an object.", "stream_options")
    value = options.get("include_usage")
    if value is not None and not isinstance(value, bool):
        raise BadRequest("`include_usage` must be true or false.", "stream_options.include_usage")
    return bool(value)


def _messages(value: object) -> tuple[Message, ...]:
    if not isinstance(value, list) or not value:
        raise BadRequest("`messages` must be a list with at least one message.", "messages")
    if len(value) > _MAX_MESSAGES:
        raise BadRequest(f"`messages` must not have more than {_MAX_MESSAGES} entries.", "messages")
    messages = tuple(_message(item, f"messages[{index}]") for index, item in enumerate(value))
    if not any(message.text.strip() for message in messages):
        raise BadRequest("The messages have no text.", "messages")
    return messages


def _message(item: object, where: str) -> Message:
    if not isinstance(item, dict):
        raise BadRequest(f"`{where}` must be an object.", where)
    role = item.get("role")
    if not isinstance(role, str) or role not in tuple(Role):
        raise BadRequest(f"`{where}.role` must be one of {', '.join(Role)}.", f"{where}.role")
    name = item.get("name")
    if name is not None and not isinstance(name, str):
        raise BadRequest(f"`{where}.name` must be a text.", f"{where}.name")
    return Message(Role(role), _content(item.get("content"), f"{where}.content"), name or "")


def _content(content: object, where: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise BadRequest(f"`{where}` must be a text, null or a list of parts.", where)
    return "\n".join(_part(part, f"{where}[{index}]") for index, part in enumerate(content))


def _part(part: object, where: str) -> str:
    if not isinstance(part, dict):
        raise BadRequest(f"`{where}` must be an object.", where)
    kind = part.get("type")
    if kind != "text":
        shown = f"type {kind[:64]!r}" if isinstance(kind, str) else "this type"
        raise BadRequest(f"`{where}`: parts of {shown} are not supported; `text` is.", f"{where}.type")
    text = part.get("text")
    if not isinstance(text, str):
        raise BadRequest(f"`{where}.text` must be a text.", f"{where}.text")
    return text
