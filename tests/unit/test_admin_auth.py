"""The operator's login where two workers meet: a password that changes between a check and its session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from grok2api.services.admin_auth import AdminAuth, LoginRefused, hashed
from grok2api.services.live_settings import LiveSettings
from grok2api.storage.base import AdminSession, Logins, Sessions
from tests.unit.test_live_settings import MemorySettings

OLD, NEW = "the old one", "the new one"
HERE = "127.0.0.1"


class MemorySessions(Sessions):
    """Sessions in a dict. `before`: what happens elsewhere just before one is stored."""

    def __init__(self) -> None:
        self.stored: dict[str, AdminSession] = {}
        self.before: Callable[[], None] = lambda: None

    def create(self, session: AdminSession) -> None:
        self.before()
        self.stored[session.digest] = session

    def get(self, digest: str) -> AdminSession | None:
        return self.stored.get(digest)

    def touch(self, digest: str, seen_at: float) -> None:
        raise AssertionError("not asked for here")

    def delete(self, digest: str) -> None:
        self.stored.pop(digest, None)

    def delete_all(self) -> None:
        self.stored.clear()


class NoLimit(Logins):
    """Whoever comes is let through."""

    def attempt(self, address: str, username: str, now: float) -> float:
        return 0.0

    def succeeded(self, address: str, username: str, now: float) -> None: ...

    def forget_old(self, now: float) -> None: ...


class Workers:
    """Two workers' sides of the login, over the same storage."""

    def __init__(self) -> None:
        settings = MemorySettings(admin_password=hashed(OLD))
        self.sessions = MemorySessions()
        self.one, self.other = (
            AdminAuth(
                self.sessions,
                NoLimit(),
                LiveSettings(settings, defaults={}, on_change=lambda _: None, load_keys=list),
            )
            for _ in range(2)
        )


@pytest.fixture
def workers() -> Workers:
    return Workers()


def test_a_new_password_holds_at_once_on_every_worker(workers: Workers) -> None:
    workers.one.change_password(OLD, NEW, HERE)
    assert workers.other.log_in("admin", NEW, HERE, [HERE]).token
    with pytest.raises(LoginRefused):
        workers.other.log_in("admin", OLD, HERE, [HERE])
    with pytest.raises(LoginRefused):
        workers.other.change_password(OLD, "a third one", HERE)


def test_no_session_of_the_old_password_is_left_whatever_comes_between(workers: Workers) -> None:
    workers.sessions.before = lambda: workers.one.set_password(NEW)
    with pytest.raises(LoginRefused):
        workers.other.log_in("admin", OLD, HERE, [HERE])
    assert workers.sessions.stored == {}
