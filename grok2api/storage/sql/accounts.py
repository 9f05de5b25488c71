"""The operator's list of accounts in SQL. Every public method but the bulk ones of `edit` and `delete` is one
transaction; those are one for each _BATCH accounts, so that requests get their turn in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from grok2api.account_secrets import hint_of
from grok2api.accounts import Account, AccountEdit, AccountQuery, AddReport, Quota, Tier, TierSummary, dedupe
from grok2api.storage.base import Accounts
from grok2api.storage.sql.choice import request_number
from grok2api.storage.sql.listing import page, with_details
from grok2api.storage.sql.runner import Runner
from grok2api.storage.sql.standing import derive, new_standing, quotas, write_standings
from grok2api.storage.sql.summary import summary
from grok2api.storage.sql.tables import AccountRow, State, TagRow, table_of
from grok2api.storage.vault import Vault

_accounts, _tags = table_of(AccountRow), table_of(TagRow)

_BATCH = 500

T = TypeVar("T")


class SqlAccounts(Accounts):
    def __init__(self, runner: Runner, pools: Sequence[str], vault: Vault) -> None:
        self._runner = runner
        self._pools = tuple(pools)
        self.vault = vault
        runner.write(self._ensure_pools)

    def add(self, secrets: Sequence[str], tier: Tier, now: float) -> AddReport:
        by_digest = {self.vault.digest(secret): secret for secret in dedupe(secrets)}

        def work(connection: Connection) -> AddReport:
            known = _tiers_of(connection, list(by_digest))
            moved = [id_ for id_, old in known.values() if old != tier]
            for batch in _batches(moved):
                _move(connection, batch, tier)
            new = [
                Account(0, secret, tier, now) for digest, secret in by_digest.items() if digest not in known
            ]
            self._insert(connection, new, keep_ids=False)
            return AddReport(len(new), len(secrets) - len(new) - len(moved), len(moved))

        return self._runner.write(work)

    def restore(self, accounts: Sequence[Account], *, keep_ids: bool = False) -> AddReport:
        by_digest = {self.vault.digest(account.secret): account for account in accounts}

        def work(connection: Connection) -> AddReport:
            known = _tiers_of(connection, list(by_digest))
            new = [account for digest, account in by_digest.items() if digest not in known]
            self._insert(connection, new, keep_ids=keep_ids)
            return AddReport(len(new), len(accounts) - len(new))

        return self._runner.write(work)

    def page(self, query: AccountQuery, now: float) -> tuple[list[Account], int]:
        digest = self.vault.digest(query.text)

        def work(connection: Connection) -> tuple[list[Account], int]:
            rows, total = page(connection, query, digest, now)
            return with_details(connection, rows, self.vault), total

        return self._runner.read(work)

    def walk(self, after_id: int, limit: int) -> list[Account]:
        query = select(_accounts).where(_accounts.c.id > after_id).order_by(_accounts.c.id).limit(limit)

        def work(connection: Connection) -> list[Account]:
            rows = [dict(row) for row in connection.execute(query).mappings()]
            return with_details(connection, rows, self.vault)

        return self._runner.read(work)

    def get(self, ids: Sequence[int]) -> list[Account]:
        def work(connection: Connection) -> list[Account]:
            rows: list[dict[str, Any]] = []
            for batch in _batches(sorted(set(ids))):
                query = select(_accounts).where(_accounts.c.id.in_(batch)).order_by(_accounts.c.id)
                rows += [dict(row) for row in connection.execute(query).mappings()]
            return with_details(connection, rows, self.vault)

        return self._runner.read(work)

    def stale(self, checked_before: float, limit: int) -> list[int]:
        query = select(_accounts.c.id).where(
            _accounts.c.disabled.is_(False), _accounts.c.checked_at < checked_before
        )
        query = query.order_by(_accounts.c.checked_at).limit(limit)
        return self._runner.read(lambda connection: list(connection.scalars(query)))

    def find(self, secrets: Iterable[str]) -> dict[str, int]:
        by_digest = {self.vault.digest(secret): secret for secret in secrets}
        known = self._runner.read(lambda connection: _tiers_of(connection, list(by_digest)))
        return {by_digest[digest]: id_ for digest, (id_, _) in known.items()}

    def edit(self, ids: Sequence[int], edit: AccountEdit, now: float) -> int:
        return self._in_batches(ids, lambda connection, batch: _edit(connection, batch, edit, now))

    def delete(self, ids: Sequence[int]) -> int:
        def work(connection: Connection, batch: Sequence[int]) -> int:
            return connection.execute(delete(_accounts).where(_accounts.c.id.in_(batch))).rowcount

        return self._in_batches(ids, work)

    def tags(self) -> list[str]:
        query = select(_tags.c.tag).distinct()
        return self._runner.read(lambda connection: sorted(connection.scalars(query)))

    def summary(self, now: float) -> dict[Tier, TierSummary]:
        return self._runner.read(lambda connection: summary(connection, self._pools, now))

    def _in_batches(self, ids: Sequence[int], work: Callable[[Connection, Sequence[int]], int]) -> int:
        done = 0
        for batch in _batches(list(dict.fromkeys(ids))):
            done += self._runner.write(lambda connection, batch=batch: work(connection, batch))  # type: ignore[misc]
        return done

    def _ensure_pools(self, connection: Connection) -> None:
        """A standing in each pool for every account, also in pools that the catalogue has got since."""
        for pool in self._pools:
            standing = select(quotas.c.account_id).where(
                quotas.c.account_id == _accounts.c.id, quotas.c.pool == pool
            )
            in_flight = select(func.max(quotas.c.in_flight)).where(quotas.c.account_id == _accounts.c.id)
            missing = select(
                _accounts.c.id,
                _accounts.c.tier,
                _accounts.c.disabled,
                _accounts.c.expired_reason,
                in_flight.scalar_subquery().label("in_flight"),
            )
            rows = [
                new_standing(row.id, row.tier, pool)
                | {"in_flight": row.in_flight or 0}
                | ({"state": State.OUT} if row.disabled or row.expired_reason is not None else {})
                for row in connection.execute(missing.where(~standing.exists()))
            ]
            if rows:
                connection.execute(insert(quotas), rows)

    def _insert(self, connection: Connection, accounts: Sequence[Account], *, keep_ids: bool) -> None:
        pools = self._all_pools(connection)
        for batch in _batches(accounts):
            by_digest = {self.vault.digest(account.secret): account for account in batch}
            rows = [self._row(account, digest, keep_ids) for digest, account in by_digest.items()]
            connection.execute(insert(_accounts), rows)
            query = select(_accounts.c.id, _accounts.c.digest).where(_accounts.c.digest.in_(by_digest))
            ids = [(row.id, by_digest[row.digest]) for row in connection.execute(query)]
            standings = [self._standing(connection, id_, one, pool) for id_, one in ids for pool in pools]
            connection.execute(insert(quotas), standings)
            tags = [{"account_id": id_, "tag": tag} for id_, one in ids for tag in dedupe(one.tags)]
            if tags:
                connection.execute(insert(_tags), tags)

    def _all_pools(self, connection: Connection) -> list[str]:
        """Ours, and those of a newer release's worker beside us, which the newest account has."""
        newest = select(func.max(_accounts.c.id)).scalar_subquery()
        known = connection.scalars(select(quotas.c.pool).where(quotas.c.account_id == newest))
        return sorted({*self._pools, *known})

    def _row(self, account: Account, digest: str, keep_ids: bool) -> dict[str, Any]:
        own = ("id", "quotas", "tags", "in_flight")
        return {name: value for name, value in vars(account).items() if name not in own} | {
            **({"id": account.id} if keep_ids else {}),
            "digest": digest,
            "secret": self.vault.seal(account.secret),
            "hint": hint_of(account.secret),
            "checked_at": account.checked_at or 0.0,
        }

    def _standing(self, connection: Connection, id_: int, account: Account, pool: str) -> dict[str, Any]:
        quota = account.quotas.get(pool, Quota())
        row = new_standing(id_, account.tier, pool) | {
            "used_at": account.last_used_at or 0.0,
            "remaining": quota.remaining,
            "window_ends_at": quota.window_ends_at,
            "cooldown_until": quota.cooldown_until,
            "rest_until_request": None,
            "rest_until_at": quota.rest_until,
        }
        if quota.rest_requests is not None and quota.rest_until is not None:
            row["rest_until_request"] = request_number(connection, pool) + quota.rest_requests
        out = account.disabled or account.expired_reason is not None
        derive(row, out=out, now=account.created_at)  # what is over by now, the next lease finds out
        return row


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def _tiers_of(connection: Connection, digests: list[str]) -> dict[str, tuple[int, str]]:
    """Id and tier of the accounts that exist, by digest."""
    found: dict[str, tuple[int, str]] = {}
    for batch in _batches(digests):
        query = select(_accounts.c.digest, _accounts.c.id, _accounts.c.tier)
        rows = connection.execute(query.where(_accounts.c.digest.in_(batch)))
        found.update({row.digest: (row.id, row.tier) for row in rows})
    return found


def _move(connection: Connection, ids: Sequence[int], tier: Tier) -> None:
    connection.execute(update(_accounts).where(_accounts.c.id.in_(ids)).values(tier=tier))
    connection.execute(update(quotas).where(quotas.c.account_id.in_(ids)).values(tier=tier))


_LIFTED: dict[str, Any] = {"cooldown_until": None, "rest_until_request": None, "rest_until_at": None}


def _edit(connection: Connection, ids: Sequence[int], edit: AccountEdit, now: float) -> int:
    """One batch of the contract's `edit`."""
    query = select(_accounts.c.id, _accounts.c.disabled, _accounts.c.expired_reason)
    known = {row.id: row for row in connection.execute(query.where(_accounts.c.id.in_(ids)))}
    if edit.tier is not None:
        _move(connection, list(known), edit.tier)
    _edit_tags(connection, list(known), edit)
    changes: dict[str, Any] = {"strikes": 0, "failed_count": 0} if edit.lift else {}
    if edit.note is not None:
        changes["note"] = edit.note
    if edit.disabled is not None:
        changes["disabled"] = edit.disabled
    if changes:
        connection.execute(update(_accounts).where(_accounts.c.id.in_(known)).values(**changes))
    if edit.lift or edit.disabled is not None:
        rows = []
        for found in connection.execute(select(quotas).where(quotas.c.account_id.in_(known))).mappings():
            row, account = dict(found), known[found["account_id"]]
            if edit.lift:
                row |= _LIFTED
                if row["remaining"] == 0:  # it is to serve again; upstream will say if it cannot
                    row["remaining"] = row["window_ends_at"] = None
            disabled = account.disabled if edit.disabled is None else edit.disabled
            rows.append((row, disabled or account.expired_reason is not None))
        write_standings(connection, rows, now=now)
    return len(known)


def _edit_tags(connection: Connection, ids: Sequence[int], edit: AccountEdit) -> None:
    """What is to be there is taken out first, so that it stands there once."""
    new = dedupe((*(edit.tags or ()), *edit.add_tags))
    if edit.tags is not None:
        connection.execute(delete(_tags).where(_tags.c.account_id.in_(ids)))
    elif out := dedupe((*edit.remove_tags, *new)):
        connection.execute(delete(_tags).where(_tags.c.account_id.in_(ids), _tags.c.tag.in_(out)))
    rows = [{"account_id": id_, "tag": tag} for id_ in ids for tag in new]
    if rows:
        connection.execute(insert(_tags), rows)


_RESEAL = (
    update(_accounts)
    .where(_accounts.c.id == bindparam("account"))
    .values(secret=bindparam("sealed"), digest=bindparam("found_by"))
)


def reseal_accounts(connection: Connection, old: Vault, new: Vault) -> None:
    """Seal all accounts' secrets anew, within a transaction."""
    last = 0
    while True:
        query = select(_accounts.c.id, _accounts.c.secret).where(_accounts.c.id > last)
        rows = connection.execute(query.order_by(_accounts.c.id).limit(_BATCH)).all()
        if not rows:
            return
        secrets = [(row.id, old.open(row.secret)) for row in rows]
        connection.execute(
            _RESEAL,
            [
                {"account": id_, "sealed": new.seal(secret), "found_by": new.digest(secret)}
                for id_, secret in secrets
            ],
        )
        last = rows[-1].id
