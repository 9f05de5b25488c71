"""Taking over the accounts and settings of the older FastAPI implementation of this service.

Both files are read and understood before anything is stored. Doing it twice changes nothing more: known accounts
and what is set already stay as they are.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from grok2api.accounts import Account, Tier
from grok2api.errors import ConfigurationError
from grok2api.services.admin_auth import AdminAuth
from grok2api.services.legacy_accounts import read_accounts
from grok2api.services.legacy_settings import LegacySettings, read_settings
from grok2api.services.live_settings import LiveSettings

TOKENS, SETTINGS = "token.json", "setting.toml"


@dataclass(frozen=True)
class LegacyData:
    """What the two files hold; None for one that is missing. account_remarks: what was left out and why."""

    accounts: list[Account] | None
    settings: LegacySettings | None
    account_remarks: list[str] = field(default_factory=list)


def read_folder(folder: Path, now: float) -> LegacyData:
    """Raises ConfigurationError when a file cannot be read at all, or both are missing."""
    tokens, settings = _text(folder / TOKENS), _text(folder / SETTINGS)
    if tokens is None and settings is None:
        raise ConfigurationError(f"{folder}: has neither {TOKENS} nor {SETTINGS}.")
    accounts, remarks = (
        read_accounts(_json(folder / TOKENS, tokens), now) if tokens is not None else (None, [])
    )
    read = read_settings(_toml(folder / SETTINGS, settings)) if settings is not None else None
    return LegacyData(accounts, read, remarks)


def take_settings(found: LegacySettings, settings: LiveSettings, auth: AdminAuth) -> Iterator[str]:
    """Store these settings, but for those that are set already; what was done, a line each."""
    new = {name: value for name, value in found.values.items() if settings.is_default(name)}
    if new:
        settings.save(new)
        yield f"Settings taken: {', '.join(new)}."
    present = settings.snapshot()
    others = [name for name, value in found.values.items() if getattr(present, name) != value]
    if others:
        yield f"Settings that are set otherwise already stay: {', '.join(others)}."
    if found.password is not None:
        if settings.is_default("admin_password"):
            auth.set_password(found.password)
            yield "The console's password is the old one; it is stored hashed now."
        else:
            yield "A password of the console is set already; it stays."


def summary(accounts: list[Account]) -> str:
    supers = sum(account.tier is Tier.SUPER for account in accounts)
    return f"{len(accounts)} accounts, {len(accounts) - supers} Basic and {supers} Super"


def _text(path: Path) -> str | None:
    """The file's text, None when there is none."""
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a UTF-8 text"
        raise ConfigurationError(f"{path}: cannot be read ({reason}).") from error


def _json(path: Path, text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: is not JSON ({error}).") from error


def _toml(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: is not TOML ({error}).") from error
