"""The operator's list of accounts in Redis.

The bulk operations (`add`, `restore`, `edit`, `delete`) run a script for each BATCH accounts. A batch takes
effect as a whole, and requests get their turn in between; a long list that is cut off may be half done, and
doing it again completes it. Long listings are read in batches as well, each of them as it is at its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grok2api.account_secrets import hint_of
from grok2api.accounts import Account, AccountEdit, AccountQuery, AddReport, Sort, Tier, TierSummary, dedupe
from grok2api.storage.base import Accounts
from grok2api.storage.redis.client import Client, batches, flag, optional, text
from grok2api.storage.redis.keys import Key
from grok2api.storage.redis.showing import shown, stored, tags_json
from grok2api.storage.redis.summary import summary
from grok2api.storage.vault import Vault

#: Accounts that one run of the search looks at.
_LOOKS = 1000
#: Accounts that one run gives a standing in a new pool.
_COMPLETED = 300


class RedisAccounts(Accounts):
    def __init__(self, client: Client, pools: Sequence[str], vault: Vault) -> None:
        self._client = client
        self._pools = tuple(pools)
        self.vault = vault

    def add(self, secrets: Sequence[str], tier: Tier, now: float) -> AddReport:
        added = moved = 0
        for batch in batches(dedupe(secrets)):
            said = [
                part
                for secret in batch
                for part in (self.vault.digest(secret), self.vault.seal(secret), hint_of(secret))
            ]
            pools = [str(len(self._pools)), *self._pools]
            new, others = self._client.run("add", self._check_value, str(tier), text(now), *pools, *said)
            added, moved = added + new, moved + others
        return AddReport(added, len(secrets) - added - moved, moved)

    def restore(self, accounts: Sequence[Account], *, keep_ids: bool = False) -> AddReport:
        added = 0
        pools = [str(len(self._pools)), *self._pools]
        for batch in batches(accounts):
            said: list[str | int] = []
            for account in batch:
                said += [account.id if keep_ids else "", stored(account, self.vault)]
            added += self._client.run("restore", self._check_value, *pools, *said)
        return AddReport(added, len(accounts) - added)

    def page(self, query: AccountQuery, now: float) -> tuple[list[Account], int]:
        asked = AccountQuery(sort=query.sort, descending=query.descending)
        plain = vars(asked) == vars(query) | {"offset": asked.offset, "limit": asked.limit}
        if plain and query.sort is Sort.ADDED:
            return self._plain_page(query)
        ids = self._search(query, now)
        return self._show(ids[query.offset : query.offset + query.limit]), len(ids)

    def walk(self, after_id: int, limit: int) -> list[Account]:
        ids = self._client.command("ZRANGEBYSCORE", Key.ACCOUNTS, f"({after_id}", "+inf", "LIMIT", 0, limit)
        return self._show(ids)

    def stale(self, checked_before: float, limit: int) -> list[int]:
        before = f"({text(checked_before)}"
        ids = self._client.command("ZRANGEBYSCORE", Key.CHECKED, "-inf", before, "LIMIT", 0, limit)
        return [int(id_) for id_ in ids]

    def get(self, ids: Sequence[int]) -> list[Account]:
        return self._show(sorted(set(ids)))

    def find(self, secrets: Iterable[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for batch in batches(dedupe(list(secrets))):
            ids = self._client.command("HMGET", Key.DIGESTS, *(self.vault.digest(one) for one in batch))
            found |= {secret: int(id_) for secret, id_ in zip(batch, ids, strict=True) if id_ is not None}
        return found

    def edit(self, ids: Sequence[int], edit: AccountEdit, now: float) -> int:
        tags = None if edit.tags is None else tags_json(edit.tags)
        disabled = "" if edit.disabled is None else flag(edit.disabled)
        done = 0
        for batch in batches(list(dict.fromkeys(ids))):
            done += self._client.run(
                "edit", text(now), edit.tier or "", optional(tags), optional(edit.note), disabled,
                flag(edit.lift), tags_json(edit.add_tags), tags_json(edit.remove_tags), *batch,
            )  # fmt: skip
        return done

    def delete(self, ids: Sequence[int]) -> int:
        unique = list(dict.fromkeys(ids))
        return sum(self._client.run("delete", *batch) for batch in batches(unique))

    def tags(self) -> list[str]:
        return sorted(self._client.command("HKEYS", Key.TAGS))

    def summary(self, now: float) -> dict[Tier, TierSummary]:
        return summary(self._client, self._pools, now)

    def complete_pools(self) -> None:
        """A standing in each pool for every account, also in pools that the catalogue has got since."""
        for pool in self._pools:
            self._client.command("HSETNX", Key.POOLS, pool, "0")
            if self._client.command("HGET", Key.POOLS, pool) == "1":
                continue
            last = "0"
            while last is not None:
                last = self._client.run("complete_pool", pool, last, _COMPLETED)

    @property
    def _check_value(self) -> str:
        return self.vault.check_value or ""

    def _plain_page(self, query: AccountQuery) -> tuple[list[Account], int]:
        command = "ZREVRANGE" if query.descending else "ZRANGE"
        ids: list[str] = []
        if query.limit > 0:
            last = query.offset + query.limit - 1
            ids = self._client.command(command, Key.ACCOUNTS, query.offset, last)
        return self._show(ids), self._client.command("ZCARD", Key.ACCOUNTS)

    def _search(self, query: AccountQuery, now: float) -> list[str]:
        """The ids of all accounts that the query asks for, in its order."""
        asked = [
            query.text, self.vault.digest(query.text), query.status or "",
            "" if query.disabled is None else flag(query.disabled), query.tier or "", optional(query.tag),
            query.sort, text(query.named_id),
        ]  # fmt: skip
        found: list[tuple[float, str]] = []
        after = "0"
        while after:
            after, *hits = self._client.run("search", after, _LOOKS, text(now), *asked)
            found += [(float(order), id_) for id_, order in zip(hits[::2], hits[1::2], strict=True)]
        if query.sort is Sort.ADDED and query.descending:
            found.reverse()
        else:  # equal ones stay in the order of adding
            found.sort(key=lambda hit: -hit[0] if query.descending else hit[0])
        return [id_ for _, id_ in found]

    def _show(self, ids: Sequence[str] | Sequence[int]) -> list[Account]:
        return [
            account
            for batch in batches(ids)
            for account in shown(self._client.run("show", *batch), self.vault)
        ]
