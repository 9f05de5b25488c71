"""POST /api/login and /api/logout, and the guard of everything else under /api."""

from __future__ import annotations

import pytest
import requests

from tests.gateway import Gateway


@pytest.fixture
def browser(gateway: Gateway) -> requests.Session:
    """A session that keeps cookies, as a browser does."""
    session = requests.Session()
    session.trust_env = False
    return session


def _log_in(
    browser: requests.Session, url: str, password: str = "admin", **headers: str
) -> requests.Response:
    body = {"username": "admin", "password": password}
    return browser.post(f"{url}/api/login", json=body, headers=headers)


def test_a_login_gives_a_cookie_a_token_and_a_csrf_token(gateway: Gateway, browser: requests.Session) -> None:
    answer = _log_in(browser, gateway.url)
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    assert {"token", "csrf_token", "message"} <= set(answer.json())
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


@pytest.mark.parametrize(("name", "password"), [("admin", "wrong"), ("root", "admin"), ("", "")])
def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(
    gateway: Gateway, browser: requests.Session, name: str, password: str
) -> None:
    answer = browser.post(f"{gateway.url}/api/login", json={"username": name, "password": password})
    assert answer.status_code == 401
    assert answer.json() == {
        "success": False,
        "error": "The name or the password is wrong.",
        "code": "wrong_credentials",
    }


def test_without_a_session_everything_is_401(gateway: Gateway, browser: requests.Session) -> None:
    for path in ("/api/tokens/add", "/api/settings", "/api/logout"):
        answer = browser.post(gateway.url + path, json={})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    forged = {"Authorization": "Bearer forged"}
    assert browser.get(f"{gateway.url}/api/settings", headers=forged).status_code == 401


def test_writes_by_cookie_need_the_csrf_token_and_by_bearer_token_do_not(
    gateway: Gateway, browser: requests.Session
) -> None:
    login = _log_in(browser, gateway.url).json()
    url, body = f"{gateway.url}/api/tokens/add", {"tokens": [], "token_type": "sso"}
    refused = browser.post(url, json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
    assert browser.post(url, json=body, headers={"X-CSRF-Token": "wrong"}).status_code == 403
    assert browser.post(url, json=body, headers={"X-CSRF-Token": login["csrf_token"]}).status_code == 200
    bearer = {"Authorization": f"Bearer {login['token']}"}
    assert requests.post(url, json=body, headers=bearer, timeout=10).status_code == 200


def test_logging_out_ends_the_session_on_every_worker(gateway: Gateway, browser: requests.Session) -> None:
    login = _log_in(browser, gateway.url).json()
    bearer = {"Authorization": f"Bearer {login['token']}", "Connection": "close"}
    assert requests.get(f"{gateway.url}/api/settings", headers=bearer, timeout=10).status_code == 200
    browser.post(f"{gateway.url}/api/logout", headers={"X-CSRF-Token": login["csrf_token"]})
    statuses = {
        requests.get(f"{gateway.url}/api/settings", headers=bearer, timeout=10).status_code for _ in range(10)
    }
    assert statuses == {401}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "8.8.8.8"},
        {"X-Forwarded-For": "127.0.0.1, 2001:4860:4860::8888"},
        {"X-Real-IP": "1.1.1.1"},
        {"Forwarded": 'for="[2001:4860:4860::8888]:47011";proto=http, for=10.0.0.1'},
        {"Forwarded": "for=unknown"},
        {"Forwarded": "proto=http; FOR = 8.8.8.8"},
        {"X-Forwarded": "for=8.8.8.8"},
        {"X-Forwarded-For": "8.8.8.8:4711"},
        {"X-Forwarded-For": "2001:0:4136:e378:8000:63bf:3fff:fdd2"},
        {"CF-Connecting-IP": "8.8.8.8"},
        {"CF-Connecting-IPv6": "2001:4860:4860::8888"},
        {"True-Client-IP": "8.8.8.8"},
        {"X-Client-IP": "8.8.8.8"},
        {"Fly-Client-IP": "8.8.8.8"},
        {"X-Original-Forwarded-For": "8.8.8.8"},
    ],
)
def test_the_default_password_opens_only_from_near(
    gateway: Gateway, browser: requests.Session, headers: dict[str, str]
) -> None:
    answer = _log_in(browser, gateway.url, **headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "default_password")
    assert "set-password" in answer.json()["error"]


@pytest.mark.parametrize("address", ["192.168.1.5", "10.1.2.3, 127.0.0.1", "fd00::1", "::ffff:10.0.0.1"])
def test_addresses_of_the_own_network_are_near(
    gateway: Gateway, browser: requests.Session, address: str
) -> None:
    assert _log_in(browser, gateway.url, **{"X-Forwarded-For": address}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil"]
)
def test_the_default_password_opens_to_no_page_of_a_strangers_whose_name_means_this_machine(
    gateway: Gateway, browser: requests.Session, host: str
) -> None:
    answer = _log_in(browser, gateway.url, Host=host)
    assert (answer.status_code, answer.json()["code"]) == (403, "default_password")


@pytest.mark.parametrize("host", ["localhost:8000", "[::1]:8000", "nas", "nas.local", "gateway.internal:80"])
def test_it_opens_by_an_address_and_by_names_that_no_stranger_can_own(
    gateway: Gateway, browser: requests.Session, host: str
) -> None:
    assert _log_in(browser, gateway.url, Host=host).status_code == 200


def test_a_login_of_a_page_of_another_site_is_refused(gateway: Gateway, browser: requests.Session) -> None:
    answer = _log_in(browser, gateway.url, **{"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")


def test_what_anybody_may_send_is_small(gateway: Gateway, browser: requests.Session) -> None:
    assert _log_in(browser, gateway.url, "x" * 70_000).status_code == 413


@pytest.mark.parametrize(
    ("host", "headers", "status"),
    [
        ("nas.lan:8000", {"Origin": "http://evil.example"}, 403),
        ("nas.lan:8000", {"Origin": "http://evil.example:8000"}, 403),
        ("nas.lan:8000", {"Origin": "null"}, 403),
        ("nas.lan:8000", {"Origin": "http://nas.lan:8000"}, 200),
        ("nas.lan", {"Origin": "https://nas.lan"}, 200),
        ("127.0.0.1", {"Origin": "https://grok.example", "Sec-Fetch-Site": "same-origin"}, 200),
        ("127.0.0.1", {"Origin": "https://public.example"}, 200),
    ],
)
def test_where_a_browser_does_not_tell_the_site_the_origin_does(
    gateway: Gateway, browser: requests.Session, host: str, headers: dict[str, str], status: int
) -> None:
    """It tells it to https and this machine only. The last one: a proxy hides the name that base_url says."""
    gateway.set_settings(base_url="https://public.example")
    answer = _log_in(browser, gateway.url, Host=host, **headers)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "header", [{"X-Forwarded-Proto": "https"}, {"X-Forwarded-Protocol": "ssl"}, {"X-Forwarded-Ssl": "on"}]
)
def test_who_is_not_trusted_cannot_say_that_it_is_tls(
    gateway: Gateway, browser: requests.Session, header: dict[str, str]
) -> None:
    """gunicorn believes every process of this machine unless told otherwise."""
    answer = _log_in(browser, gateway.url, **header)
    assert answer.status_code == 200 and "Secure" not in answer.headers["Set-Cookie"]


def test_nobody_can_move_the_path_by_a_header(gateway: Gateway, browser: requests.Session) -> None:
    body = {"username": "admin", "password": "admin"}
    answer = browser.post(f"{gateway.url}/v1/api/login", json=body, headers={"SCRIPT_NAME": "/v1"})
    assert answer.status_code == 404


def test_a_wrong_method_is_told_which_are_right(gateway: Gateway, browser: requests.Session) -> None:
    answer = browser.get(f"{gateway.url}/api/login")
    assert (answer.status_code, answer.json()["success"]) == (405, False)
    assert answer.headers["Allow"] == "OPTIONS, POST"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
