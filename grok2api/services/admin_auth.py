"""The operator's login: one user, sessions kept in the storage so that they end everywhere at once."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gevent.threadpool import ThreadPool
from werkzeug.security import check_password_hash, generate_password_hash

from grok2api.env import Env
from grok2api.errors import GatewayError, SettingError
from grok2api.services.live_settings import LiveSettings
from grok2api.settings import Value
from grok2api.storage.base import AdminSession, Sessions

IDLE_S = 12 * 3600.0
LIFETIME_S = 7 * 24 * 3600.0
#: A session's last use is written down this often at most.
TOUCH_S = 60.0

DEFAULT_PASSWORD = "admin"


class LoginRefused(GatewayError):
    """Wrong name or password: which one is not said."""


class LoginTooFar(GatewayError):
    """The default password stands, and the request does not come from this machine or network."""


@dataclass(frozen=True)
class Login:
    """A new session. `token`: the only copy; the storage has its digest."""

    token: str
    csrf_token: str


def password_setting(env: Env) -> dict[str, Value]:
    """The password that stands while none is stored, as a setting's default."""
    return {"admin_password": env.admin_password or DEFAULT_PASSWORD}


class AdminAuth:
    """clock: epoch seconds."""

    def __init__(
        self, sessions: Sessions, settings: LiveSettings, clock: Callable[[], float] = time.time
    ) -> None:
        self._sessions = sessions
        self._settings = settings
        self._clock = clock
        self._hashing = ThreadPool(1)

    def default_password_stands(self) -> bool:
        return (
            self._settings.is_default("admin_password")
            and self._settings.snapshot().admin_password == DEFAULT_PASSWORD
        )

    def log_in(self, username: str, password: str, addresses: Iterable[str]) -> Login:
        """A session for the right name and password. `addresses`: the peer's, and all that forwarding headers name.

        Raises LoginRefused, LoginTooFar.
        """
        settings = self._settings.snapshot()
        if self.default_password_stands() and not all(map(_is_near, addresses)):
            raise LoginTooFar(
                "The default password still stands, so login is only possible from this machine or its private "
                "network. Change it with `flask admin set-password`."
            )
        right_name = hmac.compare_digest(username.encode(), settings.admin_username.encode())
        right_password = self._matches(password, settings.admin_password)
        if not (right_name and right_password):
            raise LoginRefused("The name or the password is wrong.")
        now = self._clock()
        login = Login(secrets.token_urlsafe(32), secrets.token_urlsafe(24))
        self._sessions.create(AdminSession(_digest(login.token), username, login.csrf_token, now, now))
        return login

    def session(self, token: str) -> AdminSession | None:
        """The session of a token, if it is neither ended nor over."""
        session = self._sessions.get(_digest(token))
        if session is None:
            return None
        now = self._clock()
        if now - session.seen_at > IDLE_S or now - session.created_at > LIFETIME_S:
            self._sessions.delete(session.digest)
            return None
        if now - session.seen_at > TOUCH_S:
            self._sessions.touch(session.digest, now)
        return session

    def log_out(self, session: AdminSession) -> None:
        self._sessions.delete(session.digest)

    def set_password(self, password: str) -> None:
        """Store a new password and end every session. Raises SettingError for an empty one and the default."""
        if not password.strip() or password == DEFAULT_PASSWORD:
            raise SettingError("admin_password", "admin_password must be neither empty nor the default one.")
        self._settings.save({"admin_password": hashed(password)})
        self._sessions.delete_all()

    def _matches(self, password: str, stored: str) -> bool:
        if self._settings.is_default("admin_password"):
            return hmac.compare_digest(password.encode(), stored.encode())
        # scrypt takes tens of milliseconds by design: in a thread of its own, so that streams keep flowing
        # and a burst of logins does not stand in the way of look-ups of names
        return bool(self._hashing.apply(check_password_hash, (stored, password)))


def hashed(password: str) -> str:
    """A password as it is stored (scrypt)."""
    return generate_password_hash(password)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _is_near(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address.strip().strip("[]"))
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_loopback or ip.is_private
