"""Each route under /api, as the app itself lists them, refuses who has no session and whose cookie came alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from grok2api.app import create_app
from grok2api.env import Env
from grok2api.web.services import KEY

READING = {"GET", "HEAD", "OPTIONS"}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    made = create_app(Env(data_dir=tmp_path))
    yield made
    made.extensions[KEY].store.close()


def _guarded(app: Flask) -> list[tuple[str, str]]:
    """Method and path of each route under /api but the login."""
    return [
        (method, re.sub(r"<[^>]*>", "1", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
        if rule.rule.startswith("/api/") and rule.rule != "/api/login"
    ]


def _refusal(response: TestResponse, status: int, code: str, route: tuple[str, str]) -> None:
    assert response.status_code == status, route
    assert response.headers["Cache-Control"] == "no-store", route
    if route[0] != "HEAD":
        document = response.get_json()
        assert set(document) == {"success", "error", "code"}, route
        assert (document["success"], document["code"]) == (False, code), route
        assert document["error"], route


def _logged_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    assert client.post("/api/login", json={"username": "admin", "password": "admin"}).status_code == 200
    return client


def test_there_are_routes_to_guard(app: Flask) -> None:
    routes = _guarded(app)
    assert len(routes) > 40
    assert {("POST", "/api/settings"), ("GET", "/api/stats"), ("POST", "/api/password")} <= set(routes)
    assert {method for method, _ in routes} <= READING | {"POST", "PUT", "PATCH", "DELETE"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "x"},
        {"Authorization": "Bearer forged"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Cookie": "grok2api_session=eyJfdXNlcl9pZCI6ICJ4In0.x.x"},
    ],
    ids=str,
)
def test_each_route_refuses_who_has_no_session(app: Flask, headers: dict[str, str]) -> None:
    client = app.test_client()
    for method, path in _guarded(app):
        response = client.open(path, method=method, headers=headers, json={} if method == "POST" else None)
        _refusal(response, 401, "unauthenticated", (method, path))


@pytest.mark.parametrize(
    "given", [None, "", "wrong", "é", "x" * 10_000], ids=["none", "empty", "wrong", "é", "long"]
)
def test_each_route_that_writes_refuses_a_cookie_without_the_csrf_token(
    app: Flask, given: str | None
) -> None:
    client = _logged_in(app)
    headers = {} if given is None else {"X-CSRF-Token": given}
    for method, path in _guarded(app):
        if method not in READING:
            response = client.open(path, method=method, headers=headers, json={})
            _refusal(response, 403, "csrf", (method, path))
    assert client.get("/api/settings").status_code == 200  # none of them has ended the session


def test_the_csrf_token_of_another_session_opens_nothing(app: Flask) -> None:
    answer = app.test_client().post("/api/login", json={"username": "admin", "password": "admin"})
    headers = {"X-CSRF-Token": answer.get_json()["csrf_token"]}
    client = _logged_in(app)
    for method, path in _guarded(app):
        if method not in READING:
            response = client.open(path, method=method, headers=headers, json={})
            _refusal(response, 403, "csrf", (method, path))


def test_no_route_that_reads_needs_more_than_the_cookie(app: Flask) -> None:
    client = _logged_in(app)
    for method, path in _guarded(app):
        if method in READING:
            with client.open(path, method=method) as response:
                assert response.status_code == 200, (method, path)
                assert response.headers["Cache-Control"] == "no-store", (method, path)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_may_not_log_in(app: Flask, site: str) -> None:
    body = {"username": "admin", "password": "admin"}
    response = app.test_client().post("/api/login", json=body, headers={"Sec-Fetch-Site": site})
    _refusal(response, 403, "csrf", ("POST", "/api/login"))
    assert "Set-Cookie" not in response.headers
