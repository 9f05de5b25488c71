"""Accounts as records in a file: what an export holds, and what an import takes. Pure.

A file is one JSON object: `{"format": "grok2api-accounts", "version": 1, "accounts": [RECORD, …]}`. A record has the
fields of `Account`, by the same names, but for the requests in flight, which are a matter of the moment; of them all
only `secret` is needed. Times are epoch seconds, null is unknown:

    {"id": 7, "secret": "…", "tier": "basic", "created_at": 1700000000.0, "disabled": false, "expired_reason": null,
     "strikes": 0, "failed_count": 0, "last_failure_at": null, "last_failure_reason": null, "tags": [], "note": "",
     "last_used_at": null, "request_count": 0, "checked_at": null,
     "quotas": {"default": {"remaining": 80, "window_ends_at": null, "cooldown_until": null,
                            "rest_requests": null, "rest_until": null}}}
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from grok2api.account_secrets import clean_secret
from grok2api.accounts import DEFAULT_WINDOW_S, FULL_QUOTA, Account, Quota, Tier
from grok2api.errors import GatewayError

FORMAT = "grok2api-accounts"
VERSION = 1

#: The longest texts that every storage takes, in characters.
TAG_MAX = 64
NOTE_MAX = 2000
EXPIRED_REASON_MAX = 64
FAILURE_REASON_MAX = 255

#: What storages take as a whole number, and as a time.
_WHOLE_MAX = 2**31 - 1
_TIME_MAX = 1e11
#: What is counted on needs room to grow.
_COUNT_MAX = 10**9


class BadRecord(GatewayError):
    """A record, or the whole file, is not what an import takes; the message says what is wrong, never a secret."""


def to_record(account: Account) -> dict[str, Any]:
    """A record of all that is known of the account."""
    record = {name: getattr(account, name) for name in _FIELDS}
    quotas = {
        pool: {name: getattr(quota, name) for name in _QUOTA_FIELDS} for pool, quota in account.quotas.items()
    }
    return record | {"tier": str(account.tier), "tags": list(account.tags), "quotas": quotas}


def from_record(record: object, now: float) -> Account:
    """The account of a record; fields that are left out have their usual value, and it was added `now`. A quota
    that is used up, with no word until when, counts as such for DEFAULT_WINDOW_S from `now`. Raises BadRecord."""
    if not isinstance(record, Mapping):
        raise BadRecord("is not an object")
    values = _read(record, _FIELDS, "")
    if "secret" not in values:
        raise BadRecord("secret is missing")
    usual: dict[str, Any] = {"id": 0, "tier": Tier.BASIC, "created_at": now}
    quotas = {pool: _with_window(quota, now) for pool, quota in values.get("quotas", {}).items()}
    return Account(**(usual | values | {"quotas": quotas}))


def _with_window(quota: Quota, now: float) -> Quota:
    if quota.remaining != 0 or quota.window_ends_at is not None:
        return quota
    return replace(quota, window_ends_at=now + DEFAULT_WINDOW_S)


def write_file(accounts: Iterable[Account]) -> Iterator[bytes]:
    """An export in pieces, a record a line."""
    yield b'{"format": "%s", "version": %d, "accounts": [' % (FORMAT.encode(), VERSION)
    comma = b"\n"
    for account in accounts:
        yield comma + orjson.dumps(to_record(account))
        comma = b",\n"
    yield b"\n]}\n"


def read_file(content: bytes, now: float) -> tuple[list[Account], list[str]]:
    """The accounts of an export, and what is wrong with those that cannot be read, a line each. Raises BadRecord
    when it is no export at all."""
    records = _records(content)
    accounts: list[Account] = []
    problems: list[str] = []
    for number, record in enumerate(records, 1):
        try:
            accounts.append(from_record(record, now))
        except BadRecord as error:
            problems.append(f"account {number}: {error}")
    return accounts, problems


def _records(content: bytes) -> list[object]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadRecord(f"is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        if isinstance(document, dict) and ("ssoNormal" in document or "ssoSuper" in document):
            raise BadRecord(
                "is a token.json of the older implementation. Take its folder: flask storage import-legacy DIR"
            )
        raise BadRecord(f'is not an export of accounts: it has no "format": "{FORMAT}"')
    if document.get("version") != VERSION:
        raise BadRecord(f"has version {document.get('version')!r}; this release reads version {VERSION}")
    records = document.get("accounts")
    if not isinstance(records, list):
        raise BadRecord("accounts is not a list")
    return records


def _read(record: Mapping[Any, object], known: Mapping[str, _Check], where: str) -> dict[str, Any]:
    """The record's values, each checked. where: put before the fields' names in messages."""
    unknown = [name for name in record if name not in known]
    if unknown:
        raise BadRecord(f"{where}{_shown(unknown[0])} is not a known field")
    return {name: known[name](f"{where}{name}", value) for name, value in record.items()}


def _shown(name: object) -> str:
    text = " ".join(str(name).split())
    return text if len(text) <= 40 else f"{text[:39]}…"


_Check = Callable[[str, object], Any]


def _secret(name: str, value: object) -> str:
    secret = clean_secret(value) if isinstance(value, str) else None
    if secret is None:
        raise BadRecord(f"{name} is not an sso cookie")
    return secret


def _tier(name: str, value: object) -> Tier:
    if value not in tuple(Tier):
        raise BadRecord(f"{name} must be one of {', '.join(Tier)}")
    return Tier(str(value))


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise BadRecord(f"{name} must be true or false")
    return value


def _whole(most: int) -> _Check:
    def check(name: str, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise BadRecord(f"{name} must be a whole number from 0 to {most}")
        return value

    return check


def _time(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < _TIME_MAX:
        raise BadRecord(f"{name} must be a time in epoch seconds")
    return float(value)


def _text(longest: int) -> _Check:
    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or len(value) > longest:
            raise BadRecord(f"{name} must be a text of at most {longest} characters")
        return value

    return check


def _or_null(check: _Check) -> _Check:
    return lambda name, value: None if value is None else check(name, value)


def _tags(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise BadRecord(f"{name} must be a list of texts")
    for tag in value:
        if not tag or tag != tag.strip() or len(tag) > TAG_MAX:
            raise BadRecord(f"{name} must have 1 to {TAG_MAX} characters each, without spaces around them")
    return tuple(value)


def _quotas(name: str, value: object) -> dict[str, Quota]:
    if not isinstance(value, Mapping):
        raise BadRecord(f"{name} must be an object")
    quotas = {}
    for pool, record in value.items():
        where = f"{name}.{_shown(pool)}"
        if not isinstance(record, Mapping):
            raise BadRecord(f"{where} must be an object")
        quotas[pool] = Quota(**_read(record, _QUOTA_FIELDS, f"{where}."))
        if (quotas[pool].rest_requests is None) != (quotas[pool].rest_until is None):
            raise BadRecord(f"{where} must have rest_requests and rest_until, or neither")
    return quotas


_QUOTA_FIELDS: Mapping[str, _Check] = {
    "remaining": _or_null(_whole(FULL_QUOTA)),
    "window_ends_at": _or_null(_time),
    "cooldown_until": _or_null(_time),
    "rest_requests": _or_null(_whole(_WHOLE_MAX)),
    "rest_until": _or_null(_time),
}

_FIELDS: Mapping[str, _Check] = {
    "id": _whole(_WHOLE_MAX),
    "secret": _secret,
    "tier": _tier,
    "created_at": _time,
    "quotas": _quotas,
    "disabled": _flag,
    "expired_reason": _or_null(_text(EXPIRED_REASON_MAX)),
    "strikes": _whole(_COUNT_MAX),
    "failed_count": _whole(_COUNT_MAX),
    "last_failure_at": _or_null(_time),
    "last_failure_reason": _or_null(_text(FAILURE_REASON_MAX)),
    "tags": _tags,
    "note": _text(NOTE_MAX),
    "last_used_at": _or_null(_time),
    "request_count": _whole(2**63 - 1),
    "checked_at": _or_null(_time),
}
