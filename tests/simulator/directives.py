"""`[[sim: NAME key=value ...]]` in a prompt, in a default and in an account's behaviour."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

OPTIONS = frozenset(
    (
        "tokens", "delay", "first_delay", "pre_delay", "thinking", "transport", "segment", "pause", "split",
        "batch", "newline", "blank", "keepalive", "sse", "stamp", "answer", "tokens64", "think64", "script64",
        "step", "hold", "times", "key", "then", "only", "charge", "size", "images", "asset", "after", "wait",
        "ctype", "interval", "format",
    )
)  # fmt: skip


class DirectiveError(ValueError):
    """A directive nobody can obey; its text names the fault."""


@dataclass(frozen=True, slots=True)
class Directive:
    """A name and its options, all text as written."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)

    def number(self, key: str, default: float) -> float:
        value = self.options.get(key)
        if value is None:
            return default
        try:
            return float(value)
        except ValueError as error:
            raise DirectiveError(f"simulator: {key}={value} is not a number") from error

    def integer(self, key: str, default: int) -> int:
        return int(self.number(key, default))

    def flag(self, key: str) -> bool:
        return self.options.get(key, "0") not in ("0", "false", "no")

    def choice(self, key: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.options.get(key, default)
        if value not in allowed:
            raise DirectiveError(f"simulator: {key}={value} is not one of {', '.join(allowed)}")
        return value

    def text(self, key: str) -> str | None:
        """The UTF-8 text of a base64url option."""
        value = self.options.get(key)
        return None if value is None else unpack(key, value).decode()

    def json(self, key: str) -> object:
        """The JSON value of a base64url option; None when the option is missing."""
        value = self.options.get(key)
        if value is None:
            return None
        try:
            return orjson.loads(unpack(key, value))
        except orjson.JSONDecodeError as error:
            raise DirectiveError(f"simulator: {key} is not JSON: {error}") from error

    def over(self, other: Directive) -> Directive:
        """This name; the options of both, ours win."""
        return Directive(self.name, {**other.options, **self.options})


def unpack(key: str, value: str) -> bytes:
    """Decodes base64url, with or without padding."""
    try:
        return base64.urlsafe_b64decode(value.rstrip("=") + "=" * (-len(value.rstrip("=")) % 4))
    except (binascii.Error, ValueError) as error:
        raise DirectiveError(f"simulator: {key} is not base64url") from error


def pack(value: object) -> str:
    """The base64url form of a text, of bytes, or of the JSON of anything else; for test writers."""
    if isinstance(value, str):
        value = value.encode()
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parse(text: str) -> Directive:
    """`NAME key=value ...`; an unknown key is an error, so that a typo in a test does not pass silently."""
    words = text.split()
    if not words:
        raise DirectiveError("simulator: empty directive")
    options = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or key not in OPTIONS:
            raise DirectiveError(f"simulator: unknown option {word[:60]!r}")
        options[key] = value
    return Directive(words[0], options)


def find(message: str) -> Directive | None:
    """The last directive of a prompt, which may be a transcript with older ones."""
    start = message.rfind("[[sim:")
    if start < 0:
        return None
    end = message.find("]]", start)
    if end < 0:
        raise DirectiveError("simulator: directive without ]]")
    return parse(message[start + 6 : end])
