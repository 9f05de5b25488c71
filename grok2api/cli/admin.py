"""`flask admin …`: the console's user."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from grok2api.cli.one_line import one_line_errors
from grok2api.web.services import get_services

admin = AppGroup("admin", help="The console's user.")


@admin.command("set-password")
@click.password_option(help="Asked for when not given.")
def set_password(password: str) -> None:
    """Set the console's password and end all sessions."""
    with one_line_errors():
        get_services().auth.set_password(password)
    click.echo("The password is set; all sessions have ended.")
