"""The items of a response's input to turns of a conversation, or a BadRequest that names the field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from grok2api.errors import BadRequest
from grok2api.messages import Message, Role, ToolUse
from grok2api.web.api.checkers import SHOWN_CHARS, list_of, mapping, needed, refuse, text
from grok2api.web.api.parse_content import Content, says_something, unsupported
from grok2api.web.api.parse_messages import MAX_PARTS

MAX_ITEMS = 10_000
MAX_REFERENCES = 1_000

_string = text()
#: What models wrote for themselves, and searches, which upstream does by itself: nothing that it could be told.
_SKIPPED = frozenset({"reasoning", "web_search_call", "compaction"})
_TEXT_PARTS = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})
_ROLES = (Role.USER, Role.ASSISTANT, Role.SYSTEM, Role.DEVELOPER)

Item = Mapping[str, Any]


def input_items(
    value: object, find_item: Callable[[str], Item | None], *, needed_here: bool = True
) -> list[Item]:
    """`input` as items; a text is a user's message. find_item: a stored item by its id, for references to one.
    needed_here: false where a conversation goes on without further words.

    Raises BadRequest.
    """
    if not needed_here and (value is None or value == []):
        return []
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": value}]
    if not isinstance(value, list) or not value:
        refuse("input", "a text or a list with at least one item")
    if len(value) > MAX_ITEMS:
        raise BadRequest(f"`input` must not have more than {MAX_ITEMS} items.", "input")
    items = [mapping(item, f"input[{index}]") for index, item in enumerate(value)]
    if sum(map(_is_reference, items)) > MAX_REFERENCES:
        raise BadRequest(f"`input` must not have more than {MAX_REFERENCES} references to items.", "input")
    return [
        _resolved(item, f"input[{index}]", find_item) if _is_reference(item) else item
        for index, item in enumerate(items)
    ]


def _is_reference(item: Item) -> bool:
    """The type of a reference is optional: it is what has an id and nothing else."""
    return item.get("type") == "item_reference" or set(item) == {"id"}


def _resolved(item: Item, where: str, find_item: Callable[[str], Item | None]) -> Item:
    found = find_item(needed(item, "id", _string, where))
    if found is None:
        raise BadRequest(f"`{where}.id` is not the id of an item of a stored response.", f"{where}.id")
    return found


def conversation_of(earlier: Iterable[Item], items: Iterable[Item]) -> tuple[Message, ...]:
    """The turns of a conversation so far, which has been parsed before, and of a request's `input`.

    Raises BadRequest with paths in `input`.
    """
    reader = _Reader()
    for count, item in enumerate(earlier, 1):
        if count > MAX_ITEMS:
            raise BadRequest("The conversation has too many items to go on with it.", "previous_response_id")
        reader.read(item, "previous_response_id")
    for index, item in enumerate(items):
        reader.read(item, f"input[{index}]")
    turns = reader.turns()
    if not any(map(says_something, turns)):
        raise BadRequest("The input has no text.", "input")
    return turns


class _Reader:
    """Puts items together to turns: an assistant's words and calls are one."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._calls: list[ToolUse] = []  # of the last one
        self._called: set[str] = set()

    def turns(self) -> tuple[Message, ...]:
        self._end_calls()
        return tuple(self._messages)

    def read(self, item: Item, where: str) -> None:
        kind = item.get("type")
        if kind is None and "role" in item:
            kind = "message"
        match kind:
            case "message":
                self._message(item, where)
            case "function_call" | "custom_tool_call":
                self._call(item, where, custom=kind == "custom_tool_call")
            case "function_call_output" | "custom_tool_call_output":
                self._output(item, where)
            case str() if kind in _SKIPPED:
                pass
            case _:
                shown = f"type {kind[:SHOWN_CHARS]!r}" if isinstance(kind, str) else "this type"
                raise BadRequest(f"`{where}`: items of {shown} are not supported.", f"{where}.type")

    def _message(self, item: Item, where: str) -> None:
        role = item.get("role")
        if not isinstance(role, str) or role not in _ROLES:
            refuse(f"{where}.role", f"one of {', '.join(_ROLES)}")
        content = _content(item.get("content"), f"{where}.content", pictures=role == Role.USER)
        self._add(Message(Role(role), content.text, pictures=content.pictures))

    def _add(self, message: Message) -> None:
        self._end_calls()
        self._messages.append(message)

    def _end_calls(self) -> None:
        if self._calls:
            self._messages[-1] = replace(self._messages[-1], tool_uses=tuple(self._calls))
            self._calls = []

    def _call(self, item: Item, where: str, *, custom: bool) -> None:
        id_ = needed(item, "call_id", _string, where)
        name = needed(item, "name", _string, where)
        use = ToolUse(id_, name, needed(item, "input" if custom else "arguments", _string, where), custom)
        self._called.add(id_)
        if not self._messages or self._messages[-1].role is not Role.ASSISTANT:
            self._add(Message(Role.ASSISTANT))
        self._calls.append(use)

    def _output(self, item: Item, where: str) -> None:
        id_ = needed(item, "call_id", _string, where)
        if id_ not in self._called:
            raise BadRequest(
                f"`{where}.call_id` is not the id of an earlier call in `input` or in the previous response.",
                f"{where}.call_id",
            )
        output = _content(item.get("output"), f"{where}.output", pictures=True)
        self._add(Message(Role.TOOL, output.text, tool_call_id=id_, pictures=output.pictures))


def _content(value: object, where: str, *, pictures: bool) -> Content:
    content = Content("" if pictures else "a message of the user, or in a tool's output")
    if isinstance(value, str):
        content.add_text(value)
    elif value is not None:
        if not isinstance(value, list):
            refuse(where, "a text or a list of parts")
        list_of(lambda part, place: _part(part, place, content), MAX_PARTS)(value, where)
    return content


def _part(value: object, where: str, content: Content) -> None:
    part = mapping(value, where)
    kind = part.get("type")
    if isinstance(kind, str) and kind in _TEXT_PARTS:
        content.add_text(needed(part, "text", _string, where))
    elif kind == "refusal":
        content.add_text(needed(part, "refusal", _string, where))
    elif kind == "input_image" and part.get("file_id") is None:
        content.add_picture(part.get("image_url"), f"{where}.image_url", part)
    elif kind == "input_image":
        raise BadRequest(
            f"`{where}.file_id`: there are no stored files here; send the picture as `image_url`.",
            f"{where}.file_id",
        )
    else:
        raise unsupported(kind, where, "`input_text` and `input_image`")
