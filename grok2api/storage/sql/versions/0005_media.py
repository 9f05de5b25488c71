"""The index of the media that were handed out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    path = sa.String(200).with_variant(mysql.VARCHAR(200, collation="utf8mb4_bin"), "mysql", "mariadb")
    op.create_table(
        "media",
        sa.Column("path", path, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_media"),
    )
    op.create_index("ix_media_created", "media", ["created_at", "path", "kind", "account_id"])
    op.create_index("ix_media_kind", "media", ["kind", "created_at", "path", "account_id"])
