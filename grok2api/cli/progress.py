"""How far a long command is: a bar on a terminal, a line now and then elsewhere. On standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

#: Seconds between two lines where there is no terminal.
LINE_EVERY_S = 5.0


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Gives what is to be told how many more are done."""
    if sys.stderr.isatty():
        with click.progressbar(length=total, label=what, file=sys.stderr, show_pos=True) as bar:
            yield bar.update
        return
    yield _lines(what, total)


def _lines(what: str, total: int) -> Callable[[int], None]:
    done, said_at = 0, time.monotonic()

    def on_more(count: int) -> None:
        nonlocal done, said_at
        done += count
        if time.monotonic() - said_at >= LINE_EVERY_S:
            click.echo(f"{what}: {done} of {total}", err=True)
            said_at = time.monotonic()

    return on_more
