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
        offset = 0
        while True:
            accounts, total = self._accounts.page(offset, _PAGE)
            yield from accounts
            offset += _PAGE
            if offset >= total:
                return
