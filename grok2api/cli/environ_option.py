"""A parameter that comes from the environment alone: keys do not belong on a command line, which others can see."""

from __future__ import annotations

from typing import Any

import click


class EnvironOption(click.Option):
    """Declared as `@click.option("--name", cls=EnvironOption, envvar="NAME")`; the help shows it under NAME."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """It cannot be written on the command line."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        return f"${self.envvar}", self.help or ""
