"""Everything that can go wrong, as a table: name -> what the request gets instead of an answer.

HTTP faults answer before a stream exists and fit every endpoint. Stream faults are built from the good
answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import frames
from .directives import Directive
from .replies import Reply, Stream, Whole, envelope
from .steps import Cut, Drip, Pause, Reset, Stall, Step

CHALLENGE = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>"
    b'<div id="challenge-error-text">Enable JavaScript and cookies to continue</div>'
    b'<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script>'
    b"<!-- cf-chl --></body></html>"
)
BAD_GATEWAY = (
    b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center>"
    b"<hr><center>cloudflare</center></body></html>"
)
HTML = "text/html; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A JSON error; the endpoint decides whether it is wrapped."""

    status: int
    code: object
    message: str


@dataclass(frozen=True, slots=True)
class Body:
    """Any other whole answer."""

    status: int
    body: bytes
    content_type: str


NO_CREDENTIALS = Envelope(401, 16, "No credentials presented. [WKE=unauthenticated:no-credentials]")
BAD_CREDENTIALS = Envelope(401, 16, "Bad credentials. [WKE=unauthenticated:bad-credentials]")
ANTI_BOT = Envelope(403, 7, "Request rejected by anti-bot rules.")
TOO_MANY = Envelope(429, 8, "Too many requests")

HTTP_FAULTS: dict[str, Envelope | Body] = {
    "429": TOO_MANY,
    "429_exhausted": TOO_MANY,
    "429_heavy_usage": Envelope(429, 8, "Grok is under heavy usage right now. Please try again later."),
    "401": BAD_CREDENTIALS,
    "401_invalid": Envelope(
        401, 16, "Failed to look up session ID. [WKE=unauthenticated:invalid-credentials]"
    ),
    "401_none": NO_CREDENTIALS,
    "403_cloudflare": Body(403, CHALLENGE, HTML),
    "403_empty": Body(403, b"", HTML),
    "403_antibot": ANTI_BOT,
    "403_blocked": Envelope(403, 7, "User is blocked [WKE=unauthorized:blocked-user]"),
    "403_moderated": Envelope(403, "content-moderated", "Content violates usage guidelines."),
    "403_region": Envelope(403, 7, "This service is not available in your region."),
    "403_odd": Envelope(403, 7, "Permission denied for some other reason."),
    "400_domain": Envelope(
        400, 3, "This email domain has been rejected. Use another one. [WKE=account:email-domain-rejected]"
    ),
    "400_bad": Envelope(400, 3, "Invalid request: unsupported field value."),
    "500": Envelope(500, 13, "Internal error"),
    "502_html": Body(502, BAD_GATEWAY, HTML),
    "503": Body(503, b"upstream connect error or disconnect/reset before headers", "text/plain"),
    "504": Body(504, b"upstream request timeout", "text/plain"),
    "524": Body(524, b"error code: 524", "text/plain; charset=UTF-8"),
    "html_200": Body(200, CHALLENGE, HTML),
    "empty_200": Body(200, b"", "application/json"),
}

_TRANSPORT: dict[str, Callable[[], Stream]] = {
    "reset_before": lambda: Stream([], before=[Reset()]),
    "stall_before": lambda: Stream([], before=[Stall()]),
    "reset_headers": lambda: Stream([Pause(0.05), Reset()]),
    "stall_headers": lambda: Stream([Stall()]),
}
TRANSPORT_FAULTS = frozenset(_TRANSPORT) | {"drip"}

# Faults in the middle of a good answer: what follows after the first tokens.
AFTER_TOKENS: dict[str, Callable[[], list[Step]]] = {
    # The client's kernel must have the frames before the RST overtakes them.
    "reset_mid": lambda: [Pause(0.05), Reset()],
    "cut_mid": lambda: [Cut()],
    "eof_mid": list,
    "stall_mid": lambda: [Stall()],
}

# Whole streams of a few frames: after conversation and userResponse where `late`, else as the first line.
_RETRY = "You've reached your usage limit. Please try again later."
_SHED = "rpc error: code = ResourceExhausted desc = load_shed: no capacity"
STREAM_ERRORS: dict[str, tuple[str, str, str]] = {
    "load_shed": (_SHED, "modelNotAvailable", "NORMAL"),
    "usage_limit": (_RETRY, "usageLimitReached", "NORMAL"),
    "too_long": ("The prompt is too long.", "userPromptTooLong", "FATAL"),
    "moderated_stream": ("Content moderated.", "contentModerated", "FATAL"),
    "internal_stream": ("Something went wrong.", "internalError", "FATAL"),
    "concurrency_stream": ("Too many requests in flight.", "concurrencyLimit", "NORMAL"),
}
FIRST_LINES: dict[str, frames.Json] = {
    "error_first": frames.error(8, "Too many requests"),
    "error_first_7": frames.error(7, "Request rejected by anti-bot rules."),
    "error_first_16": frames.error(16, "Bad credentials. [WKE=unauthenticated:bad-credentials]"),
    "error_first_13": frames.error(13, "Internal error"),
    "error_string": {"error": "some text"},
}

# A request that got tokens has used its quota; one that got an error at once has not.
CONSUMING = frozenset(AFTER_TOKENS) | {
    "error_mid",
    "malformed",
    "malformed_mid",
    "model_response_error",
    "wait_then_ok",
}
NAMES = (
    frozenset(HTTP_FAULTS) | TRANSPORT_FAULTS | frozenset(AFTER_TOKENS) | frozenset(STREAM_ERRORS)
    | frozenset(FIRST_LINES) | CONSUMING
)  # fmt: skip


def early(directive: Directive, *, wrapped: bool) -> Reply | None:
    """The answer of a fault that needs no stream of tokens; None for every other name."""
    name = directive.name
    fault = HTTP_FAULTS.get(name)
    if isinstance(fault, Envelope):
        return envelope(fault.status, fault.code, fault.message, wrapped=wrapped)
    if isinstance(fault, Body):
        return Whole(fault.status, fault.body, fault.content_type)
    if name == "drip":
        text = b'{"result":{"response":{"token":"' + b"drip " * 100_000
        return Stream([Drip(text, directive.number("interval", 0.25))])
    return _TRANSPORT[name]() if name in _TRANSPORT else None


def unary(directive: Directive) -> Reply | Whole:
    """A fault aimed at upload, create, limits or assets. Names that only make sense in a stream give a
    broken body.
    """
    reply = early(directive, wrapped=False)
    if reply is not None:
        return reply
    if directive.name == "malformed":
        return Whole(200, b'{"code": ')
    if directive.name in AFTER_TOKENS:
        return Whole(200, b'{"cut', length=200)
    return envelope(500, 13, "Simulated fault", wrapped=False)
