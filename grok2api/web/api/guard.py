"""The OpenAI API's blueprint, and what opens it."""

from __future__ import annotations

import hmac
import time

from flask import Blueprint, g, request

from grok2api.client_keys import ClientKey, digest_of
from grok2api.settings import Snapshot
from grok2api.web.api.errors import ModelNotAllowed, WrongKey
from grok2api.web.console_access import is_console
from grok2api.web.services import get_services

#: Stands for a key's digest where the console asks.
CONSOLE = "console"
#: Longer names of models that clients ask for are not remembered.
_MODEL_SHOWN_MAX = 100

blueprint = Blueprint("api", __name__, url_prefix="/v1")


def require_api_key() -> None:
    """The blueprint's guard: the key of the settings, a named one, or the console's session. None is needed only while
    there is none. A named key's requests count against its limits."""
    g.began_at = time.monotonic()
    services = get_services()
    settings = services.settings.snapshot()
    request.max_content_length = settings.max_body_mb * 1024 * 1024
    given = given_key()
    if is_console():
        _let_in("console", CONSOLE)
    elif not services.client_keys.needed():
        _let_in("", "")
    elif not given:
        raise WrongKey("This gateway needs a key: send the header Authorization: Bearer KEY.")
    elif is_settings_key(given, settings):
        _let_in("api_key", digest_of(given))
    else:
        key = services.client_keys.find(given)
        if key is None:
            raise WrongKey("The key is wrong.")
        _let_in(key.name, key.digest, key)
        if request.method == "POST":
            services.client_keys.admit(key)


def given_key() -> str:
    """What a client sent as its key; "" for nothing."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def is_settings_key(given: str, settings: Snapshot) -> bool:
    """Whether it is the setting `api_key`, which is not empty."""
    return bool(settings.api_key) and hmac.compare_digest(given.encode(), settings.api_key.encode())


def _let_in(name: str, digest: str, key: ClientKey | None = None) -> None:
    g.client_name, g.client_digest, g.client_key = name, digest, key


def client_digest() -> str:
    """Who asks: a digest of the key that opened; empty where none is needed."""
    digest: str = g.client_digest
    return digest


def client_name() -> str:
    """Who asks, for people: `api_key`, `console` or the key's own name; empty where none is needed."""
    name: str = g.client_name
    return name


def may_use(model: str) -> bool:
    """Whether who asks may use a model, by its own name."""
    key: ClientKey | None = g.client_key
    return key is None or not key.models or model in key.models


def check_model(name: str) -> None:
    """Raises UnknownModel, and ModelNotAllowed for one that the key is not for. name: or alias; remembered as what the
    request asks for, see `recording.py`."""
    if len(name) <= _MODEL_SHOWN_MAX:
        g.asked_model = name
    model = get_services().catalogue.get(name)
    if not may_use(model.name):
        raise ModelNotAllowed(name)
