"""The groups of commands: an error of ours, or of what is read and written, is one line and exit status 1."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import AppGroup

from grok2api.cli.one_line import one_line_errors


class CommandGroup(AppGroup):
    def invoke(self, ctx: click.Context) -> Any:
        with one_line_errors():
            return super().invoke(ctx)
