"""The accounts of the older FastAPI implementation's `token.json`. Pure.

    {"ssoNormal": {TOKEN: ENTRY, …}, "ssoSuper": {TOKEN: ENTRY, …}}

An entry's fields are all optional: `createdTime`, `lastFailureTime`, `cooldownUntil` (epoch milliseconds),
`remainingQueries`, `heavyremainingQueries` (-1: unknown), `status` ("active", "limited", "expired", …),
`failedCount`, `lastFailureReason`, `tags`, `note`. What is missing or null is unknown; what has the wrong type
is left out with a remark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from grok2api.account_secrets import clean_secret, mask
from grok2api.accounts import (
    DEFAULT_POOL,
    DEFAULT_WINDOW_S,
    FULL_QUOTA,
    RATE_LIMITED_S,
    Account,
    Quota,
    Tier,
    dedupe,
)
from grok2api.services.account_records import (
    EXPIRED_REASON_MAX,
    FAILURE_REASON_MAX,
    NOTE_MAX,
    TAG_MAX,
)

#: The other quota pool that an entry tells of.
HEAVY_POOL = "heavy"

_TIERS = {"ssoNormal": Tier.BASIC, "ssoSuper": Tier.SUPER}
_FIELDS = frozenset(
    (
        "createdTime", "remainingQueries", "heavyremainingQueries", "status", "failedCount",
        "lastFailureTime", "lastFailureReason", "tags", "note", "cooldownUntil",
    )
)  # fmt: skip
#: Words for an account that nothing is wrong with.
_FINE = frozenset(("", "active", "unused", "normal", "valid"))
_LIMITED = frozenset(("limited", "cooldown", "cooling", "exhausted"))
_EXPIRED = frozenset(("expired", "invalid"))

#: Times below are no epoch milliseconds (1973), those above (5138) are absurd.
_MS_MIN, _MS_MAX = 1e11, 1e14
_COUNT_MAX = 10**9

T = TypeVar("T")


def read_accounts(document: object, now: float) -> tuple[list[Account], list[str]]:
    """The accounts of a parsed `token.json`, each secret once, and remarks on what is left out, a line each. A
    secret of both tiers is Super."""
    if not isinstance(document, Mapping):
        return [], ["it is not a JSON object; nothing in it can be read"]
    remarks = [f"{_shown(name)} is not known; left out" for name in document if name not in _TIERS]
    accounts: dict[str, Account] = {}
    for group, tier in _TIERS.items():
        for number, (token, entry) in enumerate(_entries(group, document.get(group), remarks), 1):
            secret = clean_secret(token) if isinstance(token, str) else None
            if secret is None:
                remarks.append(f"{group}, entry {number}: is not an sso cookie; left out")
                continue
            where = f"{group}, {mask(secret)}"
            if secret in accounts:
                remarks.append(f"{where}: is there twice; taken as {tier}")
            reader = _Reader(entry, where, remarks)
            accounts[secret] = _account(reader, secret, tier, now)
    return list(accounts.values()), remarks


def _entries(group: str, value: object, remarks: list[str]) -> Iterator[tuple[object, object]]:
    """Tokens and their entries; a mere list of tokens is taken too."""
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((token, None) for token in value)
    elif value is not None:
        remarks.append(f"{group} is neither an object nor a list; left out")


class _Reader:
    """The fields of one entry; one that cannot be read is a remark, and unknown."""

    def __init__(self, entry: object, where: str, remarks: list[str]) -> None:
        self._where = where
        self._remarks = remarks
        self._entry: Mapping[object, object] = entry if isinstance(entry, Mapping) else {}
        if entry is not None and not isinstance(entry, Mapping):
            self.remark("its entry is not an object; taken without it")
        for name in self._entry:
            if name not in _FIELDS:
                self.remark(f"{_shown(name)} is not known; left out")

    def remark(self, text: str) -> None:
        self._remarks.append(f"{self._where}: {text}")

    def time(self, name: str) -> float | None:
        """Epoch seconds."""
        value = self._number(name)
        if value is None or value <= 0:
            return None
        if not _MS_MIN <= value < _MS_MAX:
            self.remark(f"{name} is not a time in milliseconds; left out")
            return None
        return value / 1000

    def calls(self, name: str) -> int | None:
        """Calls left."""
        value = self._number(name)
        if value is None or value < 0:
            return None
        return min(int(value), FULL_QUOTA)

    def count(self, name: str) -> int:
        return min(max(int(self._number(name) or 0), 0), _COUNT_MAX)

    def text(self, name: str, longest: int) -> str:
        value = self._get(name, lambda value: value if isinstance(value, str) else None, "a text") or ""
        # a lone half of a surrogate pair has no place in UTF-8
        value = value.encode("utf-8", "replace").decode()
        if len(value) > longest:
            self.remark(f"{name} is cut to {longest} characters")
        return value[:longest]

    def tags(self) -> tuple[str, ...]:
        value = self._get("tags", lambda value: value if isinstance(value, list) else None, "a list") or []
        tags = []
        for tag in value:
            if not isinstance(tag, str) or len(tag.strip()) > TAG_MAX:
                self.remark(f"a tag is no text of at most {TAG_MAX} characters; left out")
            elif tag.strip():
                tags.append(tag.strip().encode("utf-8", "replace").decode())
        return tuple(dedupe(tags))

    def _number(self, name: str) -> float | None:
        return self._get(name, _number, "a number")

    def _get(self, name: str, read: Callable[[object], T | None], kind: str) -> T | None:
        value = self._entry.get(name)
        if value is None:
            return None
        found = read(value)
        if found is None:
            self.remark(f"{name} is not {kind}; left out")
        return found


def _number(value: object) -> float | None:
    """A number, also one that is written as a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e18 else None  # neither NaN nor infinite


def _account(entry: _Reader, secret: str, tier: Tier, now: float) -> Account:
    failed_at = entry.time("lastFailureTime")
    reason = entry.text("lastFailureReason", FAILURE_REASON_MAX) or None
    status = entry.text("status", 40).strip().lower()
    if status not in _FINE | _LIMITED | _EXPIRED:
        entry.remark(f"status {_shown(status)!r} is not known; taken as active")
    quotas = {DEFAULT_POOL: _quota(entry, status, failed_at, now)}
    heavy = entry.calls("heavyremainingQueries")
    if heavy is not None:
        quotas[HEAVY_POOL] = _counted(heavy, failed_at, now)
    return Account(
        id=0,
        secret=secret,
        tier=tier,
        created_at=entry.time("createdTime") or now,
        quotas=quotas,
        expired_reason=(reason or "expired")[:EXPIRED_REASON_MAX] if status in _EXPIRED else None,
        failed_count=entry.count("failedCount"),
        last_failure_at=failed_at,
        last_failure_reason=reason,
        tags=entry.tags(),
        note=entry.text("note", NOTE_MAX),
    )


def _quota(entry: _Reader, status: str, failed_at: float | None, now: float) -> Quota:
    """The default pool's. An account that is limited without a word how long cools as after any other 429."""
    remaining = entry.calls("remainingQueries")
    cooldown_until = entry.time("cooldownUntil")
    if cooldown_until is None and status in _LIMITED and remaining != 0:
        cooldown_until = (failed_at or now) + RATE_LIMITED_S
    quota = _counted(remaining, failed_at, now)
    if cooldown_until is None or cooldown_until <= now:
        return quota
    return Quota(quota.remaining, quota.window_ends_at, cooldown_until)


def _counted(remaining: int | None, failed_at: float | None, now: float) -> Quota:
    """Nothing left: until the window ends that was used up at the last failure."""
    if remaining != 0:
        return Quota(remaining)
    ends_at = (failed_at or now) + DEFAULT_WINDOW_S
    return Quota(0, ends_at) if ends_at > now else Quota()


def _shown(name: object) -> str:
    text = " ".join(str(name).split()).encode("utf-8", "replace").decode()
    return text if len(text) <= 40 else f"{text[:39]}…"
