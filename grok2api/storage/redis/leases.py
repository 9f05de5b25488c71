"""The pool in Redis. Every public method is one run of a script, but for `renew` and `heal` in batches and
`lease` when crowds of accounts return at once: a run of each has its effect as a whole."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from grok2api.accounts import Check, Finding, Lease, LeaseRequest, Settlement, Shortage, Tier
from grok2api.storage.base import Leases
from grok2api.storage.redis.client import Client, batches, flag, optional, pairs, text
from grok2api.storage.vault import Vault

_RENEWED = 1000
_REASON_LENGTH = 255
_EXPIRY_LENGTH = 64

#: What shortage.lua counts, in its order.
_COUNTS = ("total", "cooling", "exhausted", "expired", "disabled", "wrong_tier", "busy", "tried")


class RedisLeases(Leases):
    def __init__(self, client: Client, vault: Vault) -> None:
        self._client = client
        self.vault = vault

    def lease(self, wanted: LeaseRequest, now: float) -> Lease | None:
        name = uuid.uuid4().hex
        first = wanted.first_attempt
        check = self.vault.check_value or ""
        while True:
            reply = self._client.run(
                "lease", text(now), wanted.pool, wanted.cost, wanted.max_in_flight, flag(first), name,
                check, *_tiers(wanted), *wanted.exclude,
            )  # fmt: skip
            if reply != "more":
                break
            first = False
        if reply is None:
            return None
        lease_id, id_, sealed, tier, remaining = reply
        return Lease(
            lease_id,
            int(id_),
            self.vault.open(sealed),
            Tier(tier),
            wanted.pool,
            wanted.cost,
            int(remaining) if remaining else None,
        )

    def renew(self, lease_ids: Sequence[str], now: float) -> None:
        for batch in batches(lease_ids, _RENEWED):
            self._client.run("renew", text(now), *batch)

    def settle(self, lease: Lease, settlement: Settlement, now: float) -> None:
        self._client.run(
            "settle", lease.id, lease.account_id, lease.pool, lease.cost, text(now), settlement.used,
            flag(settlement.reset), *_failure(settlement), text(settlement.cooldown_s),
            settlement.rest_requests, text(settlement.rest_s), flag(settlement.exhausted),
        )  # fmt: skip

    def heal(self, now: float) -> None:
        while self._client.run("heal", text(now)):
            pass

    def shortage(self, wanted: LeaseRequest, now: float) -> Shortage:
        reply = self._client.run(
            "shortage", text(now), wanted.pool, wanted.cost, *_tiers(wanted), *wanted.exclude
        )
        *counts, returns_at = reply
        shortage = Shortage(**dict(zip(_COUNTS, counts, strict=True)))
        return replace(shortage, returns_at=float(returns_at)) if returns_at else shortage

    def begin_check(self, account_id: int, now: float, unless_since: float) -> Check | None:
        check = self.vault.check_value or ""
        reply = self._client.run("begin_check", account_id, text(now), text(unless_since), check)
        if reply is None:
            return None
        sealed, tier, *settled = reply
        by_pool = {pool: int(cost) for pool, cost in pairs(settled).items()}
        return Check(account_id, self.vault.open(sealed), Tier(tier), by_pool)

    def end_check(self, check: Check, finding: Finding, now: float) -> None:
        readings: list[str | int] = []
        for pool, reading in finding.quotas.items():
            settled = check.settled.get(pool, 0)
            readings += [pool, reading.remaining, text(reading.window_ends_at), settled]
        self._client.run(
            "end_check", check.account_id, text(now), flag(finding.good), *_failure(finding), *readings
        )


def _tiers(wanted: LeaseRequest) -> list[str]:
    """Their number, and each once."""
    tiers = [str(tier) for tier in dict.fromkeys(wanted.tiers)]
    return [str(len(tiers)), *tiers]


def _failure(said: Settlement | Finding) -> list[str]:
    """What parts/failures.lua is told, as four arguments."""
    failure = None if said.failure is None else said.failure[:_REASON_LENGTH]
    expire = None if said.expire is None else said.expire[:_EXPIRY_LENGTH]
    short = (failure or "")[:_EXPIRY_LENGTH]
    return [optional(failure), short, text(said.strike_limit), optional(expire)]
