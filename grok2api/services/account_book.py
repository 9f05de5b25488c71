"""What the operator does with accounts: adding, listing, finding and changing them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from grok2api.accounts import (
    Account,
    AccountEdit,
    AccountQuery,
    AddReport,
    Tier,
    clean_lines,
    clean_secret,
)
from grok2api.storage.base import Accounts

_PAGE = 1000


@dataclass(frozen=True)
class Found:
    """The accounts that were named, each once, and how many names meant none."""

    accounts: tuple[Account, ...]
    not_found: int

    @property
    def ids(self) -> list[int]:
        return [account.id for account in self.accounts]


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

    def page(self, query: AccountQuery) -> tuple[list[Account], int]:
        return self._accounts.page(query, self._clock())

    def find(self, names: Sequence[str | int], tier: Tier | None = None) -> Found:
        """The accounts of secrets (cleaned as when they are added) or ids. tier: others do not count."""
        ids = {int(name) for name in names if isinstance(name, int) or _is_id(name)}
        secrets = {clean_secret(name) for name in names if isinstance(name, str) and not _is_id(name)}
        by_secret = self._accounts.find(secret for secret in secrets if secret is not None)
        known = self._accounts.get([*ids, *by_secret.values()])
        found = tuple(account for account in known if tier is None or account.tier is tier)
        return Found(found, max(0, len(ids) + len(secrets) - len(found)))

    def edit(self, ids: Sequence[int], edit: AccountEdit) -> int:
        """How many accounts there were to change."""
        return self._accounts.edit(ids, edit, self._clock())

    def delete(self, ids: Sequence[int]) -> int:
        """How many accounts there were to delete."""
        return self._accounts.delete(ids)

    def tags(self) -> list[str]:
        return self._accounts.tags()


def _is_id(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 8  # a secret has 8 characters at least
