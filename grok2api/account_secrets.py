"""An account's secret as people paste, see and look for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from string import ascii_lowercase, ascii_uppercase

_SECRET = re.compile(r"[A-Za-z0-9._~+/\-]{8,4096}={0,2}")
_COOKIE = re.compile(r"\Acookie:", re.IGNORECASE)
_AROUND = " \t\r\n\"'"
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def clean_secret(value: str) -> str | None:
    """The bare secret of a pasted line (`sso=…`, a whole Cookie header, quotes, spaces), None if it has none."""
    text = _COOKIE.sub("", value.strip(_AROUND)).strip(_AROUND)
    for part in text.split(";"):
        name, equals, rest = part.strip().partition("=")
        if equals and name.strip().lower() == "sso":
            text = rest.strip(_AROUND)
            break
    return text if _SECRET.fullmatch(text) else None


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


def invalid_lines(values: Iterable[str], most: int) -> list[int]:
    """The numbers of the first lines that hold no secret, from 1 on over all values; at most so many."""
    lines = enumerate((line for value in values for line in value.splitlines()), 1)
    wrong = (number for number, line in lines if line.strip() and clean_secret(line) is None)
    return list(islice(wrong, most))


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
