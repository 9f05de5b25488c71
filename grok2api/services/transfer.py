"""Everything of one storage into another: accounts with all that is known of them, stored responses, the index of
media, the clients' keys, the settings, what the operators did, counts over time, and the log of requests.

What belongs to the moment stays behind: requests in flight, sessions, failed logins, jobs, and what was counted in a
key's running minute and day.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from grok2api.accounts import AccountQuery
from grok2api.errors import ConfigurationError, StorageUnavailable
from grok2api.storage.base import Store

#: Accounts, media, actions and counts that are read and written at a time.
PAGE = 1000

#: Stored responses that are read at a time: some may be large.
RESPONSES_PAGE = 8

#: Logged requests that are read and written at a time: some kilobytes each.
REQUESTS_PAGE = 200

#: The job in the target that keeps a second copy out.
JOB = "storage_copy"


@dataclass
class Copied:
    """What has been copied so far, and what was left. `settings`: their names."""

    accounts: int = 0
    settings: tuple[str, ...] = ()
    keys: int = 0
    responses: int = 0
    media: int = 0
    actions: int = 0
    counts: int = 0
    requests: int = 0
    in_flight: int = 0
    finished: bool = False


def count_accounts(store: Store) -> int:
    return store.accounts.page(AccountQuery(limit=1), time.time())[1]


def pools_of(store: Store, known: Sequence[str]) -> list[str]:
    """The known quota pools, and those beyond them that the storage has a standing in."""
    first = store.accounts.walk(0, 1)  # every account has one in each pool
    return list(dict.fromkeys([*known, *(pool for account in first for pool in account.quotas)]))


def is_empty(store: Store) -> bool:
    """Whether it holds neither accounts nor settings nor clients' keys."""
    return not store.accounts.walk(0, 1) and not store.settings.load().values and not store.keys.all()


class Transfer:
    """One copy of everything in `source` into `target`; for use in a `with` statement. `copied` tells how far it
    has come, also when it was broken off."""

    def __init__(self, source: Store, target: Store) -> None:
        """Raises ConfigurationError when both are the same place, or another copy writes to the target."""
        self._source = source
        self._target = target
        self.copied = Copied()
        owner, now = secrets.token_hex(16), time.time()
        self._job = target.jobs.begin(JOB, owner, now)
        if self._job.owner != owner:
            raise ConfigurationError(
                "Another copy to this target is running, or was killed a moment ago. Try again in half a minute."
            )
        # A job that turns up on the other side tells it whatever the URLs look like.
        seen = source.jobs.get(JOB)
        if seen is not None and seen.owner == owner:
            self._beat(ended=True)
            raise ConfigurationError("Both are the same place.")

    def run(self, *, clear: bool, on_page: Callable[[int], None]) -> None:
        """Copy. clear: forget first what the target holds, and end its sessions, as its password changes. on_page:
        told after each page how many accounts it had."""
        if clear:
            self._clear_target()
        last = 0
        while accounts := self._source.accounts.walk(last, PAGE):
            last = accounts[-1].id
            self.copied.accounts += self._target.accounts.restore(accounts, keep_ids=True).added
            self.copied.in_flight += sum(account.in_flight for account in accounts)
            self._beat()
            on_page(len(accounts))
        self._copy_responses()
        self._copy_media()
        keys = self._source.keys.all()
        self._target.keys.restore(keys)
        self.copied.keys = len(keys)
        values = self._source.settings.load().values
        if values:
            self._target.settings.save(values)
        self.copied.settings = tuple(sorted(values))
        # The last ones, as they are added onto what is there: broken off, the copy is begun anew with a clear target.
        self._copy_audit()
        self._copy_usage()
        self._copy_requests()
        self.copied.finished = True

    def _clear_target(self) -> None:
        self._target.clear()
        self._target.sessions.delete_all()
        self._target.audit.forget_older(0.0, 0)
        self._target.usage.forget_all()
        self._target.requests.clear()

    def _copy_responses(self) -> None:
        for page in self._source.responses.walk(RESPONSES_PAGE, time.time()):
            for response in page:
                self._target.responses.save(response)
                self.copied.responses += 1
            self._beat()

    def _copy_media(self) -> None:
        last = ""
        while items := self._source.media.walk(last, PAGE):
            last = items[-1].path
            self._target.media.add(items)
            self.copied.media += len(items)
            self._beat()

    def _copy_audit(self) -> None:
        for entries in self._source.audit.walk(PAGE):
            self._target.audit.add(*entries)
            self.copied.actions += len(entries)
            self._beat()

    def _copy_usage(self) -> None:
        for counts in self._source.usage.walk(PAGE):
            self._target.usage.add(counts)
            self.copied.counts += len(counts)
            self._beat()

    def _copy_requests(self) -> None:
        for entries in self._source.requests.walk(REQUESTS_PAGE):
            self._target.requests.add(entries)
            self.copied.requests += len(entries)
            self._beat()

    def _beat(self, *, ended: bool = False) -> None:
        now = time.time()
        job = replace(self._job, beat_at=now, success=self.copied.accounts, ended_at=now if ended else None)
        if not self._target.jobs.beat(job) and not ended:
            raise ConfigurationError("Another copy to this target has begun meanwhile.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        with suppress(StorageUnavailable):  # then the job is taken for dead soon
            self._beat(ended=True)
