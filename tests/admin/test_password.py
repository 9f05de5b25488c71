"""POST /api/password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.admin.browser import Browser, by_bearer
from tests.gateway import Gateway
from tests.simulator.client import Simulator

#: Failures that cost nothing.
FREE = 10
NEW = "correct horse"


@pytest.fixture
def own(tmp_path: Path, simulator: Simulator) -> Iterator[Gateway]:
    """A gateway whose password may be changed."""
    with Gateway(tmp_path / "data", simulator.url) as running:
        yield running


@pytest.fixture
def browser(gateway: Gateway) -> Browser:
    browser = Browser(gateway.url)
    assert browser.log_in().status_code == 200
    return browser


def test_a_wrong_old_password_is_400_and_changes_nothing(browser: Browser) -> None:
    answer = browser.post("/api/password", {"old": "wrong", "new": NEW})
    assert (answer.status_code, answer.json()["code"]) == (400, "wrong_password")
    assert browser.get("/api/settings").status_code == 200
    assert Browser(browser.url).log_in().status_code == 200


@pytest.mark.parametrize("new", ["", "  ", "admin"])
@pytest.mark.parametrize("old", ["admin", "wrong"])
def test_neither_none_nor_the_default_one_is_taken(browser: Browser, old: str, new: str) -> None:
    answer = browser.post("/api/password", {"old": old, "new": new})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_settings")
    assert set(answer.json()["fields"]) == {"admin_password"}
    assert browser.get("/api/settings").status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"old": "admin"}, {"new": NEW}, {"old": 1, "new": NEW}, {"old": "admin", "new": None}]
)
def test_a_wrong_body_is_400(browser: Browser, body: dict[str, object]) -> None:
    answer = browser.post("/api/password", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_a_changed_password_ends_every_session_on_every_worker_and_opens_a_new_one(own: Gateway) -> None:
    others = [Browser(own.url) for _ in range(3)]
    assert [one.log_in().status_code for one in others] == [200] * 3
    answer = others[0].post("/api/password", {"old": "admin", "new": NEW})
    assert answer.status_code == 200 and answer.json()["success"] is True
    for one in others:
        assert {one.get("/api/settings").status_code for _ in range(10)} == {401}
        assert {by_bearer(own.url, one.token) for _ in range(10)} == {401}
        assert one.get("/manage").headers["Location"].startswith("/login")
    new = Browser(own.url)
    assert new.log_in(NEW).status_code == 200
    assert {new.get("/api/settings").status_code for _ in range(10)} == {200}
    [(stored,)] = own.sql("SELECT value FROM settings WHERE name='admin_password'")
    assert NEW not in stored
    assert NEW not in own.log()
    assert {Browser(own.url).log_in().status_code for _ in range(5)} == {401}


def test_who_has_changed_the_name_can_change_the_password_after_it(own: Gateway) -> None:
    browser = Browser(own.url)
    browser.log_in()
    assert browser.post("/api/settings", {"global_config": {"admin_username": "root"}}).status_code == 200
    assert browser.post("/api/password", {"old": "admin", "new": NEW}).status_code == 200
    assert Browser(own.url).log_in(NEW, "root").status_code == 200


def test_guessing_the_old_password_is_held_up_as_logins_are(own: Gateway) -> None:
    browser = Browser(own.url)
    browser.log_in()
    guess = {"old": "wrong", "new": NEW}
    assert [browser.post("/api/password", guess).status_code for _ in range(FREE)] == [400] * FREE
    for old in ("wrong", "admin"):
        answer = browser.post("/api/password", {"old": old, "new": NEW})
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert browser.get("/api/settings").status_code == 200
    assert Browser(own.url).log_in().status_code == 429
