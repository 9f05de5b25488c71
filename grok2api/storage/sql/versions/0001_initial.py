"""Accounts, their quotas and leases, settings, sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("tier", sa.String(8), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("expired_reason", sa.String(64)),
        sa.Column("strikes", sa.Integer(), nullable=False),
        sa.Column("failed_count", sa.Integer(), nullable=False),
        sa.Column("last_failure_at", sa.Double()),
        sa.Column("last_failure_reason", sa.String(255)),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("last_used_at", sa.Double()),
        sa.Column("request_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("digest", name="uq_accounts_digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "account_tags",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_account_tags_account_id_accounts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "tag", name="pk_account_tags"),
    )
    op.create_index("ix_account_tags_tag", "account_tags", ["tag"])
    op.create_table(
        "account_quotas",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("pool", sa.String(32), nullable=False),
        sa.Column("tier", sa.String(8), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("returns_at", sa.Double()),
        sa.Column("in_flight", sa.Integer(), nullable=False),
        sa.Column("quota_order", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.Double(), nullable=False),
        sa.Column("remaining", sa.Integer()),
        sa.Column("window_ends_at", sa.Double()),
        sa.Column("cooldown_until", sa.Double()),
        sa.Column("rest_until_request", sa.BigInteger()),
        sa.Column("rest_until_at", sa.Double()),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_account_quotas_account_id_accounts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "pool", name="pk_account_quotas"),
    )
    op.create_index(
        "ix_account_quotas_choice",
        "account_quotas",
        ["pool", "tier", "state", "in_flight", "quota_order", "used_at"],
    )
    op.create_index("ix_account_quotas_return", "account_quotas", ["pool", "returns_at"])
    op.create_index("ix_account_quotas_rest", "account_quotas", ["pool", "rest_until_request"])
    op.create_table(
        "leases",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_leases_account_id_accounts", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_leases"),
    )
    op.create_index("ix_leases_expires_at", "leases", ["expires_at"])
    op.create_table(
        "counters",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.create_table(
        "settings",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )
    op.create_table(
        "kept_values",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_kept_values"),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("username", sa.String(255), nullable=False),
        sa.Column("csrf_token", sa.String(64), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
    )
    op.create_index("ix_sessions_seen_at", "sessions", ["seen_at"])
