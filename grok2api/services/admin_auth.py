"""The operator's login: one user, sessions kept in the storage so that they end everywhere at once."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from grok2api.env import Env
from grok2api.errors import GatewayError, SettingError
from grok2api.services.failed_logins import FailedLogins
from grok2api.services.live_settings import LiveSettings
from grok2api.services.password_check import PasswordCheck
from grok2api.settings import Snapshot, Value
from grok2api.storage.base import AdminSession, Logins, Sessions

IDLE_S = 12 * 3600.0
LIFETIME_S = 7 * 24 * 3600.0
#: A session's last use is written down this often at most.
TOUCH_S = 60.0

#: What a stranger waits who came when too many were being tried.
_BUSY_S = 2

DEFAULT_PASSWORD = "admin"  # nosec B105 # the documented one; with it strangers cannot log in (LoginTooFar)


class LoginRefused(GatewayError):
    """Wrong name or password: which one is not said."""


class LoginTooFar(GatewayError):
    """The default password stands, and the request does not come from this machine or network."""


class LoginThrottled(GatewayError):
    """Too many have failed lately, or are being tried now. `wait_s`: until the next one may be tried."""

    def __init__(self, wait_s: float, why: str = "Too many logins have failed.") -> None:
        self.wait_s = math.ceil(wait_s)
        super().__init__(f"{why} Try again in {self.wait_s} s.")


@dataclass(frozen=True)
class Login:
    """A new session. `token`: the only copy; the storage has its digest."""

    token: str
    session: AdminSession


def password_setting(env: Env) -> dict[str, Value]:
    """The password that stands while none is stored, as a setting's default."""
    return {"admin_password": env.admin_password or DEFAULT_PASSWORD}


class AdminAuth:
    """clock: epoch seconds."""

    def __init__(
        self,
        sessions: Sessions,
        logins: Logins,
        settings: LiveSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sessions = sessions
        self._logins = logins
        self._settings = settings
        self._clock = clock
        self.failed = FailedLogins()
        self._for_known, self._for_strangers = PasswordCheck(), PasswordCheck()

    def default_password_stands(self) -> bool:
        return (
            self._settings.is_default("admin_password")
            and self._settings.snapshot().admin_password == DEFAULT_PASSWORD
        )

    def default_password_opens(self, addresses: Iterable[str]) -> bool:
        """Whether it stands, and those addresses may use it."""
        return self.default_password_stands() and all(map(_is_near, addresses))

    def log_in(self, username: str, password: str, address: str, addresses: Iterable[str]) -> Login:
        """A session for the right name and password. address: who asks, as far as it can be trusted. addresses: that
        one, and all that forwarding headers name.

        Raises LoginRefused, LoginTooFar, LoginThrottled.
        """
        settings = self._settings.fresh()  # what was changed a moment ago, on another worker, holds here
        if self.default_password_stands() and not all(map(_is_near, addresses)):
            raise LoginTooFar(
                "The default password still stands, so login is only possible from this machine or its private "
                "network. Change it with `flask admin set-password`."
            )
        self._check(settings, username, password, address)
        now = self._clock()
        token = secrets.token_urlsafe(32)
        session = AdminSession(_digest(token), username, secrets.token_urlsafe(24), now, now)
        self._sessions.create(session)
        if self._settings.fresh().admin_password != settings.admin_password:
            self.log_out(session)  # it came too late to be ended with the others
            raise LoginRefused("The password was changed at this moment.")
        return Login(token, session)

    def confirm_password(self, password: str, address: str) -> None:
        """Whether who is logged in knows the password. Raises LoginRefused, LoginThrottled."""
        settings = self._settings.fresh()
        self._check(settings, settings.admin_username, password, address)

    def _check(self, settings: Snapshot, username: str, password: str, address: str) -> None:
        """Raises LoginRefused, LoginThrottled. Counted before it is tried, so that many at once are no way around."""
        place, who = _place(address), _digest(username)
        line = self._for_known if self._logins.is_good(place, self._clock()) else self._for_strangers
        with line.place() as found:
            # And nothing is stored: those who come may be many, each from an address of its own.
            if not found:
                raise LoginThrottled(_BUSY_S, "Too many are logging in at this moment.")
            wait_s = self._logins.attempt(place, who, self._clock())
            if wait_s > 0:
                raise LoginThrottled(wait_s)
            right_name = hmac.compare_digest(username.encode(), settings.admin_username.encode())
            right_password = self._matches(line, password, settings.admin_password)
            if not (right_name and right_password):
                raise LoginRefused("The name or the password is wrong.")
            self._logins.succeeded(place, who, self._clock())

    def session(self, token: str, *, in_use: bool = True) -> AdminSession | None:
        """The session of a token, if it is neither ended nor over. in_use: whether somebody uses it by this."""
        session = self._sessions.get(_digest(token))
        if session is None:
            return None
        now = self._clock()
        if now - session.seen_at > IDLE_S or now - session.created_at > LIFETIME_S:
            self._sessions.delete(session.digest)
            return None
        if in_use and now - session.seen_at > TOUCH_S:
            self._sessions.touch(session.digest, now)
        return session

    def log_out(self, session: AdminSession) -> None:
        self._sessions.delete(session.digest)

    def set_password(self, password: str) -> None:
        """Store a new password and end every session. Raises SettingError for an empty one and the default."""
        self._settings.save(self.password_values(password))
        self.end_sessions()

    def password_values(self, password: str) -> dict[str, object]:
        """The settings that make this the password, for saving them with others; then end the sessions. Raises
        SettingError for an empty one and the default."""
        check_new_password(password)
        return {"admin_password": self._for_known.hashed(password)}

    def end_sessions(self) -> None:
        """Everybody's."""
        self._sessions.delete_all()

    def _matches(self, line: PasswordCheck, password: str, stored: str) -> bool:
        if self._settings.is_default("admin_password"):
            return hmac.compare_digest(password.encode(), stored.encode())
        return line.matches(password, stored)


def check_new_password(password: str) -> None:
    """Raises SettingError for an empty one and the default."""
    if not password.strip() or password == DEFAULT_PASSWORD:
        raise SettingError("admin_password", "admin_password must be neither empty nor the default one.")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _place(address: str) -> str:
    """Whom a limit is for: an IPv6 network of 64 bits, since each of its users has as many addresses as they like."""
    try:
        ip = ipaddress.ip_address(without_port(address))
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.ip_network((int(ip), 64), strict=False))
    return str(getattr(ip, "ipv4_mapped", None) or ip)


def without_port(address: str) -> str:
    """An address that a proxy names, without the port that some add: it is another one for each connection."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _is_near(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address.strip().strip("[]"))
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    # Teredo's are public, though Python calls them private.
    if isinstance(ip, ipaddress.IPv6Address) and ip.teredo is not None:
        return False
    return ip.is_loopback or ip.is_private
