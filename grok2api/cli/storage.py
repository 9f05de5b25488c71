"""`flask storage …`: moving everything from one storage to another, taking over the older implementation's files,
and encrypting with another key."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path

import click
from flask.cli import AppGroup

from grok2api.cli.environ_option import EnvironOption
from grok2api.cli.one_line import one_line_errors
from grok2api.cli.places import Place, place_of
from grok2api.cli.progress import progress
from grok2api.errors import ConfigurationError
from grok2api.services.legacy import SETTINGS, TOKENS, read_folder, summary, take_accounts, take_settings
from grok2api.services.transfer import Copied, Transfer, count_accounts, is_empty
from grok2api.storage.base import Store
from grok2api.storage.vault import Vault
from grok2api.web.services import get_services

#: Shorter keys than this are warned of.
KEY_MIN = 16
#: Remarks that are shown one by one.
SHOWN = 50

storage = AppGroup("storage", help="Copy, take over and encrypt what is stored.")


@storage.command("copy")
@click.argument("source")
@click.argument("target")
@click.option("--overwrite", is_flag=True, help="Forget first what TARGET holds.")
@click.option("--yes", is_flag=True, help="Do not ask before overwriting.")
@click.option(
    "--key", cls=EnvironOption, envvar="SECRET_KEY", default="", help="Key of both ends, if they have one."
)
@click.option(
    "--source-key", cls=EnvironOption, envvar="SOURCE_SECRET_KEY", help="Key of SOURCE, if it is another."
)
@click.option(
    "--target-key", cls=EnvironOption, envvar="TARGET_SECRET_KEY", help="Key of TARGET, if it is another."
)
def copy(
    source: str,
    target: str,
    overwrite: bool,
    yes: bool,
    key: str,
    source_key: str | None,
    target_key: str | None,
) -> None:
    """Copy all accounts and settings from SOURCE to TARGET.

    Both are URLs: sqlite:////path/to/file.db, mysql://user:password@host/database, redis://:password@host/0.
    Stop the service first, so that nothing changes meanwhile.
    """
    with one_line_errors("SOURCE"):
        from_ = place_of(source)
        if from_.file is not None and not from_.file.is_file():
            raise ConfigurationError(f"there is no file {from_.file}.")
    with one_line_errors("TARGET"):
        to = place_of(target)
    if from_.identity == to.identity:
        raise click.ClickException("SOURCE and TARGET are the same place.")
    with ExitStack() as opened:
        from_store = _open(opened, "SOURCE", from_, (source_key or key).strip())
        with one_line_errors("SOURCE"):
            if is_empty(from_store):
                raise ConfigurationError(
                    f"{from_.shown} holds neither accounts nor settings: there is nothing to copy."
                )
        to_store = _open(opened, "TARGET", to, (target_key or key).strip())
        with one_line_errors("TARGET"):
            clear = not is_empty(to_store)
            if clear:
                _may_overwrite(to, count_accounts(to_store), overwrite, yes)
        with one_line_errors():
            transfer = opened.enter_context(Transfer(from_store, to_store))
            _run(transfer, count_accounts(from_store), clear)
    _tell(transfer.copied, from_, to)


def _open(opened: ExitStack, end: str, place: Place, key: str) -> Store:
    with one_line_errors(end):
        return opened.enter_context(closing(place.open(key, get_services().catalogue.pools)))


def _may_overwrite(target: Place, accounts: int, overwrite: bool, yes: bool) -> None:
    if not overwrite:
        raise ConfigurationError(
            f"{target.shown} holds {accounts} accounts and settings already. To forget them, add --overwrite."
        )
    if sys.stdin.isatty() and not yes:
        click.confirm(f"Forget the {accounts} accounts and all settings of {target.shown}?", abort=True)


def _run(transfer: Transfer, total: int, clear: bool) -> None:
    try:
        with progress("Accounts", total) as on_more:
            transfer.run(clear=clear, on_page=on_more)
    except BaseException:
        if not transfer.copied.finished:
            click.echo(
                f"\nBroken off: {transfer.copied.accounts} of {total} accounts and no settings were copied. The "
                "source is as it was. Copy again with --overwrite.",
                err=True,
            )
        raise


def _tell(copied: Copied, source: Place, target: Place) -> None:
    click.echo(f"Copied from {source.shown} to {target.shown}:")
    click.echo(f"  accounts: {copied.accounts}")
    click.echo(
        f"  settings: {len(copied.settings)}{' (' if copied.settings else ''}{', '.join(copied.settings)}"
        f"{')' if copied.settings else ''}"
    )
    click.echo("Left:")
    click.echo(f"  requests in flight: {copied.in_flight}")
    click.echo("  the console's sessions (log in again) and the progress of jobs")
    click.echo(f"Serve from it with STORAGE_MODE={target.mode} and TARGET as DATABASE_URL.")


@storage.command("import-legacy")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_legacy(folder: Path) -> None:
    """Take over DIR/token.json and DIR/setting.toml of the older FastAPI implementation of this service.

    Accounts that are known already stay as they are. Running it twice does no harm.
    """
    services = get_services()
    with one_line_errors():
        found = read_folder(folder, time.time())
        if found.accounts is None:
            click.echo(f"{TOKENS}: there is none.")
        else:
            report = take_accounts(services.store.accounts, found.accounts)
            click.echo(f"{TOKENS}: {summary(found.accounts)}: {report}.")
            _remarks(TOKENS, found.account_remarks)
        if found.settings is None:
            click.echo(f"{SETTINGS}: there is none.")
        else:
            for line in take_settings(found.settings, services.settings, services.auth):
                click.echo(f"{SETTINGS}: {line}")
            _remarks(SETTINGS, found.settings.remarks)


def _remarks(file: str, remarks: list[str]) -> None:
    for remark in remarks[:SHOWN]:
        click.echo(f"{file}: {remark}")
    if len(remarks) > SHOWN:
        click.echo(f"{file}: … and {len(remarks) - SHOWN} more remarks")


@storage.command("rekey")
@click.option("--none", "without", is_flag=True, help="Store the secrets unencrypted from now on.")
@click.option(
    "--key", cls=EnvironOption, envvar="SECRET_KEY", default="", help="The present key, if there is one."
)
@click.option(
    "--new-key", cls=EnvironOption, envvar="NEW_SECRET_KEY", help="The new key (default: asked for)."
)
def rekey(without: bool, key: str, new_key: str | None) -> None:
    """Encrypt account secrets and settings with another SECRET_KEY."""
    if without and new_key:
        raise click.UsageError("--none and NEW_SECRET_KEY contradict each other.")
    if not without and not new_key:
        new_key = click.prompt("New key", hide_input=True, confirmation_prompt=True)
    # as the environment's variables are read, so that what is set there later is the same key
    new = "" if without else (new_key or "").strip()
    if not new and not without:
        raise click.ClickException("The new key is empty. To store unencrypted: --none")
    if new == key.strip():
        raise click.ClickException("This is the present key already; nothing is changed.")
    if new and len(new) < KEY_MIN:
        click.echo(f"Warning: a key of fewer than {KEY_MIN} characters can be guessed.", err=True)
    with one_line_errors():
        get_services().store.reseal(Vault(new))
    if without:
        click.echo(
            "The secrets are stored unencrypted. Restart every worker and node without SECRET_KEY, now."
        )
    else:
        click.echo(
            "The secrets are encrypted anew. Restart every worker and node with the new SECRET_KEY, now."
        )
