"""Taking in many accounts: some at a time, so that requests get their turn in between and progress is seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from grok2api.accounts import AddReport
from grok2api.cli.progress import progress
from grok2api.services.transfer import PAGE

T = TypeVar("T")


def take_in(items: Sequence[T], take: Callable[[Sequence[T]], AddReport]) -> AddReport:
    """Give all items, none of them invalid, to `take`, a page at a time. Broken off, it is said how far it came."""
    so_far = AddReport()
    try:
        with progress("Accounts", len(items)) as on_more:
            for start in range(0, len(items), PAGE):
                page = items[start : start + PAGE]
                report = take(page)
                so_far = AddReport(
                    so_far.added + report.added,
                    so_far.duplicates + report.duplicates,
                    so_far.moved + report.moved,
                )
                on_more(len(page))
    except BaseException:
        click.echo(f"Broken off: {so_far} so far, of {len(items)}. Run it again.", err=True)
        raise
    return so_far
