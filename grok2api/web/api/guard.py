"""The OpenAI API's blueprint, and what opens it."""

from __future__ import annotations

import hashlib
import hmac

from flask import Blueprint, g, request

from grok2api.web.api.errors import WrongKey
from grok2api.web.console_access import is_console
from grok2api.web.services import get_services

#: Stands for a key's digest where the console asks.
CONSOLE = "console"

blueprint = Blueprint("api", __name__, url_prefix="/v1")


def require_api_key() -> None:
    """The blueprint's guard: a key, or the console's session. None is needed only while none is set."""
    settings = get_services().settings.snapshot()
    request.max_content_length = settings.max_body_mb * 1024 * 1024
    g.client_digest = ""
    if not settings.api_key:
        return
    if is_console():
        g.client_digest = CONSOLE
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given.strip():
        raise WrongKey("This gateway needs a key: send the header Authorization: Bearer KEY.")
    if not hmac.compare_digest(given.strip().encode(), settings.api_key.encode()):
        raise WrongKey("The key is wrong.")
    g.client_digest = hashlib.sha256(given.strip().encode()).hexdigest()


def client_digest() -> str:
    """Who asks: a digest of the key that opened; empty where none is needed."""
    digest: str = g.client_digest
    return digest
