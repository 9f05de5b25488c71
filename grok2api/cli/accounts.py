"""`flask accounts …`: adding, listing, and taking them out and in as a file."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import click

from grok2api.account_secrets import clean_secret, mask
from grok2api.accounts import Account, AddReport, Tier, status_of
from grok2api.cli.group import CommandGroup
from grok2api.cli.one_line import one_line_errors
from grok2api.cli.private_file import write_private
from grok2api.cli.progress import progress
from grok2api.cli.taking import take_in
from grok2api.services.account_records import read_file, write_file
from grok2api.services.transfer import PAGE, count_accounts
from grok2api.web.services import get_services

#: Complaints that are shown one by one.
SHOWN = 20

_BOM = b"\xef\xbb\xbf"

accounts = CommandGroup("accounts", help="Add, list, export and import Grok accounts.")

_super = click.option("--super", "is_super", is_flag=True, help="They are Super accounts (default: Basic).")


@accounts.command("add")
@click.argument("file", type=click.File("rb"), default="-")
@_super
def add(file: BinaryIO, is_super: bool) -> None:
    """Add the sso cookies in FILE, one to a line (default: standard input)."""
    if file.isatty():
        click.echo("Paste sso cookies, one to a line, then press Ctrl-D.", err=True)
    content = file.read().removeprefix(_BOM)
    if _is_json(content):
        raise click.ClickException(
            f"{file.name}: is JSON. For an export there is: flask accounts import FILE"
        )
    _add_lines(file.name, content, is_super)


@accounts.command("list")
def list_accounts() -> None:
    """List all accounts with their status; secrets are masked."""
    now = time.time()
    counts: Counter[str] = Counter()
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
    # words of upstream's or of an import must not move the cursor
    reason = "".join(c if c.isprintable() else " " for c in account.last_failure_reason or "")
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
    chosen = (account for account in get_services().book.all() if tier in (None, account.tier))
    if str(file) == "-":
        for piece in _pieces(form, chosen):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    if file.exists() and not (force and file.is_file()):
        raise click.ClickException(
            f"{file}: exists. Choose another name, or overwrite it with --force."
            if file.is_file()
            else f"{file}: is no ordinary file."
        )
    with one_line_errors(f"{file}"), progress("Accounts", count_accounts(get_services().store)) as on_more:
        write_private(file, _pieces(form, _told(chosen, on_more)))
    click.echo(f"The accounts are in {file}, secrets and all.", err=True)


def _told(accounts: Iterable[Account], on_more: Callable[[int], None]) -> Iterator[Account]:
    """The accounts, and a word of each page that is done."""
    count = 0
    for account in accounts:
        yield account
        count += 1
        if count % PAGE == 0:
            on_more(PAGE)
    on_more(count % PAGE)


def _pieces(form: str, accounts: Iterable[Account]) -> Iterator[bytes]:
    if form == "json":
        return write_file(accounts)
    return (f"{account.secret}\n".encode() for account in accounts)


@accounts.command("import")
@click.argument("file", type=click.File("rb"))
@_super
def import_(file: BinaryIO, is_super: bool) -> None:
    """Add the accounts of an export in FILE (- is standard input), or sso cookies, one to a line. Known accounts
    keep what they have."""
    if file.isatty():
        click.echo("Paste an export or sso cookies, one to a line, then press Ctrl-D.", err=True)
    content = file.read().removeprefix(_BOM)
    if not _is_json(content):
        _add_lines(file.name, content, is_super)
        return
    if is_super:
        raise click.UsageError("--super is for lines; an export says of each account what it is.")
    with one_line_errors(file.name):
        read, problems = read_file(content, time.time())
    _complain(file.name, problems)
    _report(take_in(read, get_services().store.accounts.restore), len(problems))


def _is_json(content: bytes) -> bool:
    return content.lstrip()[:1] in (b"{", b"[")


def _add_lines(name: str, content: bytes, is_super: bool) -> None:
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{name}: not a UTF-8 text.") from error
    tier = Tier.SUPER if is_super else Tier.BASIC
    good = [line for line in lines if clean_secret(line)]
    problems = [
        f"line {number}: is not an sso cookie"
        for number, line in enumerate(lines, 1)
        if line.strip() and not clean_secret(line)
    ]
    _complain(name, problems)
    _report(take_in(good, lambda page: get_services().book.add(page, tier)), len(problems))


def _complain(name: str, problems: Sequence[str]) -> None:
    for problem in problems[:SHOWN]:
        click.echo(f"{name}: {problem}; left out", err=True)
    if len(problems) > SHOWN:
        click.echo(f"… and {len(problems) - SHOWN} more", err=True)


def _report(report: AddReport, invalid: int) -> None:
    """Of what was taken in, and how many values could not be."""
    click.echo(f"{replace(report, invalid=invalid)}.")
    if invalid:
        sys.exit(1)
