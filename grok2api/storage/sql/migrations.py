"""Bringing a database to this release's schema: Alembic, run by the program itself, once.

The revisions lie in `versions/`. They run in one transaction that other starting workers wait for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from grok2api.errors import ConfigurationError

_HERE = Path(__file__).resolve().parent


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; `env.py` takes the connection from its attributes."""
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def current_revision(connection: Connection) -> str | None:
    """The database's revision; None for an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str | None:
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def migrate(connection: Connection, before_upgrade: Callable[[str], None] | None = None) -> None:
    """Upgrade within the caller's transaction. Raises ConfigurationError for a newer release's database.

    before_upgrade: called with the revision of a database that an older release wrote.
    """
    config = alembic_config(connection)
    script = ScriptDirectory.from_config(config)
    current = current_revision(connection)
    if current == script.get_current_head():
        return
    known = {revision.revision for revision in script.walk_revisions()}
    if current is not None and current not in known:
        raise ConfigurationError(
            f"The database was written by a newer release (schema {current}). Use that release, or another database."
        )
    if current is not None and before_upgrade is not None:
        before_upgrade(current)
    command.upgrade(config, "head")
