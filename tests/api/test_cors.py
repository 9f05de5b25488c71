"""Which web pages may call the API: those that the operator has listed, and the gateway's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from grok2api.app import create_app
from grok2api.env import Env
from grok2api.services import Services
from grok2api.web.services import KEY
from tests.gateway import SETTINGS_FRESH_S, Gateway

LISTED = "https://chat.example"
CHAT = "/v1/chat/completions"


class App:
    """The gateway in this process, with a key and a list of origins."""

    def __init__(self, data_dir: Path) -> None:
        app = create_app(Env(data_dir=data_dir))
        self.services: Services = app.extensions[KEY]
        self.client: FlaskClient = app.test_client()
        self.services.settings.save({"api_key": "sk-x", "cors_origins": f"{LISTED},app://notes"})

    def call(
        self, method: str, path: str, origin: str | None, key: str | None = "sk-x", **more: str
    ) -> TestResponse:
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        if origin is not None:
            headers["Origin"] = origin
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return self.client.open(path, method=method, headers=headers)

    def preflight(self, origin: str, path: str = CHAT, **more: str) -> TestResponse:
        return self.call("OPTIONS", path, origin, None, Access_Control_Request_Method="POST", **more)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = App(tmp_path)
    yield made
    made.services.store.close()


def cors_headers(response: TestResponse) -> set[str]:
    return {name.lower() for name, _ in response.headers if name.lower().startswith("access-control-")}


# Preflights


def test_a_preflight_is_answered_before_the_key_is_asked_for(app: App) -> None:
    response = app.preflight(LISTED, Access_Control_Request_Headers="authorization, x-stainless-os")
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == LISTED
    assert "Origin" in response.vary
    assert "POST" in response.headers["Access-Control-Allow-Methods"].split(", ")
    assert response.headers["Access-Control-Allow-Headers"] == "authorization, x-stainless-os"
    assert int(response.headers["Access-Control-Max-Age"]) > 0
    assert not {"access-control-allow-credentials", "access-control-allow-private-network"} & cors_headers(
        response
    )


def test_the_headers_that_a_preflight_allows_are_clean_and_not_without_end(app: App) -> None:
    asked = "a b, x-ok, é, " + "y" * 65 + ", , " + ",".join(f"h{n}" for n in range(500))
    allowed = app.preflight(LISTED, Access_Control_Request_Headers=asked).headers[
        "Access-Control-Allow-Headers"
    ]
    assert allowed.startswith("x-ok, h0, h1") and len(allowed.split(", ")) <= 50
    assert app.preflight(LISTED).headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type"


def test_a_private_network_is_opened_when_that_is_asked(app: App) -> None:
    asked = {"Access_Control_Request_Private_Network": "true"}
    assert app.preflight(LISTED, **asked).headers["Access-Control-Allow-Private-Network"] == "true"
    assert not cors_headers(app.preflight("https://evil.example", **asked))


@pytest.mark.parametrize("path", [CHAT, "/v1/models", "/v1/nothing", "/v1"])
def test_a_preflight_of_a_foreign_page_is_refused(app: App, path: str) -> None:
    response = app.preflight("https://evil.example", path)
    assert (response.status_code, cors_headers(response)) == (403, set())
    assert app.preflight(LISTED, path).status_code == 204


# Requests


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example", "http://chat.example", "https://chat.example:8443", "https://chat.example.evil",
        "https://sub.chat.example", "null", "file://", "x", "*", f"{LISTED},app://notes", "http://localhost.evil",
        "http://localhost:8000", "app://localhost", "http://", "", "http://é",
    ],
)  # fmt: skip
def test_a_page_that_is_not_listed_is_refused_by_name(app: App, origin: str) -> None:
    response = app.call("GET", "/v1/models", origin)
    if not origin:
        assert response.status_code == 200  # browsers never send an empty one
        return
    assert (response.status_code, response.content_type, cors_headers(response)) == (
        403,
        "application/json",
        set(),
    )
    error = response.get_json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["param"], error["code"]) == (
        "invalid_request_error",
        None,
        "origin_not_allowed",
    )
    assert "cors_origins" in error["message"] and error["message"].isascii()


def test_refusing_comes_before_the_key(app: App) -> None:
    assert app.call("GET", "/v1/models", "https://evil.example", "wrong").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", "/v1/models", "sk-x", 200),
        ("HEAD", "/v1/models", "sk-x", 200),
        ("GET", "/v1/models", "wrong", 401),
        ("GET", "/v1/models/nothing", "sk-x", 404),
        ("GET", "/v1/nothing", "sk-x", 404),
        ("GET", CHAT, "sk-x", 405),
        ("POST", CHAT, "sk-x", 415),
        ("OPTIONS", CHAT, "sk-x", 200),
    ],
)
@pytest.mark.parametrize("origin", [LISTED, "app://notes"])
def test_a_listed_page_can_read_every_answer(
    app: App, origin: str, method: str, path: str, key: str, status: int
) -> None:
    response = app.call(method, path, origin, key)
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == origin
    exposed = {"X-Request-ID", "X-Ignored-Params", "Retry-After", "x-should-retry"}
    assert set(response.headers["Access-Control-Expose-Headers"].split(", ")) == exposed
    assert "Origin" in response.vary and "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("gw.example:8000", "http://gw.example:8000"),
        ("gw.example:8000", "https://gw.example:8000"),
        ("gw.example", "http://gw.example"),
        ("gw.example", "https://gw.example"),  # TLS ends at a proxy
        ("gw.example:443", "https://gw.example"),
        ("GW.example", "http://gw.EXAMPLE"),
        ("[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_the_gateways_own_pages_are_not_foreign(app: App, host: str, origin: str) -> None:
    response = app.call("GET", "/v1/models", origin, Host=host)
    assert (response.status_code, cors_headers(response)) == (200, set())


@pytest.mark.parametrize(
    ("host", "status"),
    [("gw.example:8000", 403), ("localhost:8000", 200), ("127.0.0.1:8000", 200), ("[::1]:8000", 200)],
)
def test_without_a_key_a_name_does_not_make_a_page_ones_own(app: App, host: str, status: int) -> None:
    """Whoever owns a name may let it mean this machine."""
    app.services.settings.save({"api_key": ""})
    assert app.call("GET", "/v1/models", f"http://{host}", None, Host=host).status_code == status


@pytest.mark.parametrize(
    ("host", "origin"),
    [("gw.example", "https://gw.example:80"), ("gw.example:80", "http://gw.example:443"), ("", "http://")],
)
def test_another_port_is_another_origin(app: App, host: str, origin: str) -> None:
    assert app.call("GET", "/v1/models", origin, Host=host).status_code == 403


def test_a_client_without_an_origin_is_never_affected(app: App) -> None:
    response = app.call("GET", "/v1/models", None)
    assert (response.status_code, cors_headers(response)) == (200, set())
    assert app.call("OPTIONS", CHAT, None, None).status_code == 401


def test_a_star_admits_every_page(app: App) -> None:
    app.services.settings.save({"cors_origins": "*"})
    for origin in ("https://any.example", "null"):
        response = app.call("GET", "/v1/models", origin)
        assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (200, "*")
        assert "Origin" not in response.vary
        assert app.preflight(origin).status_code == 204


def test_with_nothing_listed_every_foreign_page_is_refused(app: App) -> None:
    app.services.settings.save({"cors_origins": ""})
    assert app.call("GET", "/v1/models", LISTED).status_code == 403


@pytest.mark.parametrize("listed", [LISTED, "*"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/settings", "/api/login", "/api/nothing", "/", "/login", "/manage", "/manage/nothing", "/health",
        "/static/css/base.css",
    ],
)  # fmt: skip
def test_the_admin_api_and_the_pages_never_have_cors_headers(app: App, path: str, listed: str) -> None:
    app.services.settings.save({"cors_origins": listed})
    for response in (app.call("GET", path, LISTED), app.preflight(LISTED, path)):
        with response:
            assert response.status_code not in (204, 500)
            assert not cors_headers(response)


# Over real connections


@pytest.fixture
def open_gateway(gateway: Gateway) -> Iterator[Gateway]:
    gateway.admin("/api/settings", {"global_config": {"cors_origins": LISTED}})
    time.sleep(SETTINGS_FRESH_S)
    yield gateway
    gateway.admin("/api/settings", {"global_config": {"cors_origins": ""}})
    time.sleep(SETTINGS_FRESH_S)


def test_a_listed_page_can_read_a_stream_and_is_told_what_was_ignored(open_gateway: Gateway) -> None:
    body = {"model": "grok-4.1", "messages": [{"role": "user", "content": "Hi"}], "stream": True, "seed": 1}
    headers = {"Origin": LISTED}
    with open_gateway.session.post(
        open_gateway.url + CHAT, json=body, headers=headers, stream=True
    ) as response:
        assert response.status_code == 200
        assert response.headers["Access-Control-Allow-Origin"] == LISTED
        assert response.headers["X-Ignored-Params"] == "seed"
        assert response.content.endswith(b"data: [DONE]\n\n")
    refused = open_gateway.post(CHAT, body, Origin="https://evil.example")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert open_gateway.post(CHAT, body, Origin=open_gateway.url).status_code == 200
