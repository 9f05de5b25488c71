"""The console as a client of the OpenAI API: its session's cookie instead of a key, with the CSRF token that other
sites cannot read."""

from __future__ import annotations

import hmac

from flask import request
from flask_login import current_user


def is_console() -> bool:
    """Whether a request comes from the console's own pages, of who is logged in. Raises StorageUnavailable."""
    given = request.headers.get("X-CSRF-Token", "")
    if not given or "Authorization" in request.headers or not current_user.is_authenticated:
        return False
    return hmac.compare_digest(given.encode(), current_user.session.csrf_token.encode())
