"""Our errors in OpenAI's words: status, envelope, `Retry-After`. Views raise; only this file knows a status.

Also the body of the error event inside a stream, where the status has long been sent.
"""

from __future__ import annotations

import logging
import math
import time
from typing import Any

from flask import Response, request
from werkzeug.exceptions import HTTPException

from grok2api.accounts import CAPACITY_S
from grok2api.errors import (
    AnswerUnfit,
    BadRequest,
    Challenged,
    GatewayError,
    LinkExpired,
    MediaBusy,
    MediaLost,
    Moderated,
    NoAccount,
    NoMedia,
    Overloaded,
    RateLimited,
    Rejected,
    ServerStopping,
    StorageUnavailable,
    UnknownMedia,
    UnknownModel,
    UnknownResponse,
    Unreachable,
    UpstreamTimeout,
)
from grok2api.services.client_keys import KeyLimited, KeyRefused
from grok2api.web.json_response import json_response

log = logging.getLogger(__name__)


class WrongKey(GatewayError):
    """The request has no key, or one that does not open."""


class ModelNotAllowed(GatewayError):
    """The client's key is not for this model."""

    def __init__(self, name: str) -> None:
        super().__init__(f"This key may not use the model `{name}`. GET /v1/models lists those that it may.")


class OriginNotAllowed(GatewayError):
    """A web page calls that the operator has not allowed."""


#: class -> (status, type, code); the first class of an error's bases that stands here counts
_TABLE: dict[type[Exception], tuple[int, str, str | None]] = {
    WrongKey: (401, "invalid_request_error", "invalid_api_key"),
    KeyRefused: (401, "invalid_request_error", "invalid_api_key"),
    KeyLimited: (429, "rate_limit_error", "key_limit_reached"),
    ModelNotAllowed: (403, "invalid_request_error", "model_not_allowed"),
    OriginNotAllowed: (403, "invalid_request_error", "origin_not_allowed"),
    UnknownModel: (404, "invalid_request_error", "model_not_found"),
    UnknownResponse: (404, "invalid_request_error", "response_not_found"),
    UnknownMedia: (404, "invalid_request_error", "media_not_found"),
    MediaBusy: (503, "server_error", "media_busy"),
    LinkExpired: (403, "invalid_request_error", "link_expired"),
    MediaLost: (404, "invalid_request_error", "media_lost"),
    BadRequest: (400, "invalid_request_error", None),
    AnswerUnfit: (502, "server_error", "answer_unfit"),
    Rejected: (400, "invalid_request_error", "upstream_rejected"),
    Moderated: (400, "invalid_request_error", "content_policy_violation"),
    RateLimited: (429, "rate_limit_error", "rate_limit_exceeded"),
    Overloaded: (503, "server_error", "upstream_overloaded"),
    Challenged: (502, "server_error", "upstream_challenged"),
    Unreachable: (502, "server_error", "upstream_unreachable"),
    NoMedia: (502, "server_error", "no_media"),
    UpstreamTimeout: (504, "server_error", "upstream_timeout"),
    StorageUnavailable: (503, "server_error", "storage_unavailable"),
    ServerStopping: (503, "server_error", "server_stopping"),
    GatewayError: (502, "server_error", "upstream_failed"),
    Exception: (500, "server_error", "internal_error"),
}

#: What the SDKs would retry on their own although it cannot help before the operator has acted.
_NOT_TO_RETRY = ("upstream_challenged", "no_media", "no_account", "answer_unfit")


def describe(error: Exception) -> tuple[int, str, str | None]:
    """Status, type and code of an error."""
    if isinstance(error, NoAccount):
        if error.shortage.hopeless:
            return 503, "server_error", "no_account"
        return 429, "rate_limit_error", "rate_limit_exceeded"
    for base in type(error).__mro__:
        if base in _TABLE:
            status, kind, code = _TABLE[base]
            return status, kind, (error.code if isinstance(error, BadRequest) else None) or code
    raise AssertionError(error)


def error_body(error: Exception) -> dict[str, Any]:
    """OpenAI's envelope. What is not an error of ours keeps its words to itself."""
    _, kind, code = describe(error)
    message = str(error) if isinstance(error, GatewayError) else "The gateway failed; its log says why."
    return envelope(message, kind, getattr(error, "param", None), code)


def envelope(message: str, kind: str, param: str | None, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def error_response(error: Exception) -> Response:
    """The whole answer to a request that failed before anything was sent."""
    if isinstance(error, HTTPException):
        return _http_error(error)
    status, _, code = describe(error)
    if not isinstance(error, GatewayError):
        log.error("a request failed unexpectedly", exc_info=error)
    if isinstance(error, StorageUnavailable):
        log.error("a request failed: %s", error)
    response = json_response(error_body(error), status)
    wait_s = _retry_after(error)
    if wait_s is not None:
        response.headers["Retry-After"] = str(wait_s)
    if code in _NOT_TO_RETRY:
        response.headers["x-should-retry"] = "false"
    return response


def _retry_after(error: Exception) -> int | None:
    """Whole seconds, at least 1; None where waiting is not the answer."""
    if isinstance(error, NoAccount) and not error.shortage.hopeless:
        until = error.shortage.returns_at
        return max(1, math.ceil(until - time.time())) if until is not None else 1
    if isinstance(error, KeyLimited):
        return max(1, math.ceil(error.wait_s))
    if isinstance(error, ServerStopping):
        return 1
    if isinstance(error, Overloaded | MediaBusy):
        return math.ceil(CAPACITY_S)
    if isinstance(error, RateLimited):
        return max(1, math.ceil(error.wait_s or 1))
    return None


#: How much of a wrong path is repeated; most are of a base URL that has `/v1` twice, or not at all.
_SHOWN_PATH = 200

_HTTP_WORDS = {
    404: ("There is no route {route}. The API lives under /v1.", "not_found"),
    405: ("This route does not take that method: {route}.", "method_not_allowed"),
    408: ("The request body did not arrive in time.", "request_timeout"),
    413: ("The request body is larger than this gateway accepts (setting max_body_mb).", "request_too_large"),
    415: ("The request body must be JSON with Content-Type: application/json.", "unsupported_media_type"),
}


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    message, code = _HTTP_WORDS.get(status, (error.description or error.name, None))
    if error.description and error.description != type(error).description:
        message = error.description  # a route knows better
    kind = "invalid_request_error" if status < 500 else "server_error"
    message = message.replace("{route}", f"{request.method} {request.path[:_SHOWN_PATH]}")
    response = json_response(envelope(message, kind, None, code), status)
    allow = getattr(error, "valid_methods", None)
    if allow:
        response.headers["Allow"] = ", ".join(sorted(allow))
    return response
