"""DATABASE_URL for Redis, and the one place where a connection's options are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.retry import Retry

from grok2api.errors import ConfigurationError

#: For a connection, and for the server's answer to one command.
CONNECT_S = 5.0
ANSWER_S = 5.0

_EXAMPLE = "redis://user:password@host:6379/0 (rediss:// for TLS; percent-encode what is special)"
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_TLS_OPTIONS = (*_FILES, "ssl_cert_reqs", "ssl_check_hostname")
_KINDS = {"redis": Connection, "rediss": SSLConnection, "unix": UnixDomainSocketConnection}


@dataclass(frozen=True)
class Address:
    """name: the server as it may be shown, without the password. options: of the driver's connections."""

    name: str
    options: dict[str, Any]


def parse_address(url: str) -> Address:
    """Raises ConfigurationError."""
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
        query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        # What cannot be read may be a part of the password.
        raise ConfigurationError(f"DATABASE_URL cannot be read. It must look like {_EXAMPLE}.") from None
    path, place = unquote(parts.path), unquote(parts.hostname or "")
    database = query.pop("db", "0") if parts.scheme == "unix" else path.strip("/") or "0"
    known = path.startswith("/") and path != "/" if parts.scheme == "unix" else bool(place)
    if parts.scheme not in _KINDS or not known or not (database.isascii() and database.isdigit()):
        raise ConfigurationError(f"DATABASE_URL: with STORAGE_MODE=redis it must look like {_EXAMPLE}.")
    options: dict[str, Any] = _common(parts.username, parts.password) | {"db": int(database)}
    options["connection_class"] = _KINDS[parts.scheme]
    options |= _tls(query, allowed=parts.scheme == "rediss")
    if parts.scheme == "unix":
        return Address(path, options | {"path": path})
    shown = f"[{place}]" if ":" in place else place
    options |= {"host": place, "port": port, "socket_keepalive": True}
    return Address(f"{shown}:{port}", options | {"socket_connect_timeout": CONNECT_S})


def _common(username: str | None, password: str | None) -> dict[str, Any]:
    return {
        "username": unquote(username) if username else None,
        "password": unquote(password) if password else None,
        "socket_timeout": ANSWER_S,
        # What was sent once is not sent again: taking an account twice is not taking it once.
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "decode_responses": True,
    }


def _tls(query: dict[str, str], *, allowed: bool) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, value in query.items():
        if name not in _TLS_OPTIONS or not allowed:
            raise ConfigurationError(
                f"DATABASE_URL: {name} is not known; known with rediss:// are {', '.join(_TLS_OPTIONS)}."
            )
        if name in _FILES and not Path(value).is_file():
            raise ConfigurationError(f"DATABASE_URL: {name}: there is no file {value}.")
        options[name] = value.lower() in ("1", "true", "yes") if name == "ssl_check_hostname" else value
    if options.get("ssl_cert_reqs", "required") not in ("required", "optional", "none"):
        raise ConfigurationError("DATABASE_URL: ssl_cert_reqs must be required, optional or none.")
    if options.get("ssl_cert_reqs") == "none":
        options["ssl_check_hostname"] = False
    return options
