"""`flask storage copy`: everything from one storage to another."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing

import click
from flask.cli import with_appcontext

from grok2api.cli.environ_option import EnvironOption
from grok2api.cli.one_line import one_line_errors
from grok2api.cli.places import Place, place_of
from grok2api.cli.progress import progress
from grok2api.errors import ConfigurationError
from grok2api.services.transfer import Copied, Transfer, count_accounts, is_empty, pools_of
from grok2api.storage.base import Store
from grok2api.web.services import get_services


@click.command("copy")
@click.argument("source")
@click.argument("target")
@click.option("--overwrite", is_flag=True, help="Forget first what TARGET holds.")
@click.option("--yes", is_flag=True, help="Do not ask before overwriting.")
@click.option("--source-url", cls=EnvironOption, envvar="SOURCE_DATABASE_URL", help="SOURCE, if that is -.")
@click.option("--target-url", cls=EnvironOption, envvar="TARGET_DATABASE_URL", help="TARGET, if that is -.")
@click.option(
    "--key", cls=EnvironOption, envvar="SECRET_KEY", default="", help="Key of both ends, if they have one."
)
@click.option(
    "--source-key", cls=EnvironOption, envvar="SOURCE_SECRET_KEY", help="Key of SOURCE, if it is another."
)
@click.option(
    "--target-key", cls=EnvironOption, envvar="TARGET_SECRET_KEY", help="Key of TARGET, if it is another."
)
@with_appcontext
def copy(
    source: str,
    target: str,
    overwrite: bool,
    yes: bool,
    source_url: str | None,
    target_url: str | None,
    key: str,
    source_key: str | None,
    target_key: str | None,
) -> None:
    """Copy all accounts, settings, clients' keys, stored responses, the index of media, the operators' actions, counts
    over time and the log of requests from SOURCE to TARGET.

    Both are URLs: sqlite:////path/to/file.db, mysql://user:password@host/database, redis://:password@host/0, or -
    for the one in the environment, where others on this machine cannot see its password. Stop the service first,
    so that nothing changes meanwhile.
    """
    from_ = _place("SOURCE", source, source_url)
    if from_.file is not None and not from_.file.is_file():
        raise click.ClickException(f"SOURCE: there is no file {from_.file}.")
    to = _place("TARGET", target, target_url)
    if from_.identity == to.identity:
        raise click.ClickException("SOURCE and TARGET are the same place.")
    pools = get_services().catalogue.pools
    new_key = (target_key or key).strip()
    with ExitStack() as opened:
        from_store = _open(opened, "SOURCE", from_, (source_key or key).strip(), pools)
        with one_line_errors("SOURCE"):
            if is_empty(from_store):
                raise ConfigurationError(
                    f"{from_.shown} holds neither accounts nor settings nor keys: there is nothing to copy."
                )
            all_pools = pools_of(from_store, pools)
        to_store = _open(opened, "TARGET", to, new_key, all_pools)
        with one_line_errors("TARGET"):
            clear = not is_empty(to_store)
            if clear:
                _may_overwrite(to, to_store, overwrite, yes)
        transfer = opened.enter_context(Transfer(from_store, to_store))
        _run(transfer, count_accounts(from_store), clear)
    _tell(transfer.copied, from_, to, sealed=bool(new_key))


def _place(end: str, argument: str, url: str | None) -> Place:
    with one_line_errors(end):
        if argument == "-" and not url:
            raise ConfigurationError(f"set {end}_DATABASE_URL, or write the URL in place of the -.")
        place = place_of(url or "" if argument == "-" else argument)
    if argument != "-" and place.password:
        click.echo(
            f"Warning: others on this machine can see the password of {end} in the list of processes. Better: "
            f"write - for it, and the URL in {end}_DATABASE_URL.",
            err=True,
        )
    return place


def _open(opened: ExitStack, end: str, place: Place, key: str, pools: Sequence[str]) -> Store:
    with one_line_errors(end):
        return opened.enter_context(closing(place.open(key, pools)))


def _may_overwrite(target: Place, store: Store, overwrite: bool, yes: bool) -> None:
    settings, keys = store.settings.load().values, store.keys.all()
    what = f"{count_accounts(store)} accounts, {len(settings)} settings and {len(keys)} keys"
    if not overwrite:
        raise ConfigurationError(f"{target.shown} holds {what} already. To forget them, add --overwrite.")
    if sys.stdin.isatty() and not yes:
        click.confirm(f"Forget the {what} of {target.shown}?", abort=True)


def _run(transfer: Transfer, total: int, clear: bool) -> None:
    try:
        with progress("Accounts", total) as on_more:
            transfer.run(clear=clear, on_page=on_more)
    except BaseException:
        copied = transfer.copied
        if not copied.finished:
            click.echo(
                f"Broken off: at least {copied.accounts} of {total} accounts, {copied.responses} stored responses, "
                f"{copied.media} media, {copied.keys} keys, {len(copied.settings) or 'no'} settings, "
                f"{copied.actions} actions, {copied.counts} counts and {copied.requests} logged requests were copied. "
                "The source is as it was. Copy again with --overwrite.",
                err=True,
            )
        raise


def _tell(copied: Copied, source: Place, target: Place, *, sealed: bool) -> None:
    names = f" ({', '.join(copied.settings)})" if copied.settings else ""
    click.echo(f"Copied from {source.shown} to {target.shown}:")
    click.echo(f"  accounts: {copied.accounts}")
    click.echo(f"  settings: {len(copied.settings)}{names}")
    click.echo(f"  clients' keys: {copied.keys}")
    click.echo(f"  stored responses: {copied.responses}")
    click.echo(f"  media in the index: {copied.media}")
    click.echo(f"  actions of operators: {copied.actions}")
    click.echo(f"  counts over time: {copied.counts}")
    click.echo(f"  logged requests: {copied.requests}")
    click.echo("Left:")
    click.echo(f"  requests in flight: {copied.in_flight}")
    click.echo("  the console's sessions (log in again), failed logins and the progress of jobs")
    key = "the SECRET_KEY of TARGET" if sealed else "no SECRET_KEY"
    click.echo(f"Serve from it with STORAGE_MODE={target.mode}, TARGET as DATABASE_URL and {key}.")
