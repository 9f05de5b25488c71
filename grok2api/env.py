"""The process-level variables, read once, with errors that say what to write instead."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from grok2api.cpus import usable_cpus
from grok2api.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
STORAGE_MODES = ("file", "mysql", "redis")
LOG_FORMATS = ("console", "json")
#: A year: for ever.
WAIT_MAX_S = 31_536_000
#: Worker processes unless told: one for each processor, but two even with one, so that one is there while another is
#: being replaced; and no more than these, as each has its own memory and its own connections to the storage.
WORKERS = (2, 8)


@dataclass(frozen=True)
class Env:
    """What the operator set outside the console. Paths are absolute; URLs have no trailing slash."""

    data_dir: Path = PROJECT_ROOT / "instance"
    storage_mode: str = "file"
    database_url: str = ""
    upstream_url: str = "https://grok.com"
    assets_url: str = "https://assets.grok.com"
    fetch_allow: tuple[str, ...] = ()
    media_accel: str = ""
    secret_key: str = ""
    admin_password: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    worker_connections: int = 1000
    trusted_proxies: int = 0
    log_dir: Path | None = None
    log_format: str = "console"
    storage_wait_s: float = 60.0
    metrics_dir: Path | None = None

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> Env:
        """Read the variables; unset and empty ones keep their defaults. Raises ConfigurationError."""
        values = {k: v.strip() for k, v in (os.environ if environ is None else environ).items()}
        default = cls()
        return cls(
            data_dir=_folder(values, "GROK2API_DATA_DIR") or default.data_dir,
            storage_mode=_one_of(values, "STORAGE_MODE", default.storage_mode, STORAGE_MODES),
            database_url=values.get("DATABASE_URL", ""),
            upstream_url=_url(values, "GROK2API_UPSTREAM_URL", default.upstream_url),
            assets_url=_url(values, "GROK2API_ASSETS_URL", default.assets_url),
            fetch_allow=_places(values, "GROK2API_FETCH_ALLOW"),
            media_accel=_location(values, "GROK2API_MEDIA_ACCEL"),
            secret_key=values.get("SECRET_KEY", ""),
            admin_password=values.get("ADMIN_PASSWORD", ""),
            host=values.get("HOST") or default.host,
            port=_number(values, "PORT", default.port, 1, 65535),
            workers=_number(
                values, "WEB_CONCURRENCY", min(max(WORKERS[0], usable_cpus()), WORKERS[1]), 1, 256
            ),
            worker_connections=_number(values, "WORKER_CONNECTIONS", default.worker_connections, 1, 100_000),
            trusted_proxies=_number(values, "TRUSTED_PROXIES", default.trusted_proxies, 0, 16),
            log_dir=_folder(values, "LOG_DIR"),
            log_format=_one_of(values, "LOG_FORMAT", default.log_format, LOG_FORMATS),
            storage_wait_s=_number(values, "STORAGE_WAIT_S", int(default.storage_wait_s), 0, WAIT_MAX_S),
            metrics_dir=_folder(values, "PROMETHEUS_MULTIPROC_DIR"),
        )


def wait_for_ever() -> None:
    """From here on, in this process and its children, a storage that is away is waited for as long as it takes."""
    os.environ["STORAGE_WAIT_S"] = str(WAIT_MAX_S)


def share_metrics(folder: Path | None) -> None:
    """From here on, in this process and its children, prometheus-client counts in this folder; None: in none."""
    if folder is None:
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
    else:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _wrong(name: str, text: str, rule: str) -> ConfigurationError:
    """One line, however many the value has."""
    shown = " ".join(text.split())
    return ConfigurationError(f"{name}={shown if len(shown) <= 100 else shown[:99] + '…'}: {rule}.")


def _folder(values: Mapping[str, str], name: str) -> Path | None:
    text = values.get(name)
    try:
        return Path(text).expanduser().absolute() if text else None
    except RuntimeError:
        raise _wrong(name, text or "", "names the home directory of an unknown user") from None


def _one_of(values: Mapping[str, str], name: str, default: str, choices: tuple[str, ...]) -> str:
    text = (values.get(name) or default).lower()
    if text not in choices:
        raise _wrong(name, text, f"must be one of {', '.join(choices)}")
    return text


def _number(values: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = values.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
        raise _wrong(name, text, f"must be a whole number from {low} to {high}")
    return int(text)


_PLACE = re.compile(r"(?:[a-z0-9._-]+|\[[0-9a-f:.]+\]):\d{1,5}", re.ASCII)
_LOCATION = re.compile(r"/(?:[\w.-]+/)+", re.ASCII)


def _places(values: Mapping[str, str], name: str) -> tuple[str, ...]:
    places = [place.strip().lower() for place in values.get(name, "").split(",")]
    for place in filter(None, places):
        if not _PLACE.fullmatch(place) or not 0 < int(place.rpartition(":")[2]) <= 65535:
            raise _wrong(name, values[name], "must be exact host:port pairs, separated by commas")
    return tuple(dict.fromkeys(filter(None, places)))


def _location(values: Mapping[str, str], name: str) -> str:
    text = values.get(name, "")
    if text and not _LOCATION.fullmatch(text):
        raise _wrong(name, text, "must be the path of an nginx location such as /_media/")
    return text


def _url(values: Mapping[str, str], name: str, default: str) -> str:
    text = (values.get(name) or default).rstrip("/")
    try:
        parts = urlsplit(text)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        valid = valid and not (parts.query or parts.fragment) and text.isprintable() and " " not in text
    except ValueError:
        valid = False
    if not valid:
        raise _wrong(name, text, f"must be a URL such as {default}")
    return text
