"""The repository's contract: intentions, not tables. Each operation is atomic over all workers and nodes.

Times are epoch seconds, handed in by the caller. Every method may raise StorageUnavailable, and never a
driver's own exception. Backends are named in `storage/__init__.py`; the contract tests run over each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grok2api.accounts import Account, AddReport, Lease, LeaseRequest, Settlement, Shortage, Tier


class Accounts(ABC):
    """The pool of accounts and the leases on them."""

    @abstractmethod
    def add(self, secrets: Sequence[str], tier: Tier, now: float) -> AddReport:
        """Add cleaned secrets, each once. A known one of the same tier is a duplicate and keeps all it has;
        of another tier it is moved to this one. `invalid` is left 0. Thousands in one call are fine."""

    @abstractmethod
    def page(self, offset: int, limit: int) -> tuple[list[Account], int]:
        """Accounts in the order they were added, and how many there are in all."""

    @abstractmethod
    def lease(self, wanted: LeaseRequest, now: float) -> Lease | None:
        """Take one fit account and `wanted.cost` calls of its quota.

        Fit: not disabled, expired, in a timed cooldown, exhausted, excluded or at `max_in_flight`. The first
        tier that has a fit one wins; then fewest requests in flight, most quota left (unknown counts as
        full), least recently used. An account that rests serves only when no other is fit. The lease is
        void LEASE_S after the last renewal; a void one frees its slot, its cost stays spent.
        None: no account is fit. O(log n) in accounts.
        """

    @abstractmethod
    def renew(self, lease_ids: Sequence[str], now: float) -> None:
        """Keep these leases for another LEASE_S. Ids that are void or settled are left alone."""

    @abstractmethod
    def settle(self, lease: Lease, settlement: Settlement, now: float) -> None:
        """End a lease and carry out what its outcome changes. A void lease's outcome still counts; settling
        twice frees the slot once."""

    @abstractmethod
    def shortage(self, wanted: LeaseRequest, now: float) -> Shortage:
        """Why `lease` found none, in counts. May cost O(n); only asked when nothing is fit."""


@dataclass(frozen=True)
class StoredSettings:
    """`version` grows with every change of `values`."""

    version: int
    values: dict[str, object]


class Settings(ABC):
    """The stored settings, and small values that are made once for the whole deployment."""

    @abstractmethod
    def version(self) -> int:
        """The version of what `load` would give. Cheap: asked twice a second by every worker."""

    @abstractmethod
    def load(self) -> StoredSettings: ...

    @abstractmethod
    def save(self, values: Mapping[str, object]) -> None:
        """Store these names' values (of JSON's types), all or none; other names keep theirs."""

    @abstractmethod
    def keep(self, name: str, value: str) -> str:
        """The kept value of this name: `value` if there was none yet, else the one that came first."""


@dataclass(frozen=True)
class AdminSession:
    """A console session. `digest`: SHA-256 of its token in hex, the token itself is not stored."""

    digest: str
    username: str
    csrf_token: str
    created_at: float
    seen_at: float


class Sessions(ABC):
    """The operator's sessions, shared by all workers and nodes."""

    @abstractmethod
    def create(self, session: AdminSession) -> None:
        """Store a session, and forget those seen last before the oldest that could still be valid."""

    @abstractmethod
    def get(self, digest: str) -> AdminSession | None: ...

    @abstractmethod
    def touch(self, digest: str, now: float) -> None:
        """Note that the session is in use."""

    @abstractmethod
    def delete(self, digest: str) -> None: ...

    @abstractmethod
    def delete_all(self) -> None: ...


class Store(ABC):
    """A backend: the repositories over one place."""

    accounts: Accounts
    settings: Settings
    sessions: Sessions

    @abstractmethod
    def ping(self) -> None:
        """Raises StorageUnavailable when the place cannot be reached."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections and threads."""
