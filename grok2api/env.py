"""The process-level variables, read once, with errors that say what to write instead."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from grok2api.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
STORAGE_MODES = ("file", "mysql", "redis")


@dataclass(frozen=True)
class Env:
    """What the operator set outside the console. Paths are absolute; URLs have no trailing slash."""

    data_dir: Path = PROJECT_ROOT / "instance"
    storage_mode: str = "file"
    database_url: str = ""
    upstream_url: str = "https://grok.com"
    assets_url: str = "https://assets.grok.com"
    secret_key: str = ""
    admin_password: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    trusted_proxies: int = 0
    log_dir: Path | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Env:
        """Read the variables; unset and empty ones keep their defaults. Raises ConfigurationError."""
        values = {k: v.strip() for k, v in (os.environ if environ is None else environ).items()}
        default = cls()
        mode = (values.get("STORAGE_MODE") or default.storage_mode).lower()
        if mode not in STORAGE_MODES:
            raise ConfigurationError(f"STORAGE_MODE={mode}: must be one of {', '.join(STORAGE_MODES)}.")
        log_dir = values.get("LOG_DIR")
        return cls(
            data_dir=Path(values.get("GROK2API_DATA_DIR") or default.data_dir).expanduser().absolute(),
            storage_mode=mode,
            database_url=values.get("DATABASE_URL", ""),
            upstream_url=_url(values, "GROK2API_UPSTREAM_URL", default.upstream_url),
            assets_url=_url(values, "GROK2API_ASSETS_URL", default.assets_url),
            secret_key=values.get("SECRET_KEY", ""),
            admin_password=values.get("ADMIN_PASSWORD", ""),
            host=values.get("HOST") or default.host,
            port=_number(values, "PORT", default.port, 1, 65535),
            workers=_number(values, "WEB_CONCURRENCY", default.workers, 1, 256),
            trusted_proxies=_number(values, "TRUSTED_PROXIES", default.trusted_proxies, 0, 16),
            log_dir=Path(log_dir).expanduser().absolute() if log_dir else None,
        )


def _number(values: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = values.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ConfigurationError(f"{name}={text}: must be a whole number from {low} to {high}.")
    return int(text)


def _url(values: Mapping[str, str], name: str, default: str) -> str:
    text = (values.get(name) or default).rstrip("/")
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        valid = False
    if not valid:
        raise ConfigurationError(f"{name}={text}: must be a URL such as {default}.")
    return text
