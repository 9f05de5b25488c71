"""The content of a turn, put together out of its parts: texts, and pictures with their places between them."""

from __future__ import annotations

from typing import Any

from grok2api.errors import BadRequest
from grok2api.messages import Message, Picture, Role
from grok2api.services.pictures import check_url
from grok2api.web.api.checkers import SHOWN_CHARS, one_of, sent, text

_string = text()
_detail = one_of("auto", "low", "high", "original")


class Content:
    """pictures_in: in whose turns there may be pictures, in words; empty: in this one."""

    def __init__(self, pictures_in: str = "") -> None:
        self._pictures_in = pictures_in
        self._texts: list[str] = []
        self._pictures: list[Picture] = []
        self._length = 0

    @property
    def text(self) -> str:
        return "\n".join(self._texts)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        return tuple(self._pictures)

    def add_text(self, text: str) -> None:
        self._length += len(text) + bool(self._texts)
        self._texts.append(text)

    def add_picture(self, value: object, where: str, fields: dict[str, Any] | None = None) -> None:
        """value: its URL, or an object with that as `url`. fields: where its `detail` is, unless in that object.

        Raises BadRequest."""
        if self._pictures_in:
            raise BadRequest(f"`{where}`: pictures can only stand in {self._pictures_in}.", where)
        if isinstance(value, dict):
            fields, value, where = value, value.get("url"), f"{where}.url"
        sent(fields or {}, "detail", _detail, where.removesuffix(".url"))
        url = _string(value, where)
        check_url(url, where)
        self._pictures.append(Picture(where, url, at=self._length))


def unsupported(kind: object, where: str, supported: str) -> BadRequest:
    """For a part of a type that there is no place for. supported: the types that there is one for."""
    shown = f"type {kind[:SHOWN_CHARS]!r}" if isinstance(kind, str) else "this type"
    return BadRequest(f"`{where}`: parts of {shown} are not supported; {supported} are.", f"{where}.type")


def says_something(message: Message) -> bool:
    return bool(message.text.strip() or message.pictures or message.tool_uses or message.role is Role.TOOL)
