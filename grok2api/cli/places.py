"""Storages by their URLs, for commands that deal with two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from flask import Flask

from grok2api.env import Env
from grok2api.errors import ConfigurationError
from grok2api.storage import open_store
from grok2api.storage.base import Store

#: The scheme of a URL -> STORAGE_MODE.
MODES = {
    "sqlite": "file",
    "mysql": "mysql",
    "mysql+pymysql": "mysql",
    "mariadb": "mysql",
    "mariadb+pymysql": "mysql",
    "redis": "redis",
    "rediss": "redis",
    "unix": "redis",
}
_UNREADABLE = (
    "the URL cannot be read. Percent-encode what is special in user and password (%40 for @, %2F for /)."
)
_PORTS = {"mysql": 3306, "redis": 6379}


@dataclass(frozen=True)
class Place:
    """A storage that a URL names. shown: without its password. identity: equal for two that are plainly the same.
    file: of SQLite. password: whether the URL has one."""

    url: str
    mode: str
    shown: str
    identity: tuple[object, ...]
    file: Path | None = None
    password: bool = False

    def open(self, secret_key: str, pools: Sequence[str]) -> Store:
        """The store there, made when it is new. Raises ConfigurationError."""
        env = Env(storage_mode=self.mode, database_url=self.url, secret_key=secret_key)
        return open_store(Flask("grok2api"), env, pools)


def place_of(url: str) -> Place:
    """Raises ConfigurationError for a URL of no storage."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(_UNREADABLE) from error  # its own words may be a piece of the password
    if parts.fragment or (parts.netloc and "@" in parts.path + parts.query):
        raise ConfigurationError(_UNREADABLE)
    mode = MODES.get(parts.scheme)
    if mode is None:
        raise ConfigurationError(
            "must be a URL such as sqlite:////path/to/file.db, mysql://user:password@host:3306/database or "
            "redis://:password@host:6379/0."
        )
    if mode == "file":
        if parts.netloc or parts.query or len(parts.path) < 2:
            raise ConfigurationError("must look like sqlite:////path/to/file.db (%3F for ?, %23 for #).")
        file = Path(unquote(parts.path[1:])).expanduser().absolute()
        return Place(url, mode, f"sqlite:///{file}", (mode, file.resolve()), file)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    shown = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
    name = unquote(parts.path).strip("/")
    if mode == "redis":
        name = f"{name or 0}?{parts.query}"  # which may name another database
    identity = (mode, parts.hostname, port or _PORTS[mode], name)
    return Place(url, mode, shown, identity, password=bool(parts.password))
