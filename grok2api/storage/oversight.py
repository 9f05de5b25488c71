"""The contract's part for overseeing the gateway: failed logins, what the operators did, counts over time.

What `base.py` says of all repositories holds here too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

#: So many failed logins of a name within the window, which begins with the first, cost nothing.
LOGIN_FREE = 10
LOGIN_WINDOW_S = 60.0

#: The longest wait after a failed login.
LOGIN_WAIT_MAX_S = 60.0

#: So long after a login an address is a good one.
GOOD_ADDRESS_S = 30 * 24 * 3600.0


class Logins(ABC):
    """The throttle of attempts to log in, by address and by username, as `login_rule.py` has it: opaque texts of 64
    characters at most. An address that has logged in well is apart from what others do to the username."""

    @abstractmethod
    def is_good(self, address: str, now: float) -> bool:
        """Whether the address has logged in well, not too long ago."""

    @abstractmethod
    def attempt(self, address: str, username: str, now: float) -> float:
        """How many seconds to wait, the longer wait of the two; such an attempt counts nowhere. 0.0: go ahead, and
        until `succeeded` it counts as failed, for the address and, unless the address is good, for the username."""

    @abstractmethod
    def succeeded(self, address: str, username: str, now: float) -> None:
        """The attempt was good: forget the address's failures, take back what it counted for the username, and
        remember the address as a good one."""

    @abstractmethod
    def forget_old(self, now: float) -> None:
        """Free the space of what matters no longer, in small steps between which others get their turn."""


@dataclass(frozen=True)
class AuditEntry:
    """What an operator did. username: 255 characters at most, address and action: 64. detail: texts, numbers,
    booleans and lists of texts. All of it: 4 KiB at most as JSON; the caller sees to it. at: epoch seconds."""

    at: float
    username: str
    address: str
    action: str
    detail: dict[str, object] = field(default_factory=dict)


class Audit(ABC):
    """What the operators did. `Store.clear` leaves it."""

    @abstractmethod
    def add(self, *entries: AuditEntry) -> None:
        """Store these, in this order."""

    @abstractmethod
    def page(self, offset: int, limit: int) -> tuple[list[AuditEntry], int]:
        """A part of them, the newest first, and how many there are in all. Of the same moment: what was added later
        comes first."""

    @abstractmethod
    def forget_older(self, before: float, keep_most: int) -> None:
        """Forget those from before then, and all but the newest `keep_most`. In small steps."""

    @abstractmethod
    def walk(self, limit: int) -> Iterator[list[AuditEntry]]:
        """All of them, in the order of `page` turned round, at most so many at a time. What comes or goes meanwhile
        may be left out."""


class UsageCount(NamedTuple):
    """How often something happened in the `span_s` seconds from `start` on, epoch seconds, a multiple of span_s.
    name: 32 characters of ASCII at most."""

    span_s: int
    start: int
    name: str
    count: int  # type: ignore[assignment]  # nobody misses the tuple's method


class Usage(ABC):
    """Counts over time, for charts. `Store.clear` leaves them."""

    @abstractmethod
    def add(self, counts: Sequence[UsageCount]) -> None:
        """Add these onto what is stored. Cheap, no lease waits for it: every worker does it every few seconds."""

    @abstractmethod
    def since(self, span_s: int, start: int) -> list[UsageCount]:
        """Those of this span that start then or later, in the order of their starts and names."""

    @abstractmethod
    def forget_before(self, span_s: int, start: int) -> None:
        """Forget those of this span that start before then. In small steps."""

    @abstractmethod
    def forget_all(self) -> None:
        """In small steps."""

    @abstractmethod
    def walk(self, limit: int) -> Iterator[list[UsageCount]]:
        """All of them, about so many at a time, for going through all of them."""
