"""`flask admin …`: the console's user."""

from __future__ import annotations

import click

from grok2api.cli.ask import ask_secret
from grok2api.cli.group import CommandGroup
from grok2api.web.services import get_services

admin = CommandGroup("admin", help="The console's user.")


@admin.command("set-password")
@click.option("--password", help="Better left out, as others on this machine could see it.")
def set_password(password: str | None) -> None:
    """Set the console's password and end all sessions. It is asked for, or read from a pipe."""
    get_services().auth.set_password(ask_secret("New password") if password is None else password)
    click.echo("The password is set; all sessions have ended.")
