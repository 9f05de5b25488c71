"""`flask accounts …` and `flask admin …`: what an operator does without the console. Runs unpatched."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TextIO, TypeVar

import click
from flask import Flask
from flask.cli import AppGroup

from grok2api.accounts import Tier, mask, status_of
from grok2api.errors import GatewayError
from grok2api.web.services import get_services

T = TypeVar("T")

accounts = AppGroup("accounts", help="Add and list Grok accounts.")
admin = AppGroup("admin", help="The console's user.")


def register_commands(app: Flask) -> None:
    app.cli.add_command(accounts)
    app.cli.add_command(admin)


@accounts.command("add")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"), default="-")
@click.option("--super", "is_super", is_flag=True, help="They are Super accounts (default: Basic).")
def add(file: TextIO, is_super: bool) -> None:
    """Add the sso cookies in FILE, one to a line (default: standard input)."""
    if file.isatty():
        click.echo("Paste sso cookies, one to a line, then press Ctrl-D.", err=True)
    try:
        lines = file.read().splitlines()
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file.name}: not a UTF-8 text.") from error
    report = _do(lambda: get_services().book.add(lines, Tier.SUPER if is_super else Tier.BASIC))
    click.echo(f"{report}.")
    if report.invalid:
        sys.exit(1)


@accounts.command("list")
def list_accounts() -> None:
    """List all accounts with their status; secrets are masked."""
    now = time.time()
    counts: Counter[str] = Counter()
    for account in _do(lambda: list(get_services().book.all())):
        status = "disabled" if account.disabled else status_of(account, now)
        counts[status] += 1
        left = account.quotas["default"].remaining if "default" in account.quotas else None
        quota = "?" if left is None else str(left)
        reason = account.last_failure_reason or ""
        click.echo(
            f"{account.id:>6}  {mask(account.secret):<11} {account.tier:<6} {status:<10} {quota:>5}  {reason}"
        )
    words = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    click.echo(
        f"{sum(counts.values())} accounts{': ' + words if words else '. Add some with: flask accounts add FILE'}"
    )


@admin.command("set-password")
@click.password_option(help="Asked for when not given.")
def set_password(password: str) -> None:
    """Set the console's password and end all sessions."""
    _do(lambda: get_services().auth.set_password(password))
    click.echo("The password is set; all sessions have ended.")


def _do(work: Callable[[], T]) -> T:
    """Our errors as one line and exit 1."""
    try:
        return work()
    except GatewayError as error:
        raise click.ClickException(str(error)) from error
