"""The repository's contract: intentions, not tables. Each operation is atomic over all workers and nodes.

Times are epoch seconds, handed in by the caller. Every method may raise StorageUnavailable, and never a
driver's own exception. Backends are named in `storage/__init__.py`; the contract tests run over each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from grok2api.accounts import (
    Account,
    AccountEdit,
    AccountQuery,
    AddReport,
    Check,
    Finding,
    Lease,
    LeaseRequest,
    Settlement,
    Shortage,
    Tier,
    TierSummary,
)
from grok2api.media import Kind, MediaItem
from grok2api.storage.clients import Keys as Keys
from grok2api.storage.clients import RequestEntry as RequestEntry
from grok2api.storage.clients import RequestLog as RequestLog
from grok2api.storage.oversight import Audit as Audit
from grok2api.storage.oversight import AuditEntry as AuditEntry
from grok2api.storage.oversight import Logins as Logins
from grok2api.storage.oversight import Usage as Usage
from grok2api.storage.oversight import UsageCount as UsageCount
from grok2api.storage.vault import Vault


class Leases(ABC):
    """The pool: who serves a request, and what is learnt of an account by it."""

    @abstractmethod
    def lease(self, wanted: LeaseRequest, now: float) -> Lease | None:
        """Take one fit account and `wanted.cost` calls of its quota.

        Fit: not disabled, expired, in a timed cooldown, exhausted, excluded or at `max_in_flight`. The first
        tier that has a fit one wins; then fewest requests in flight, most quota left (unknown counts as
        full), least recently used. An account that rests serves only when no other is fit. The lease is
        void LEASE_S after the last renewal; a void one frees its slot, its cost stays spent.
        None: no account is fit. O(log n) in accounts; only to find none may cost O(n).
        """

    @abstractmethod
    def renew(self, lease_ids: Sequence[str], now: float) -> None:
        """Keep these leases for another LEASE_S. Ids that are void or settled are left alone."""

    @abstractmethod
    def settle(self, lease: Lease, settlement: Settlement, now: float) -> None:
        """End a lease and carry out what its outcome changes, once: settled again, because an answer was lost,
        it is nothing. A void lease's outcome still counts for VOID_KEPT_S."""

    @abstractmethod
    def heal(self, now: float) -> None:
        """Free the slots of void leases; `lease` does it too, but in a quiet time nobody leases. Forget those that
        nobody settled for VOID_KEPT_S."""

    @abstractmethod
    def shortage(self, wanted: LeaseRequest, now: float) -> Shortage:
        """Why `lease` found none, in counts. May cost O(n); only asked when nothing is fit."""

    @abstractmethod
    def begin_check(self, account_id: int, now: float, unless_since: float) -> Check | None:
        """Note that upstream is about to be asked for this account's quota, and what it must at least know.

        None: there is no such account, or somebody began a check after `unless_since` (epoch seconds).
        """

    @abstractmethod
    def end_check(self, check: Check, finding: Finding, now: float) -> None:
        """Carry out what a check found. The calls of a pool that are left are those of the reading, less what
        the account was leased for beyond `check.settled`. Never shortens a cooldown. A pool that the account
        has no standing in is left out; a deleted account is none of its business."""


class Accounts(ABC):
    """The operator's list of accounts."""

    @abstractmethod
    def add(self, secrets: Sequence[str], tier: Tier, now: float) -> AddReport:
        """Add cleaned secrets, each once. A known one of the same tier is a duplicate and keeps all it has;
        of another tier it is moved to this one. `invalid` is left 0. Thousands in one call are fine."""

    @abstractmethod
    def restore(self, accounts: Sequence[Account], *, keep_ids: bool = False) -> AddReport:
        """Add accounts with all that is known of them, but for requests in flight; known secrets are
        duplicates and stay as they are. keep_ids: into an empty place only. Thousands in one call are fine."""

    @abstractmethod
    def page(self, query: AccountQuery, now: float) -> tuple[list[Account], int]:
        """A part of the accounts that the query asks for, and how many they are in all."""

    @abstractmethod
    def walk(self, after_id: int, limit: int) -> list[Account]:
        """The next accounts in the order of their ids, for going through all of them: start after 0, end with
        an empty list."""

    @abstractmethod
    def stale(self, checked_before: float, limit: int) -> list[int]:
        """Ids of accounts, not disabled, that no check was begun for since then; longest unchecked first."""

    @abstractmethod
    def get(self, ids: Sequence[int]) -> list[Account]:
        """Those of these accounts that exist, in the order of their ids."""

    @abstractmethod
    def find(self, secrets: Iterable[str]) -> dict[str, int]:
        """The ids of those secrets that exist."""

    @abstractmethod
    def edit(self, ids: Sequence[int], edit: AccountEdit, now: float) -> int:
        """Change these accounts; how many of them there are. Thousands in one call are fine."""

    @abstractmethod
    def delete(self, ids: Sequence[int]) -> int:
        """Forget these accounts, their leases too; how many there were. Their ids are never given again."""

    @abstractmethod
    def tags(self) -> list[str]:
        """All tags in use, sorted by code point."""

    @abstractmethod
    def summary(self, now: float) -> dict[Tier, TierSummary]:
        """Both tiers in counts, of all quota pools. May cost O(n), in steps between which others get their turn: it
        need not be of one moment."""


#: A job whose runner has not been heard of for so long has died.
JOB_DEAD_S = 20.0


@dataclass(frozen=True)
class Job:
    """Long work that one process does for the whole deployment, and how far it is. Times are epoch seconds.

    owner: made up anew for each run. ended_at: None while it runs, and for ever when its runner died.
    """

    name: str
    owner: str
    started_at: float
    beat_at: float
    ended_at: float | None = None
    total: int = 0
    success: int = 0
    failed: int = 0

    @property
    def current(self) -> int:
        return self.success + self.failed

    def running(self, now: float) -> bool:
        return self.ended_at is None and now - self.beat_at < JOB_DEAD_S


class Jobs(ABC):
    """Who does what only one may do."""

    @abstractmethod
    def begin(self, name: str, owner: str, now: float) -> Job:
        """Start a job of this name unless one runs: the new one, or the running one of another owner."""

    @abstractmethod
    def beat(self, job: Job) -> bool:
        """Store the job as it is now, `beat_at` with it. False: it is another owner's by now; stop."""

    @abstractmethod
    def get(self, name: str) -> Job | None:
        """The last job of this name, whether it runs or not."""


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


#: A response is stored for so long.
RESPONSE_KEPT_S = 24 * 3600.0

#: A larger body is not to be stored; the caller sees to it.
RESPONSE_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class StoredResponse:
    """An answer that may be asked for again. id: `resp_…`, never given twice, 64 characters at most. owner: who made
    it, a digest of the client's key of 64 characters at most, "" when none is needed. body: opaque (compressed JSON
    by its writer), RESPONSE_MAX_BYTES at most. expires_at: epoch seconds, within RESPONSE_KEPT_S."""

    id: str
    owner: str
    body: bytes
    expires_at: float


class Responses(ABC):
    """Stored responses, each for who made it alone. What has expired is not there, whether forgotten by then or not.

    A response is sealed as secrets are, but forgotten when all is sealed anew (`Store.reseal`): it lives for a
    day, and all of them are too much for one transaction.
    """

    @abstractmethod
    def save(self, response: StoredResponse) -> None:
        """Store a response, in place of one of the same id. Raises StorageUnavailable when the place is not sealed
        with the vault that this store was opened with."""

    @abstractmethod
    def get(self, id_: str, owner: str, now: float) -> StoredResponse | None:
        """None: there is none of this id, or it is another owner's."""

    @abstractmethod
    def delete(self, id_: str, owner: str, now: float) -> bool:
        """Forget this owner's response. False: `get` would have found none."""

    @abstractmethod
    def forget_expired(self, now: float) -> None:
        """Free the space of those that have expired, in small steps between which others get their turn."""

    @abstractmethod
    def walk(self, limit: int, now: float) -> Iterator[list[StoredResponse]]:
        """All responses of all owners, at most so many at a time, in no order, for going through all of them. What
        comes or goes meanwhile may be left out or given twice."""


class Media(ABC):
    """The index of the media that were handed out: no other is served, and each is fetched with the account that made
    it. Paths are those of `grok2api.media.is_media_path`, told apart by case; the caller sees to it."""

    @abstractmethod
    def add(self, items: Sequence[MediaItem]) -> None:
        """Store these, in place of those of the same paths."""

    @abstractmethod
    def get(self, path: str) -> MediaItem | None: ...

    @abstractmethod
    def page(self, kind: Kind | None, offset: int, limit: int) -> tuple[list[MediaItem], int]:
        """A part of those of a kind, or of all, the newest first, and how many they are in all. Of the same moment:
        by path, the greater one first."""

    @abstractmethod
    def forget_older(self, created_before: float) -> int:
        """Forget those that were made before; how many. In small steps between which others get their turn."""

    @abstractmethod
    def walk(self, after_path: str, limit: int) -> list[MediaItem]:
        """The next ones in the order of their paths, by code point, for going through all of them: start after "",
        end with an empty list."""


class Store(ABC):
    """A backend: the repositories over one place."""

    leases: Leases
    accounts: Accounts
    settings: Settings
    sessions: Sessions
    jobs: Jobs
    responses: Responses
    media: Media
    logins: Logins
    audit: Audit
    usage: Usage
    keys: Keys
    requests: RequestLog

    @abstractmethod
    def ping(self) -> None:
        """Raises StorageUnavailable when the place cannot be reached."""

    @abstractmethod
    def warnings(self) -> list[str]:
        """What the operator should mend about this place, in sentences: data that may be lost and the like."""

    @abstractmethod
    def clear(self) -> None:
        """Forget all accounts, what hangs on them, settings, clients' keys, stored responses and the index of media."""

    @abstractmethod
    def reseal(self, new: Vault) -> None:
        """Seal all secrets anew, forget the stored responses, all or nothing of it, and go on with this vault.
        Raises StorageUnavailable when the place is not sealed with the vault that this store was opened with."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections and threads."""
