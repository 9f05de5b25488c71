"""What the operator does with accounts: adding and listing them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from grok2api.accounts import Account, AddReport, Tier, clean_lines
from grok2api.storage.base import Accounts

_PAGE = 1000


class AccountBook:
    """clock: epoch seconds."""

    def __init__(self, accounts: Accounts, clock: Callable[[], float] = time.time) -> None:
        self._accounts = accounts
        self._clock = clock

    def add(self, values: Iterable[str], tier: Tier) -> AddReport:
        """Add pasted values: bare secrets or `sso=…` cookies, one to a line."""
        secrets, invalid = clean_lines(values)
        report = self._accounts.add(secrets, tier, self._clock()) if secrets else AddReport()
        return replace(report, invalid=invalid)

    def all(self) -> Iterator[Account]:
        """Every account, in the order they were added."""
        last = 0
        while accounts := self._accounts.walk(last, _PAGE):
            yield from accounts
            last = accounts[-1].id
