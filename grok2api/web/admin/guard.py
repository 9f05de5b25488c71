"""The operator's API: its blueprint, and the session that opens it."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from flask import Blueprint, request
from flask_login import LoginManager, UserMixin, current_user

from grok2api.services.patience import PATIENCE_S, within
from grok2api.storage.base import AdminSession
from grok2api.web.admin.errors import Forbidden, NotLoggedIn
from grok2api.web.hosts import is_of
from grok2api.web.services import get_services

blueprint = Blueprint("admin", __name__, url_prefix="/api")

#: The one route that needs no session: it makes one.
LOGIN_PATH = "/login"


#: The console's requests that nobody asked for have this header: they do not keep a session from ending.
BACKGROUND = "X-Background"

#: Of a login's body, which anybody may send.
_LOGIN_MAX_BYTES = 64 * 1024


class Operator(UserMixin):  # type: ignore[misc]  # flask-login has no types
    """The logged-in user of one request. `bearer`: the session came in a header, which no other site can forge."""

    def __init__(self, token: str, session: AdminSession, *, bearer: bool) -> None:
        self.token = token
        self.session = session
        self.bearer = bearer

    def get_id(self) -> str:
        return self.token


def make_login_manager() -> LoginManager:
    """flask-login over our sessions: by the cookie's token, or by a bearer token."""
    manager = LoginManager()
    manager.session_protection = None

    @manager.user_loader  # type: ignore[untyped-decorator]
    def from_cookie(token: str) -> Operator | None:
        bearer = _bearer_token()  # a script's own header says more than a cookie that came along
        return _operator(bearer, bearer=True) if bearer else _operator(token, bearer=False)

    @manager.request_loader  # type: ignore[untyped-decorator]
    def from_header(_: object) -> Operator | None:
        bearer = _bearer_token()
        return _operator(bearer, bearer=True) if bearer else None

    return manager


def _bearer_token() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _operator(token: str, *, bearer: bool) -> Operator | None:
    auth = get_services().auth
    in_use = BACKGROUND not in request.headers
    session = within(PATIENCE_S, lambda: auth.session(token, in_use=in_use))
    return Operator(token, session, bearer=bearer) if session is not None else None


def _check_page() -> None:
    """A page of another site must neither log in here, into a session that somebody else chose, nor use up what its
    reader's address may fail. Raises Forbidden."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin", "")
    if site is None and origin:  # browsers tell the site only to addresses that they trust, such as https
        public = urlsplit(get_services().settings.snapshot().base_url).netloc
        site = "same-origin" if is_of(origin, request.host) or is_of(origin, public) else "cross-site"
    if site in ("cross-site", "same-site"):
        raise Forbidden(
            f"Pages of other sites may not log in here. If this is the console's own page, the proxy in front must "
            f"pass on the Host that the browser asked for (it says {request.host[:100]})."
        )


def require_operator() -> None:
    """The blueprint's guard: a session; for writes by cookie also the CSRF token, which other sites cannot read."""
    request.max_content_length = get_services().settings.snapshot().max_body_mb * 1024 * 1024
    if request.path == f"{blueprint.url_prefix}{LOGIN_PATH}":
        request.max_content_length = _LOGIN_MAX_BYTES
        _check_page()
        return
    if not current_user.is_authenticated:
        raise NotLoggedIn("Log in first.")
    if request.method in ("GET", "HEAD", "OPTIONS") or current_user.bearer:
        return
    given = request.headers.get("X-CSRF-Token", "")
    if not hmac.compare_digest(given.encode(), current_user.session.csrf_token.encode()):
        raise Forbidden("The header X-CSRF-Token is missing or wrong. Its value is in the login's answer.")
