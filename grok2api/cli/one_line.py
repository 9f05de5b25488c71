"""Our errors as one line on standard error, and exit status 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from grok2api.errors import GatewayError


@contextmanager
def one_line_errors(where: str = "") -> Iterator[None]:
    """where: put before the message."""
    try:
        yield
    except GatewayError as error:
        message = " ".join(str(error).split())
        raise click.ClickException(f"{where}: {message}" if where else message) from error
