"""What upstream's refusals mean: a response or an error object becomes one of our errors.

Recognised by status, gRPC code and the machine marker `[WKE=domain:reason]`; words only where upstream
gives nothing else, and only inside error objects, never in answers.
"""

from __future__ import annotations

import re

import orjson

from grok2api.errors import (
    AccountDead,
    BadRequest,
    Challenged,
    Moderated,
    Overloaded,
    PromptTooLong,
    RateLimited,
    Rejected,
    Unauthorized,
    UpstreamError,
    UpstreamFailed,
)

_MARKER = re.compile(r"\[WKE=[\w-]+:([\w-]+)\]")

INVALID_ARGUMENT, PERMISSION_DENIED, RESOURCE_EXHAUSTED, UNAUTHENTICATED = 3, 7, 8, 16

#: Markers and, where there is none, words of an account whose cookie will never be good again.
_SESSION_GONE = frozenset({"invalid-credentials", "session-not-found", "token-expired", "token-revoked"})
_ENDED = re.compile(
    r"look up session|session (id )?(was |is )?not found|token (has been |is |was |has )?(revoked|expired)"
)
_SUSPENDED = re.compile(r"account (has been |is |was )?suspended")

#: A longer wait than this cannot be meant (s).
_MAX_WAIT_S = 7 * 86400.0
_REGION = re.compile(r"not available in (?:\S+ ){0,2}(?:region|country)")

#: The one key of a streamed `response.error` that names its reason, as a code of ours.
_STREAM_REASONS = {
    "usageLimitReached": "usage_limit",
    "usagePoolExhausted": "usage_limit",
    "modelNotAvailable": "capacity",
    "globalRateLimit": "capacity",
    "concurrencyLimit": "capacity",
    "contentModerated": "moderated",
    "beyondContextLength": "too_long",
    "userPromptTooLong": "too_long",
}


def challenged(what: str) -> Challenged:
    """The operator's address, proxy or header values are refused; the accounts are not at fault."""
    return Challenged(
        f"Grok refused this gateway ({what}). The operator should renew cf_clearance and x_statsig_id, "
        "match user_agent to the browser they came from, or change the address or proxy_url."
    )


def from_response(status: int, content_type: str, body: bytes) -> UpstreamError | BadRequest:
    """The error of an answer that is not a stream. `body`: its beginning suffices."""
    start = body.lstrip()[:1]
    html = start == b"<" or "text/html" in content_type.lower()
    if status == 403 and not html and start != b"{":
        return challenged("an empty 403" if not start else "a 403 that is not Grok's own")
    if status in (401, 403) and html:
        return challenged("a Cloudflare page")
    if status == 200:
        return challenged("a web page instead of an answer")
    if status == 451:
        return challenged("not available in this region")
    if status == 413 and html:  # of a proxy in front of Grok: another account would meet it, too
        return Rejected("Grok does not take a request as large as this.")
    if status >= 500 or html:
        return UpstreamFailed(f"Grok failed with status {status}.")
    code, message, wait_s = _unwrap(body)
    known = _from_words(code, message, wait_s)
    if known is not None:
        return known
    match status:
        case 400 | 404 | 413 | 415 | 422:
            return Rejected(f"Grok refused the request as invalid (status {status}).")
        case 401:
            return _unauthorized()
        case 429:
            return _rate_limited(wait_s)
    if code == UNAUTHENTICATED:
        return _unauthorized()
    return UpstreamFailed(f"Grok answered with status {status}.")


def from_error_object(error: object) -> UpstreamError | BadRequest:
    """The error of an `{"error": …}` line or a `response.error` inside a stream with status 200."""
    code, message, wait_s = _fields(error)
    known = _from_words(code, message, wait_s)
    if known is not None:
        return known
    if code == RESOURCE_EXHAUSTED:
        return _rate_limited(wait_s)
    if code == UNAUTHENTICATED:
        return _unauthorized()
    if code == INVALID_ARGUMENT:
        return Rejected("Grok refused the request as invalid.")
    return UpstreamFailed("Grok reported an error in its answer.")


def _unauthorized() -> Unauthorized:
    return Unauthorized("Grok refused the account's credentials.")


def _rate_limited(wait_s: float | None) -> RateLimited:
    return RateLimited("Grok's rate limit was reached.", wait_s)


def _unwrap(body: bytes) -> tuple[object, str, float | None]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None, body[:500].decode("utf-8", "replace"), None
    if isinstance(document, dict) and "error" in document:
        document = document["error"]
    return _fields(document)


def _fields(error: object) -> tuple[object, str, float | None]:
    """Code (a gRPC number, or a word), message and seconds to wait of an error object, whatever its form."""
    if not isinstance(error, dict):
        return None, error if isinstance(error, str) else "", None
    code = error.get("code")
    message = error.get("message")
    for key, reason in _STREAM_REASONS.items():
        if error.get(key) is not None:
            code = reason
    wait, wait_s = error.get("waitTimeSeconds"), None
    if isinstance(wait, int | float) and not isinstance(wait, bool) and wait > 0:
        wait_s = float(min(wait, _MAX_WAIT_S))
    return code, message if isinstance(message, str) else "", wait_s


def _from_words(code: object, message: str, wait_s: float | None) -> UpstreamError | BadRequest | None:
    """What code, marker and message say beyond the status; None when they say nothing more."""
    marker = _MARKER.search(message)
    reason = marker.group(1) if marker else ""
    text = message.lower()
    if reason == "blocked-user":
        return AccountDead("Grok has blocked the account.", "blocked")
    if reason == "email-domain-rejected":
        return AccountDead("Grok rejects the account's e-mail domain.", "email_domain_rejected")
    refused = not reason and code in (PERMISSION_DENIED, UNAUTHENTICATED)
    if reason == "account-suspended" or (refused and _SUSPENDED.search(text)):
        return AccountDead("Grok has suspended the account.", "suspended")
    if reason in _SESSION_GONE or (refused and _ENDED.search(text)):
        return AccountDead("The account's session no longer exists.", "session_deleted")
    if code in ("content-moderated", "moderated"):
        return Moderated("Grok refused the request because of its content policy.")
    if code == "too_long":
        return PromptTooLong()
    if code == "capacity" or "load_shed" in text or "heavy usage" in text:
        return Overloaded("Grok is at its capacity limit right now.")
    if code == "usage_limit" or "usage limit" in text:
        return RateLimited("The account's usage limit is reached.", wait_s, exhausted=True)
    if "anti-bot" in text:
        return challenged("anti-bot rules")
    if _REGION.search(text):
        return challenged("not available in this region")
    return None
