"""`flask storage …`: taking over the older implementation's files, and encrypting with another key. Copying is in
`copying`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from grok2api.cli.ask import ask_secret
from grok2api.cli.environ_option import EnvironOption
from grok2api.cli.group import CommandGroup
from grok2api.cli.taking import take_in
from grok2api.services.legacy import SETTINGS, TOKENS, read_folder, summary, take_settings
from grok2api.storage.vault import Vault
from grok2api.web.services import get_services

#: Shorter keys than this are warned of.
KEY_MIN = 16
#: Remarks that are shown one by one.
SHOWN = 50

storage = CommandGroup("storage", help="Copy, take over and encrypt what is stored.")


@storage.command("import-legacy")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
def import_legacy(folder: Path) -> None:
    """Take over DIR/token.json and DIR/setting.toml of the older FastAPI implementation of this service.

    Accounts that are known and settings that are set already stay as they are. Running it twice does no harm.
    """
    services = get_services()
    found = read_folder(folder, time.time())
    if found.accounts is None:
        click.echo(f"{TOKENS}: there is none.")
    else:
        report = take_in(found.accounts, services.store.accounts.restore)
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
    """Encrypt account secrets and settings with another SECRET_KEY, and forget the stored responses.

    Stop the service first.
    """
    if without and new_key:
        raise click.UsageError("--none and NEW_SECRET_KEY contradict each other.")
    if not without and not new_key:
        new_key = ask_secret("New key")
    # as the environment's variables are read, so that what is set there later is the same key
    new = "" if without else (new_key or "").strip()
    if not new and not without:
        raise click.ClickException("The new key is empty. To store unencrypted: --none")
    if new == key.strip():
        raise click.ClickException("This is the present key already; nothing is changed.")
    if new and len(new) < KEY_MIN:
        click.echo(f"Warning: a key of fewer than {KEY_MIN} characters can be guessed.", err=True)
    get_services().store.reseal(Vault(new))
    if without:
        click.echo(
            "The secrets are stored unencrypted, stored responses are forgotten. Restart every worker and node "
            "without SECRET_KEY, now."
        )
    else:
        click.echo(
            "The secrets are encrypted anew, stored responses are forgotten. Restart every worker and node with "
            "the new SECRET_KEY, now."
        )
