"""`messages` to turns of a conversation, or a BadRequest that names the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grok2api.errors import BadRequest
from grok2api.messages import Message, Role, ToolUse
from grok2api.web.api.checkers import list_of, mapping, needed, object_of, refuse, sent, text
from grok2api.web.api.parse_content import Content, says_something, unsupported

MAX_MESSAGES = 10_000
MAX_PARTS = 10_000
MAX_CALLS = 1_000

#: The role of a function's result before there were tools.
_FUNCTION = "function"

_string = text()
_audio = object_of(("id",), id=_string)


def parse_messages(value: object) -> tuple[Message, ...]:
    """The turns of a conversation with something in it. Raises BadRequest."""
    if not isinstance(value, list) or not value:
        raise BadRequest("`messages` must be a list with at least one message.", "messages")
    if len(value) > MAX_MESSAGES:
        raise BadRequest(f"`messages` must not have more than {MAX_MESSAGES} entries.", "messages")
    messages: list[Message] = []
    called: set[str] = set()
    for index, item in enumerate(value):
        where = f"messages[{index}]"
        fields = mapping(item, where)
        message = _message(fields, where)
        if fields["role"] == Role.TOOL and message.tool_call_id not in called:
            place = f"{where}.tool_call_id"
            raise BadRequest(
                f"`{place}` is not the id of a call in an earlier message's `tool_calls`.", place
            )
        called.update(use.id for use in message.tool_uses)
        messages.append(message)
    if not any(map(says_something, messages)):
        raise BadRequest("The messages have no text.", "messages")
    return tuple(messages)


def _message(fields: Mapping[str, Any], where: str) -> Message:
    role = fields.get("role")
    if role == _FUNCTION:
        name = needed(fields, "name", _string, where)
        return Message(Role.TOOL, _content(fields, where).text, name)
    if not isinstance(role, str) or role not in tuple(Role):
        refuse(f"{where}.role", f"one of {', '.join(Role)}")
    name = sent(fields, "name", _string, where) or ""
    if role == Role.ASSISTANT:
        sent(fields, "audio", _audio, where)
        refusal = sent(fields, "refusal", _string, where) or ""
        said = _content(fields, where, refusals=True).text or refusal
        return Message(Role.ASSISTANT, said, name, _tool_uses(fields, where))
    if role == Role.TOOL:
        id_ = needed(fields, "tool_call_id", _string, where)
        return Message(Role.TOOL, _content(fields, where).text, name, tool_call_id=id_)
    content = _content(fields, where, pictures=role == Role.USER)
    return Message(Role(role), content.text, name, pictures=content.pictures)


def _content(
    fields: Mapping[str, Any], where: str, *, refusals: bool = False, pictures: bool = False
) -> Content:
    """The text and the pictures of a turn; refusals, pictures: whether there may be such parts."""
    content = Content("" if pictures else "a message of the user")
    value = fields.get("content")
    where = f"{where}.content"
    if value is None:
        return content
    if isinstance(value, str):
        content.add_text(value)
        return content
    if not isinstance(value, list) or len(value) > MAX_PARTS:
        refuse(where, f"a text, null or a list of at most {MAX_PARTS} parts")
    for index, part in enumerate(value):
        _part(part, f"{where}[{index}]", refusals, content)
    return content


def _part(value: object, where: str, refusals: bool, content: Content) -> None:
    part = mapping(value, where)
    kind = part.get("type")
    if kind == "text" or (kind == "refusal" and refusals):
        content.add_text(needed(part, kind, _string, where))
    elif kind == "image_url":
        content.add_picture(part.get("image_url"), f"{where}.image_url")
    else:
        raise unsupported(kind, where, "`text` and `image_url`")


def _tool_uses(fields: Mapping[str, Any], where: str) -> tuple[ToolUse, ...]:
    """The calls of an assistant's turn; a `function_call` has no id."""
    uses = sent(fields, "tool_calls", list_of(_tool_use, MAX_CALLS), where) or []
    called = sent(fields, "function_call", mapping, where)
    if called is not None:
        inside = f"{where}.function_call"
        name, arguments = (
            needed(called, "name", _string, inside),
            needed(called, "arguments", _string, inside),
        )
        uses.append(ToolUse("", name, arguments))
    return tuple(uses)


def _tool_use(value: object, where: str) -> ToolUse:
    fields = mapping(value, where)
    id_ = needed(fields, "id", _string, where)
    kind = fields.get("type")
    if kind is None:  # clients that put calls together from a stream's deltas leave it out
        kind = "custom" if "custom" in fields else "function"
    if kind not in ("function", "custom"):
        refuse(f"{where}.type", "one of function, custom")
    called, inside = needed(fields, kind, mapping, where), f"{where}.{kind}"
    name = needed(called, "name", _string, inside)
    given = needed(called, "input" if kind == "custom" else "arguments", _string, inside)
    return ToolUse(id_, name, given, custom=kind == "custom")
