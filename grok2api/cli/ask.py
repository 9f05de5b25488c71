"""Passwords and keys, which do not belong on a command line."""

from __future__ import annotations

import sys

import click


def ask_secret(what: str) -> str:
    """Asked for twice on a terminal; elsewhere the one line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True, confirmation_prompt=True))
    try:
        lines: set[str] = set(filter(None, sys.stdin.buffer.read().decode().splitlines()))
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{what}: standard input is not a UTF-8 text.") from error
    if not lines:
        raise click.ClickException(f"{what}: there was none on standard input.")
    if len(lines) > 1:
        raise click.ClickException(f"{what}: the lines of standard input do not match.")
    return lines.pop()
