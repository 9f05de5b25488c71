"""What happened to one request, filled while it goes on and told in the log of requests."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from grok2api.account_secrets import mask
from grok2api.accounts import Lease, Outcome
from grok2api.errors import UpstreamError


@dataclass(frozen=True)
class Attempt:
    """One account's try. account: masked. error: in words, "" when there was none. taken_s: until it ended."""

    account_id: int
    account: str
    outcome: Outcome
    error: str
    taken_s: float


@dataclass
class Trace:
    attempts: list[Attempt] = field(default_factory=list)

    def attempted(self, lease: Lease, outcome: Outcome, error: UpstreamError | None, began_at: float) -> None:
        """began_at: monotonic."""
        words = "" if error is None else str(error)
        taken_s = time.monotonic() - began_at
        self.attempts.append(Attempt(lease.account_id, mask(lease.secret), outcome, words, taken_s))
