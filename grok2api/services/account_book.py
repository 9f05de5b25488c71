"""What the operator does with accounts: adding, listing, finding and changing them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from grok2api.account_secrets import clean_lines, clean_secret, hint_of, lower_ascii
from grok2api.accounts import Account, AccountEdit, AccountQuery, AddReport, Tier, status_of
from grok2api.storage.base import Accounts

_PAGE = 1000

#: No storage has a greater id, and some cannot even be asked for one.
_ID_MAX = 2**31 - 1


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

    def preview(self, values: Iterable[str], tier: Tier) -> tuple[AddReport, int]:
        """What `add` would report now, and how many of its duplicates only repeat another of these values."""
        secrets, invalid = clean_lines(values)
        unique = set(secrets)
        known = self._accounts.find(unique)
        moved = sum(account.tier is not tier for account in self._accounts.get(list(known.values())))
        added = len(unique) - len(known)
        report = AddReport(added, len(secrets) - added - moved, moved, invalid)
        return report, len(secrets) - len(unique)

    def all(self) -> Iterator[Account]:
        """Every account, in the order they were added."""
        last = 0
        while accounts := self._accounts.walk(last, _PAGE):
            yield from accounts
            last = accounts[-1].id

    def chosen(self, query: AccountQuery) -> Iterator[Account]:
        """Every account that the query's filters let through, in the order they were added, whatever its order
        and page. Unlike one page after the other, this neither misses nor repeats one when others change
        meanwhile."""
        now = self._clock()
        return (account for account in self.all() if _lets_through(query, account, now))

    def page(self, query: AccountQuery) -> tuple[list[Account], int]:
        return self._accounts.page(query, self._clock())

    def find(self, names: Iterable[str | int], tier: Tier | None = None) -> Found:
        """The accounts of secrets (cleaned as when they are added) or ids; blank names do not count. tier: accounts
        of another one are not found."""
        wanted = [_meant(name) for name in dict.fromkeys(names) if isinstance(name, int) or name.strip()]
        by_secret = self._accounts.find({one for one in wanted if isinstance(one, str)})
        ids = [by_secret.get(one) if isinstance(one, str) else one for one in wanted]
        known = self._accounts.get([id_ for id_ in ids if id_ is not None])
        found = {account.id: account for account in known if tier is None or account.tier is tier}
        return Found(tuple(found.values()), sum(id_ not in found for id_ in ids))

    def edit(self, ids: Sequence[int], edit: AccountEdit) -> int:
        """How many accounts there were to change."""
        return self._accounts.edit(ids, edit, self._clock())

    def delete(self, ids: Sequence[int]) -> int:
        """How many accounts there were to delete."""
        return self._accounts.delete(ids)

    def tags(self) -> list[str]:
        return self._accounts.tags()


def _meant(name: str | int) -> int | str | None:
    """The id or the secret that a name stands for, None when it cannot be either."""
    if isinstance(name, str) and not _is_id(name):
        return clean_secret(name)
    id_ = int(name)
    return id_ if 0 < id_ <= _ID_MAX else None


def _is_id(name: str) -> bool:
    return name.isascii() and name.isdigit() and len(name) < 8  # a secret has 8 characters at least


def _lets_through(query: AccountQuery, account: Account, now: float) -> bool:
    """The filters of a query, as the storages' `page` has them."""
    return (
        (query.tier is None or account.tier is query.tier)
        and (query.disabled is None or account.disabled is query.disabled)
        and (query.tag is None or query.tag in account.tags)
        and (not query.text or account.id == query.named_id or _has_text(account, query.text))
        and (query.status is None or status_of(account, now) is query.status)
    )


def _has_text(account: Account, text: str) -> bool:
    part = lower_ascii(text)
    places = (hint_of(account.secret), account.note, *account.tags)
    return account.secret == text or any(part in lower_ascii(place) for place in places)
