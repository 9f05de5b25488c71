"""Accounts as the server stores them, both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from grok2api.account_secrets import hint_of
from grok2api.accounts import Account, Quota, Tier
from grok2api.storage.redis.client import flag, pairs, text
from grok2api.storage.vault import Vault


def shown(reply: Sequence[Any], vault: Vault) -> list[Account]:
    """The accounts in an answer of show.lua, in its order."""
    counted, *accounts = reply
    numbers = {pool: int(number) for pool, number in pairs(counted).items()}
    return [_account(pairs(own), [pairs(one) for one in quotas], numbers, vault) for own, *quotas in accounts]


def _account(
    own: Mapping[str, str], standings: Sequence[Mapping[str, str]], numbers: Mapping[str, int], vault: Vault
) -> Account:
    return Account(
        id=int(own["id"]),
        secret=vault.open(own["secret"]),
        tier=Tier(own["tier"]),
        created_at=float(own["created_at"]),
        quotas={one["pool"]: _quota(one, numbers.get(one["pool"], 0)) for one in standings},
        disabled=own["disabled"] == "1",
        expired_reason=own.get("expired_reason"),
        strikes=int(own["strikes"]),
        failed_count=int(own["failed_count"]),
        last_failure_at=_number(own.get("last_failure_at", "")),
        last_failure_reason=own.get("last_failure_reason"),
        tags=tuple(sorted(orjson.loads(own["tags"]))),
        note=own["note"],
        last_used_at=_number(own.get("last_used_at", "")),
        request_count=int(own["request_count"]),
        in_flight=int(own["in_flight"]),
        checked_at=float(own["checked_at"]) or None,
    )


def _quota(standing: Mapping[str, str], number: int) -> Quota:
    remaining, until = standing["remaining"], standing["rest_until_request"]
    return Quota(
        int(remaining) if remaining else None,
        _number(standing["window_ends_at"]),
        _number(standing["cooldown_until"]),
        max(0, int(until) - number) if until else None,
        _number(standing["rest_until_at"]),
    )


def _number(stored: str) -> float | None:
    return float(stored) if stored else None


def tags_json(tags: Sequence[str]) -> str:
    """Each tag once."""
    return orjson.dumps(sorted(set(tags))).decode()


def stored(account: Account, vault: Vault) -> str:
    """An account as restore.lua takes it: JSON of texts, without what is in flight."""
    fields = {
        "digest": vault.digest(account.secret),
        "secret": vault.seal(account.secret),
        "hint": hint_of(account.secret),
        "tier": str(account.tier),
        "created_at": text(account.created_at),
        "disabled": flag(account.disabled),
        "strikes": text(account.strikes),
        "failed_count": text(account.failed_count),
        "request_count": text(account.request_count),
        "in_flight": "0",
        "used_at": text(account.last_used_at or 0.0),
        "checked_at": text(account.checked_at or 0.0),
        "note": account.note,
        "tags": tags_json(account.tags),
    }
    maybe = {
        "expired_reason": account.expired_reason,
        "last_failure_reason": account.last_failure_reason,
        "last_failure_at": None if account.last_failure_at is None else text(account.last_failure_at),
        "last_used_at": None if account.last_used_at is None else text(account.last_used_at),
    }
    fields |= {name: value for name, value in maybe.items() if value is not None}
    quotas = {
        pool: {name: text(value) for name, value in vars(quota).items()}
        for pool, quota in account.quotas.items()
    }
    everything = {"fields": fields, "tags": sorted(set(account.tags)), "quotas": quotas}
    return orjson.dumps(everything).decode()
