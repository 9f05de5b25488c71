"""What checks of quota and the search need of accounts, what a lease costs, jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from grok2api.account_secrets import hint_of

revision = "0002"
down_revision = "0001"

_BATCH = 1000


def upgrade() -> None:
    op.add_column("accounts", sa.Column("hint", sa.String(32), nullable=False, server_default=""))
    op.add_column("accounts", sa.Column("checked_at", sa.Double(), nullable=False, server_default="0"))
    op.create_index("ix_accounts_stale", "accounts", ["disabled", "checked_at"])
    op.add_column("account_quotas", sa.Column("held", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("account_quotas", sa.Column("taken", sa.BigInteger(), nullable=False, server_default="0"))
    # The leases that are open now were counted without their cost: 0 keeps `held` right.
    op.add_column("leases", sa.Column("pool", sa.String(32), nullable=False, server_default="default"))
    op.add_column("leases", sa.Column("cost", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "jobs",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("beat_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("success", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_jobs"),
    )
    _fill_hints(op.get_bind())


def _fill_hints(connection: sa.Connection) -> None:
    """Secrets of the first schema are not sealed."""
    accounts = sa.table("accounts", sa.column("id"), sa.column("secret"), sa.column("hint"))
    change = sa.update(accounts).where(accounts.c.id == sa.bindparam("account"))
    change = change.values(hint=sa.bindparam("text"))
    last = 0
    while True:
        query = sa.select(accounts.c.id, accounts.c.secret).where(accounts.c.id > last)
        rows = connection.execute(query.order_by(accounts.c.id).limit(_BATCH)).all()
        if not rows:
            return
        connection.execute(change, [{"account": row.id, "text": hint_of(row.secret)} for row in rows])
        last = rows[-1].id
