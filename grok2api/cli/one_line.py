"""Errors as one line on standard error, and exit status 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from grok2api.errors import GatewayError


@contextmanager
def one_line_errors(where: str = "") -> Iterator[None]:
    """Ours, and those of reading and writing. where: put before the message."""
    try:
        yield
    except BrokenPipeError:
        raise  # click ends quietly then
    except (GatewayError, OSError) as error:
        message = _message(error)
        raise click.ClickException(f"{where}: {message}" if where else message) from error


def _message(error: GatewayError | OSError) -> str:
    if isinstance(error, GatewayError):
        return " ".join(str(error).split())
    return f"Reading or writing failed ({error.strerror or error})."
