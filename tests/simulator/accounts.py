"""Accounts of the simulated service: secrets, tiers, quotas, behaviours and what each account owns."""

from __future__ import annotations

import math
import re
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from . import directives
from .directives import Directive

_SECRET = re.compile(r"sim-(basic|super)-([A-Za-z0-9_]+)-([A-Za-z0-9._]+)\Z")
_NAMESPACE = uuid.UUID("6f1d3c1e-5a53-4d6f-9d0e-0c2f6d2b7a11")
ENDPOINTS = ("chat", "upload", "create", "limits", "assets")


@dataclass(slots=True)
class Quota:
    """Units of one pool. The window starts with the first use and lasts `window_s` seconds."""

    total: int
    window_s: float
    used: int = 0
    started_at: float | None = None

    def remaining(self) -> int:
        if self.started_at is not None and time.time() >= self.started_at + self.window_s:
            self.refill()
        return max(self.total - self.used, 0)

    def take(self, units: int) -> bool:
        """Takes all units or none."""
        if self.remaining() < units:
            return False
        if self.started_at is None:
            self.started_at = time.time()
        self.used += units
        return True

    def drain(self) -> None:
        if self.remaining():
            self.take(self.remaining())

    def refill(self) -> None:
        self.used, self.started_at = 0, None

    def wait_s(self) -> int:
        """Whole seconds until the window ends, at least 1; the window's length when it did not start."""
        end = (self.started_at or time.time()) + self.window_s
        return max(math.ceil(end - time.time()), 1)


@dataclass(slots=True)
class File:
    """An uploaded file or a generated picture or video."""

    content: bytes
    mime: str
    name: str = ""
    behaviour: str = ""
    reads: int = 0


@dataclass(slots=True)
class Account:
    """One account. `behaviour` None means ok; `times` None means for ever; `only` names the endpoints it
    hits.
    """

    sso: str
    tier: str
    quota: Quota
    heavy: Quota
    behaviour: Directive | None = None
    times: int | None = None
    only: frozenset[str] = frozenset(("chat",))
    shape: str = ""
    asset: str = ""
    user_id: str = ""
    files: dict[str, File] = field(default_factory=dict)
    posts: set[str] = field(default_factory=set)
    assets: dict[str, File] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.user_id = str(uuid.uuid5(_NAMESPACE, self.sso))
        if self.behaviour is not None and self.behaviour.name == "429_exhausted":
            self.quota.drain()
            self.heavy.drain()

    def fault(self, endpoint: str) -> Directive | None:
        """The behaviour that hits this endpoint now; counts `times` down."""
        if self.behaviour is None or not self.only & {endpoint, "all"}:
            return None
        if self.times is None:
            return self.behaviour
        if self.times <= 0:
            return None
        self.times -= 1
        behaviour = self.behaviour
        if self.times == 0 and behaviour.name == "429_exhausted":
            self.quota.refill()
            self.heavy.refill()
        return behaviour

    def pool(self, heavy: bool) -> Quota:
        return self.heavy if heavy else self.quota

    def add_asset(self, path: str, file: File) -> str:
        """Stores a file under `users/<uid>/<path>`; returns that path."""
        whole = f"users/{self.user_id}/{path}"
        self.assets[whole] = file
        return whole

    def describe(self) -> dict[str, Any]:
        return {
            "sso": self.sso, "tier": self.tier, "user_id": self.user_id, "quota": self.quota.total,
            "remaining": self.quota.remaining(), "heavy_quota": self.heavy.total,
            "heavy_remaining": self.heavy.remaining(), "window_s": self.quota.window_s, "times": self.times,
            "behaviour": self.behaviour.name if self.behaviour else "ok", "only": sorted(self.only),
            "files": sorted(self.files), "posts": sorted(self.posts), "assets": sorted(self.assets),
        }  # fmt: skip


def make(spec: dict[str, Any], known: frozenset[str]) -> Account:
    """An account of the control API's fields; raises DirectiveError for a behaviour nobody knows."""
    tier = spec.get("tier") or "basic"
    window = float(spec.get("window_s") or 72000)
    behaviour = directives.parse(str(spec.get("behaviour") or "ok"))
    if behaviour.name != "ok" and behaviour.name not in known:
        raise directives.DirectiveError(f"simulator: unknown behaviour {behaviour.name!r}")
    quota, heavy, times = spec.get("quota"), spec.get("heavy_quota"), spec.get("times")
    only = str(spec.get("only") or behaviour.options.get("only") or "chat")
    if times is None and "times" in behaviour.options:
        times = behaviour.integer("times", 1)
    return Account(
        sso=str(spec["sso"]), tier=tier,
        quota=Quota(80 if quota is None else int(quota), window),
        heavy=Quota((20 if tier == "super" else 0) if heavy is None else int(heavy), window),
        behaviour=None if behaviour.name == "ok" else behaviour,
        times=None if times is None else int(times),
        only=frozenset(re.split(r"[+,]", only)), shape=str(spec.get("shape") or ""),
        asset=str(spec.get("asset") or behaviour.options.get("asset") or ""),
    )  # fmt: skip


class Accounts:
    """All accounts by secret; the ones whose secret follows the grammar appear when they are first seen."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self._by_secret: dict[str, Account] = {}
        self._by_user: dict[str, Account] = {}

    def get(self, secret: str) -> Account | None:
        """None for a secret that nobody registered and that does not follow the grammar."""
        return self._by_secret.get(secret) or self._from_grammar(secret)

    def owner(self, user_id: str) -> Account | None:
        return self._by_user.get(user_id)

    def put(self, spec: dict[str, Any]) -> Account:
        account = make(spec, self._known)
        self._by_secret[account.sso] = account
        self._by_user[account.user_id] = account
        return account

    def all(self) -> list[Account]:
        return list(self._by_secret.values())

    def clear(self) -> None:
        self._by_secret.clear()
        self._by_user.clear()

    def _from_grammar(self, secret: str) -> Account | None:
        match = _SECRET.match(secret)
        if match is None or match[2] not in self._known | {"ok"}:
            return None
        words = match[3].split(".")
        label = dict(zip(words[1::2], words[2::2], strict=False))
        options = [f"{key}={value}" for key, value in label.items() if key in directives.OPTIONS]
        try:
            return self.put(
                {
                    "sso": secret, "tier": match[1], "behaviour": " ".join([match[2], *options]),
                    "quota": label.get("quota"), "heavy_quota": label.get("heavy"),
                    "window_s": label.get("window"), "shape": label.get("shape"),
                }
            )  # fmt: skip
        except ValueError:
            return None
