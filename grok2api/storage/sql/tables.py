"""The tables, in the SQL that SQLite, MySQL 8.0 and MariaDB share. Times are epoch seconds.

`account_quotas` has a row per account and quota pool with all that choosing needs, so that one index
gives the best account: `state` sums up what makes an account fit, `returns_at` says when it is to be looked
at again because a wait or a quota's window ends, `quota_order` is the remaining quota negated (an unknown
one counts as full).
"""

from __future__ import annotations

from enum import IntEnum
from typing import cast

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, Double, ForeignKey, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects.mysql import LONGTEXT, VARCHAR
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)


def table_of(model: type[Base]) -> Table:
    """A model's table, for statements that need no objects."""
    return cast(Table, model.__table__)


def _exact(length: int) -> String:
    """Texts that are told apart by case, also in a database that somebody made with another collation than ours."""
    return String(length).with_variant(VARCHAR(length, collation="utf8mb4_bin"), "mysql", "mariadb")


class State(IntEnum):
    """Whether an account is fit in a pool."""

    READY = 0
    RESTING = 1  # serves only when no other is fit
    WAITING = 2  # cooling or exhausted, until returns_at
    OUT = 3  # disabled or expired


class AccountRow(Base):
    __tablename__ = "accounts"
    __table_args__ = (
        Index("ix_accounts_stale", "disabled", "checked_at"),
        # A late settlement of a deleted account must not meet a new one of the same id.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    secret: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(String(32))
    tier: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[float] = mapped_column(Double)
    disabled: Mapped[bool] = mapped_column(default=False)
    expired_reason: Mapped[str | None] = mapped_column(String(64))
    strikes: Mapped[int] = mapped_column(default=0)
    failed_count: Mapped[int] = mapped_column(default=0)
    last_failure_at: Mapped[float | None] = mapped_column(Double)
    last_failure_reason: Mapped[str | None] = mapped_column(String(255))
    note: Mapped[str] = mapped_column(Text, default="")
    last_used_at: Mapped[float | None] = mapped_column(Double)
    request_count: Mapped[int] = mapped_column(BigInteger, default=0)
    checked_at: Mapped[float] = mapped_column(Double, default=0.0)  # 0: never


class TagRow(Base):
    __tablename__ = "account_tags"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)


class QuotaRow(Base):
    __tablename__ = "account_quotas"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    pool: Mapped[str] = mapped_column(String(32), primary_key=True)
    tier: Mapped[str] = mapped_column(String(8))
    state: Mapped[int] = mapped_column(default=State.READY)
    returns_at: Mapped[float | None] = mapped_column(Double)
    in_flight: Mapped[int] = mapped_column(default=0)
    quota_order: Mapped[int] = mapped_column()
    used_at: Mapped[float] = mapped_column(Double, default=0.0)
    remaining: Mapped[int | None] = mapped_column()
    held: Mapped[int] = mapped_column(default=0)  # the cost of the open leases
    taken: Mapped[int] = mapped_column(BigInteger, default=0)  # the cost of all leases ever
    window_ends_at: Mapped[float | None] = mapped_column(Double)
    cooldown_until: Mapped[float | None] = mapped_column(Double)
    rest_until_request: Mapped[int | None] = mapped_column(BigInteger)
    rest_until_at: Mapped[float | None] = mapped_column(Double)

    __table_args__ = (
        Index("ix_account_quotas_choice", "pool", "tier", "state", "in_flight", "quota_order", "used_at"),
        Index("ix_account_quotas_return", "pool", "returns_at"),
        Index("ix_account_quotas_rest", "pool", "rest_until_request"),
    )


class LeaseRow(Base):
    __tablename__ = "leases"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    expires_at: Mapped[float] = mapped_column(Double, index=True)
    pool: Mapped[str] = mapped_column(String(32))
    cost: Mapped[int] = mapped_column()


class VoidLeaseRow(Base):
    """A lease that ended without an outcome, which may still come."""

    __tablename__ = "void_leases"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    void_at: Mapped[float] = mapped_column(Double, index=True)


class JobRow(Base):
    __tablename__ = "jobs"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[float] = mapped_column(Double)
    beat_at: Mapped[float] = mapped_column(Double)
    ended_at: Mapped[float | None] = mapped_column(Double)
    total: Mapped[int] = mapped_column(default=0)
    success: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)


class CounterRow(Base):
    """Numbers that only grow: the settings' version, the client requests of a quota pool."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger, default=0)


class SettingRow(Base):
    __tablename__ = "settings"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)  # JSON


class KeptRow(Base):
    """Values made once for the whole deployment."""

    __tablename__ = "kept_values"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class ResponseRow(Base):
    __tablename__ = "responses"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[float] = mapped_column(Double, index=True)
    # The last one: SQLite reads through it to what comes behind.
    body: Mapped[str] = mapped_column(Text().with_variant(LONGTEXT(), "mysql", "mariadb"))


class MediaRow(Base):
    __tablename__ = "media"
    # With all columns: MariaDB would rather sort the table than look up a page's rows one by one.
    __table_args__ = (
        Index("ix_media_created", "created_at", "path", "kind", "account_id"),
        Index("ix_media_kind", "kind", "created_at", "path", "account_id"),
    )

    path: Mapped[str] = mapped_column(_exact(200), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    account_id: Mapped[int] = mapped_column()  # which may be gone: the row stays
    created_at: Mapped[float] = mapped_column(Double)


class LoginFailuresRow(Base):
    """See `login_rule.Failures`."""

    __tablename__ = "login_failures"

    name: Mapped[str] = mapped_column(_exact(80), primary_key=True)  # address:<address>, username:<username>
    failures: Mapped[int] = mapped_column()
    started_at: Mapped[float] = mapped_column(Double)
    held_until: Mapped[float] = mapped_column(Double, index=True)


class GoodAddressRow(Base):
    """An address that somebody has logged in well from."""

    __tablename__ = "good_addresses"

    address: Mapped[str] = mapped_column(_exact(64), primary_key=True)
    good_at: Mapped[float] = mapped_column(Double, index=True)


class AuditRow(Base):
    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_at", "at", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[float] = mapped_column(Double)
    username: Mapped[str] = mapped_column(String(255))
    address: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(Text)  # JSON


class UsageRow(Base):
    __tablename__ = "usage_counts"

    span_s: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(_exact(32), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class ClientKeyRow(Base):
    __tablename__ = "client_keys"
    # The log of requests names them by their ids.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64))
    hint: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[float] = mapped_column(Double)
    enabled: Mapped[bool] = mapped_column()
    expires_at: Mapped[float | None] = mapped_column(Double)
    models: Mapped[str] = mapped_column(Text)  # JSON
    per_minute: Mapped[int] = mapped_column()
    per_day: Mapped[int] = mapped_column()
    last_used_at: Mapped[float | None] = mapped_column(Double)
    request_count: Mapped[int] = mapped_column(BigInteger)
    # See client_keys.Windows.
    minute_at: Mapped[int] = mapped_column(BigInteger, default=0)
    in_minute: Mapped[int] = mapped_column(default=0)
    day_at: Mapped[int] = mapped_column(BigInteger, default=0)
    in_day: Mapped[int] = mapped_column(default=0)


class RequestLogRow(Base):
    __tablename__ = "request_log"
    __table_args__ = (Index("ix_request_log_at", "at", "id"),)

    # SQLite counts up only what it calls INTEGER; a server's INTEGER would be used up one day.
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)
    at: Mapped[float] = mapped_column(Double)
    request_id: Mapped[str] = mapped_column(_exact(64))
    document: Mapped[str] = mapped_column(Text)  # JSON


class SessionRow(Base):
    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    username: Mapped[str] = mapped_column(String(255))
    csrf_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[float] = mapped_column(Double)
    seen_at: Mapped[float] = mapped_column(Double, index=True)
