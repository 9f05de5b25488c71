"""`flask accounts …`: adding, listing, and taking them out and in as a file."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import click
from flask.cli import AppGroup

from grok2api.accounts import Account, AddReport, Tier, mask, status_of
from grok2api.cli.one_line import one_line_errors
from grok2api.cli.progress import progress
from grok2api.services.account_records import read_file, write_file
from grok2api.services.transfer import PAGE
from grok2api.web.services import get_services

#: Complaints that are shown one by one.
SHOWN = 20

accounts = AppGroup("accounts", help="Add, list, export and import Grok accounts.")

_super = click.option("--super", "is_super", is_flag=True, help="They are Super accounts (default: Basic).")


@accounts.command("add")
@click.argument("file", type=click.File("rb"), default="-")
@_super
def add(file: BinaryIO, is_super: bool) -> None:
    """Add the sso cookies in FILE, one to a line (default: standard input)."""
    if file.isatty():
        click.echo("Paste sso cookies, one to a line, then press Ctrl-D.", err=True)
    with one_line_errors():
        _report(_add_lines(file.name, file.read(), is_super))


@accounts.command("list")
def list_accounts() -> None:
    """List all accounts with their status; secrets are masked."""
    now = time.time()
    counts: Counter[str] = Counter()
    with one_line_errors():
        for account in get_services().book.all():
            status = "disabled" if account.disabled else status_of(account, now)
            counts[status] += 1
            click.echo(_line(account, status))
    words = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    click.echo(
        f"{sum(counts.values())} accounts{': ' + words if words else '. Add some with: flask accounts add FILE'}"
    )


def _line(account: Account, status: str) -> str:
    left = account.quotas["default"].remaining if "default" in account.quotas else None
    quota = "?" if left is None else str(left)
    reason = account.last_failure_reason or ""
    return f"{account.id:>6}  {mask(account.secret):<11} {account.tier:<6} {status:<10} {quota:>5}  {reason}"


@accounts.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True), default="-")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "lines"]),
    default="json",
    help="All that is known of the accounts, or the bare sso cookies, one to a line (default: json).",
)
@click.option("--tier", type=click.Choice([tier.value for tier in Tier]), help="Accounts of this tier alone.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def export(file: Path, form: str, tier: str | None, force: bool) -> None:
    """Write all accounts to FILE (default: standard output). It holds their secrets: keep it safe."""
    pieces = _export(form, tier)
    if str(file) == "-":
        with one_line_errors():
            for piece in pieces:
                sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    if file.exists() and not (force and file.is_file()):
        raise click.ClickException(
            f"{file}: exists. Choose another name, or overwrite it with --force."
            if file.is_file()
            else f"{file}: is no ordinary file."
        )
    with one_line_errors():
        try:
            _write_private(file, pieces)
        except OSError as error:
            raise click.ClickException(f"{file}: cannot be written ({error.strerror}).") from error
    click.echo(f"The accounts are in {file}, secrets and all.", err=True)


def _export(form: str, tier: str | None) -> Iterator[bytes]:
    chosen = (account for account in get_services().book.all() if tier in (None, account.tier))
    if form == "json":
        yield from write_file(chosen)
    else:
        yield from (f"{account.secret}\n".encode() for account in chosen)


def _write_private(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file that its owner alone can read; it appears when it is whole."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "wb") as file:
            for piece in pieces:
                file.write(piece)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


@accounts.command("import")
@click.argument("file", type=click.File("rb"))
@_super
def import_(file: BinaryIO, is_super: bool) -> None:
    """Add the accounts of an export in FILE (- is standard input), or sso cookies, one to a line. Known accounts
    keep what they have."""
    if file.isatty():
        click.echo("Paste an export or sso cookies, one to a line, then press Ctrl-D.", err=True)
    content = file.read().removeprefix(b"\xef\xbb\xbf")
    if content.lstrip()[:1] not in (b"{", b"["):
        with one_line_errors():
            _report(_add_lines(file.name, content, is_super))
        return
    if is_super:
        raise click.UsageError("--super is for lines; an export says of each account what it is.")
    with one_line_errors(file.name):
        read, problems = read_file(content, time.time())
    for problem in problems[:SHOWN]:
        click.echo(f"{file.name}: {problem}; left out", err=True)
    if len(problems) > SHOWN:
        click.echo(f"… and {len(problems) - SHOWN} more", err=True)
    report = _restore(read)
    _report(AddReport(report.added, report.duplicates, invalid=len(problems)))


def _restore(read: list[Account]) -> AddReport:
    """Add them page by page; broken off, it is said how far it came."""
    store = get_services().store.accounts
    added = known = 0
    try:
        with one_line_errors(), progress("Accounts", len(read)) as on_more:
            for start in range(0, len(read), PAGE):
                report = store.restore(read[start : start + PAGE])
                added, known = added + report.added, known + report.duplicates
                on_more(report.added + report.duplicates)
    except BaseException:
        click.echo(f"Broken off: {AddReport(added, known)} so far, of {len(read)}. Run it again.", err=True)
        raise
    return AddReport(added, known)


def _add_lines(name: str, content: bytes, is_super: bool) -> AddReport:
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{name}: not a UTF-8 text.") from error
    return get_services().book.add(lines, Tier.SUPER if is_super else Tier.BASIC)


def _report(report: AddReport) -> None:
    click.echo(f"{report}.")
    if report.invalid:
        sys.exit(1)
