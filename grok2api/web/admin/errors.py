"""Our errors in the admin API's words, `{"success": false, "error", "code"}`; only here are statuses known."""

from __future__ import annotations

import logging
from typing import Any

from flask import Response, jsonify
from werkzeug.exceptions import HTTPException

from grok2api.errors import BadRequest, GatewayError, SettingError, StorageUnavailable
from grok2api.services.admin_auth import LoginRefused, LoginThrottled, LoginTooFar
from grok2api.services.refresh import AlreadyRunning

log = logging.getLogger(__name__)


class NotLoggedIn(GatewayError):
    """There is no session, or it is over."""


class Forbidden(GatewayError):
    """There is a session, but the request cannot be told from a forged one."""


class NotFound(GatewayError):
    """There is no such account."""


class WrongPassword(GatewayError):
    """The old password, asked for again, is not the one."""


class CannotClear(GatewayError):
    """The disk does not let the cache be cleared."""


class CannotRead(GatewayError):
    """The disk does not say what the cache holds."""


class InvalidSettings(GatewayError):
    """Settings that cannot be stored. `fields`: what is wrong, by name."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("Nothing was changed: " + " ".join(fields.values()))
        self.fields = fields


_TABLE: dict[type[Exception], tuple[int, str]] = {
    NotLoggedIn: (401, "unauthenticated"),
    LoginRefused: (401, "wrong_credentials"),
    LoginTooFar: (403, "default_password"),
    LoginThrottled: (429, "too_many_attempts"),
    WrongPassword: (400, "wrong_password"),
    Forbidden: (403, "csrf"),
    BadRequest: (400, "bad_request"),
    InvalidSettings: (400, "invalid_settings"),
    SettingError: (400, "invalid_settings"),
    NotFound: (404, "not_found"),
    AlreadyRunning: (409, "already_running"),
    CannotRead: (500, "cannot_read"),
    CannotClear: (500, "cannot_clear"),
    StorageUnavailable: (503, "storage_unavailable"),
    Exception: (500, "internal_error"),
}


def error_response(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return _answer(
            error.code or 500, error.description or error.name, error.name.lower().replace(" ", "_")
        )
    status, code = next(_TABLE[base] for base in type(error).__mro__ if base in _TABLE)
    if not isinstance(error, GatewayError):
        log.error("an admin request failed unexpectedly", exc_info=error)
    if type(error) is BadRequest:  # what people may enter has a code of its own, for the console's words
        code = error.code or code
    message = str(error) if isinstance(error, GatewayError) else "The gateway failed; its log says why."
    fields = {"fields": error.fields} if isinstance(error, InvalidSettings) else {}
    if isinstance(error, SettingError):
        fields = {"fields": {error.name: str(error)}}
    response = _answer(status, message, code, **fields)
    if isinstance(error, LoginThrottled):
        response.headers["Retry-After"] = str(error.wait_s)
    return response


def _answer(status: int, message: str, code: str, **more: Any) -> Response:
    response = jsonify({"success": False, "error": message, "code": code, **more})
    response.status_code = status
    return response
