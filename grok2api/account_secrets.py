"""An account's secret as people paste, see and look for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from string import ascii_lowercase, ascii_uppercase

_SHORTEST, _LONGEST = 8, 4096
_CHARACTERS = re.compile(r"[A-Za-z0-9._~+/\-]*={0,2}")
_SECRET = re.compile(rf"[A-Za-z0-9._~+/\-]{{{_SHORTEST},{_LONGEST}}}={{0,2}}")
_COOKIE = re.compile(r"\Acookie:", re.IGNORECASE)
_AROUND = " \t\r\n\"'"
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def clean_secret(value: str) -> str | None:
    """The bare secret of a pasted line (`sso=…`, a whole Cookie header, quotes, spaces), None if it has none."""
    text = _bare(value)
    return text if _SECRET.fullmatch(text) else None


def _bare(value: str) -> str:
    text = _COOKIE.sub("", value.strip(_AROUND)).strip(_AROUND)
    for part in text.split(";"):
        name, equals, rest = part.strip().partition("=")
        if equals and name.strip().lower() == "sso":
            return rest.strip(_AROUND)
    return text


def clean_lines(values: Iterable[str]) -> tuple[list[str], int]:
    """Secrets found in pasted values, in order, and the number of values that are none.

    A value may hold several lines; blank lines count as nothing.
    """
    secrets: list[str] = []
    invalid = 0
    for line in (line for value in values for line in value.splitlines()):
        if not line.strip():
            continue
        secret = clean_secret(line)
        if secret is None:
            invalid += 1
        else:
            secrets.append(secret)
    return secrets, invalid


def invalid_lines(values: Iterable[str], most: int) -> list[tuple[int, str]]:
    """The numbers of the first lines that hold no secret, from 1 on over all values, and what is wrong with each, as
    `what_is_wrong` has it; at most so many."""
    lines = enumerate((line for value in values for line in value.splitlines()), 1)
    wrong = ((n, what_is_wrong(line)) for n, line in lines if line.strip() and clean_secret(line) is None)
    return list(islice(wrong, most))


def what_is_wrong(line: str) -> str:
    """Why a line holds no secret: too_short, too_long, or characters that secrets do not have."""
    text = _bare(line)
    if not _CHARACTERS.fullmatch(text):
        return "characters"
    return "too_short" if len(text.rstrip("=")) < _SHORTEST else "too_long"


def hint_of(secret: str) -> str:
    """The first and last characters of a secret, by which the operator may search for it."""
    shown = min(8, len(secret) // 3)
    return f"{secret[:shown]}…{secret[len(secret) - shown :]}"


def mask(secret: str) -> str:
    """A secret as it may appear in logs and lists."""
    return f"{secret[:4]}…{secret[-4:]}" if len(secret) > 16 else "…"


def lower_ascii(text: str) -> str:
    """As the search compares: only ASCII letters have a case that every storage knows."""
    return text.translate(_ASCII_LOWER)
