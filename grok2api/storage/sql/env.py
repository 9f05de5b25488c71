"""Alembic's entry point: runs the revisions on the connection that `migrations.migrate` hands over."""

from __future__ import annotations

from alembic import context

from grok2api.storage.sql.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
