"""Bringing a database to this release's schema: Alembic, run by the program itself, once.

The revisions lie in `versions/`, numbered in their order. They run in one transaction that other starting workers wait
for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from grok2api.errors import ConfigurationError

_HERE = Path(__file__).resolve().parent


def current_revision(connection: Connection) -> str | None:
    """The database's revision; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return revision


def revisions() -> list[str]:
    """Those that this release knows, in their order."""
    return sorted(path.name.partition("_")[0] for path in (_HERE / "versions").glob("[0-9]*.py"))


def migrate(connection: Connection, before_upgrade: Callable[[str], None] | None = None) -> None:
    """Upgrade within the caller's transaction. Raises ConfigurationError for a newer release's database.

    before_upgrade: called with the revision of a database that an older release wrote.
    """
    known = revisions()
    current = current_revision(connection)
    if current == known[-1]:
        return
    if current is not None and current not in known:
        raise ConfigurationError(
            f"The database was written by a newer release (schema {current}). Use that release, or another database."
        )
    if current is not None and before_upgrade is not None:
        before_upgrade(current)
    _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    # Only who upgrades imports it: it would cost every start a fifth of its time.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection  # env.py takes it from there
    command.upgrade(config, "head")
