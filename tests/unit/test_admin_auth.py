"""The operator's login where two workers meet: a password that changes between a check and its session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from werkzeug.security import generate_password_hash

from grok2api.services.admin_auth import IDLE_S, LIFETIME_S, TOUCH_S, AdminAuth, LoginRefused
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
        self.stored[digest] = replace(self.stored[digest], seen_at=seen_at)

    def delete(self, digest: str) -> None:
        self.stored.pop(digest, None)

    def delete_all(self) -> None:
        self.stored.clear()


class NoLimit(Logins):
    """Whoever comes is let through."""

    def is_good(self, address: str, now: float) -> bool:
        return False

    def attempt(self, address: str, username: str, now: float) -> float:
        return 0.0

    def succeeded(self, address: str, username: str, now: float) -> None: ...

    def forget_old(self, now: float) -> None: ...


class Workers:
    """Two workers' sides of the login, over the same storage."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        settings = MemorySettings(admin_password=generate_password_hash(OLD))
        self.sessions = MemorySessions()
        self.one, self.other = (
            AdminAuth(
                self.sessions,
                NoLimit(),
                LiveSettings(settings, defaults={}, on_change=lambda _: None, load_keys=list),
                clock=lambda: self.now,
            )
            for _ in range(2)
        )


@pytest.fixture
def workers() -> Workers:
    return Workers()


def test_a_new_password_holds_at_once_on_every_worker(workers: Workers) -> None:
    workers.one.confirm_password(OLD, HERE)
    workers.one.set_password(NEW)
    assert workers.other.log_in("admin", NEW, HERE, [HERE]).token
    with pytest.raises(LoginRefused):
        workers.other.log_in("admin", OLD, HERE, [HERE])
    with pytest.raises(LoginRefused):
        workers.other.confirm_password(OLD, HERE)


def test_no_session_of_the_old_password_is_left_whatever_comes_between(workers: Workers) -> None:
    workers.sessions.before = lambda: workers.one.set_password(NEW)
    with pytest.raises(LoginRefused):
        workers.other.log_in("admin", OLD, HERE, [HERE])
    assert workers.sessions.stored == {}


def test_a_session_ends_when_nobody_has_used_it_for_half_a_day(workers: Workers) -> None:
    token = workers.one.log_in("admin", OLD, HERE, [HERE]).token
    for _ in range(3):
        workers.now += IDLE_S - 1
        assert workers.other.session(token) is not None
    workers.now += IDLE_S + 1
    assert workers.one.session(token) is None
    assert workers.sessions.stored == {}


def test_what_nobody_asked_for_keeps_no_session_alive(workers: Workers) -> None:
    token = workers.one.log_in("admin", OLD, HERE, [HERE]).token
    workers.now += IDLE_S - 1
    assert workers.one.session(token, in_use=False) is not None
    workers.now += 2
    assert workers.one.session(token, in_use=False) is None


def test_no_session_lives_for_more_than_a_week(workers: Workers) -> None:
    token = workers.one.log_in("admin", OLD, HERE, [HERE]).token
    ends_at = workers.now + LIFETIME_S
    while workers.now < ends_at - 3600:
        workers.now += 3600
        assert workers.one.session(token) is not None
    workers.now = ends_at + 1
    assert workers.one.session(token) is None


def test_use_is_written_down_once_a_minute_at_most(workers: Workers) -> None:
    login = workers.one.log_in("admin", OLD, HERE, [HERE])
    seen = workers.now
    workers.now += TOUCH_S
    assert workers.one.session(login.token) is not None
    assert workers.sessions.stored[login.session.digest].seen_at == seen
    workers.now += 1
    assert workers.one.session(login.token) is not None
    assert workers.sessions.stored[login.session.digest].seen_at == workers.now
