"""What browsers are told about answers, so that they do no more with them than they should."""

from __future__ import annotations

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

#: Of pages. Scripts, styles and requests of this gateway's own only; frames and plug-ins none.
PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


#: Of what is no page, should a browser show it as one.
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'"

#: Files whose folder names their version.
VENDORED = "/static/vendor/"
_YEAR_S = 365 * 86400


class SessionCookie(SecureCookieSessionInterface):
    """Flask's, marked Secure where the request came by TLS."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        # Clients of the API have none; Flask would make ready to read it first, which takes 40 µs.
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def harden_page(response: Response) -> Response:
    """After a request for a page, which holds what only its reader may see."""
    response.headers["Content-Security-Policy"] = PAGE_POLICY
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cache-Control"] = "no-store"
    response.vary.update(["Cookie", "Accept-Language"])
    return response


def harden(response: Response) -> Response:
    """After every request: nothing is to be taken for what it does not say it is, and of the admin API's answers
    nothing is to be kept, since they hold secrets and tokens."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.path.startswith("/api/"):
        headers["Cache-Control"] = "no-store"
        headers["Content-Security-Policy"] = _NO_PAGE
        headers["Referrer-Policy"] = "no-referrer"
    if request.path.startswith(VENDORED) and response.status_code in (200, 304):
        response.headers["Cache-Control"] = f"public, max-age={_YEAR_S}, immutable"
    return response
