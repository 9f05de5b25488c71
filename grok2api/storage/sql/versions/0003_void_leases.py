"""Void leases are remembered, so that an outcome counts once whenever it comes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "void_leases",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("void_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_void_leases"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_void_leases_account_id_accounts", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_void_leases_void_at", "void_leases", ["void_at"])
