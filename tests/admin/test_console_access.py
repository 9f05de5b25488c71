"""The console as a client of the OpenAI API: its session and CSRF token do for a key, and nothing else does."""

from __future__ import annotations

import pytest
import requests

from tests.admin.browser import Browser
from tests.gateway import Gateway, events, text_of

KEY = "sk-for-clients"
BODY = {"model": "grok-4.1", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def locked(gateway: Gateway) -> Gateway:
    """A gateway that needs a key."""
    gateway.set_settings(api_key=KEY)
    return gateway


@pytest.fixture
def console(locked: Gateway) -> Browser:
    browser = Browser(locked.url)
    assert browser.log_in().status_code == 200
    return browser


def told(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_session_with_the_csrf_token_opens_the_api(console: Browser) -> None:
    for _ in range(4):
        models = console.get("/v1/models", **console.csrf)
        assert models.status_code == 200 and models.json()["data"]
    answer = console.post("/v1/chat/completions", BODY)
    assert answer.status_code == 200 and answer.json()["choices"][0]["message"]["content"]


def test_an_answer_streams_to_the_console(console: Browser) -> None:
    answer = console.post("/v1/chat/completions", BODY | {"stream": True}, Origin=console.url)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/event-stream")
    found = events(answer)
    assert found[-1] == "[DONE]" and text_of(found)


@pytest.mark.parametrize("given", [None, "", "wrong", "\u00e9"])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions"])
def test_the_cookie_alone_or_with_a_wrong_token_does_not(
    console: Browser, path: str, given: str | None
) -> None:
    console.csrf = {} if given is None else {"X-CSRF-Token": given}
    answer = console.get(path, **console.csrf) if path == "/v1/models" else console.post(path, BODY)
    assert told(answer) == (401, "invalid_api_key")


def test_the_csrf_token_without_the_session_or_with_another_ones_does_not(console: Browser) -> None:
    stranger = Browser(console.url)
    assert told(stranger.get("/v1/models", **console.csrf)) == (401, "invalid_api_key")
    assert stranger.log_in().status_code == 200
    assert told(stranger.get("/v1/models", **console.csrf)) == (401, "invalid_api_key")


def test_it_ends_with_the_session(console: Browser) -> None:
    csrf = dict(console.csrf)
    cookies = dict(console.session.cookies)
    assert console.post("/api/logout").status_code == 200
    console.session.cookies.update(cookies)
    assert told(console.get("/v1/models", **csrf)) == (401, "invalid_api_key")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example"])
def test_a_foreign_page_is_refused_whatever_it_has(console: Browser, origin: str) -> None:
    answer = console.post("/v1/chat/completions", BODY | {"stream": True}, Origin=origin)
    assert told(answer) == (403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert told(console.get("/v1/models", Origin=origin, **console.csrf)) == (403, "origin_not_allowed")


@pytest.mark.parametrize("given", ["Bearer wrong", "Bearer ", "", "Basic YWRtaW46YWRtaW4="])
def test_a_wrong_key_beside_it_counts_as_a_wrong_key(console: Browser, given: str) -> None:
    answer = console.get("/v1/models", Authorization=given, **console.csrf)
    assert told(answer) == (401, "invalid_api_key")


def test_a_right_key_beside_it_counts_as_a_key(console: Browser) -> None:
    assert console.get("/v1/models", Authorization=f"Bearer {KEY}", **console.csrf).status_code == 200
    assert (
        console.get("/v1/models", Authorization=f"Bearer {KEY}", **{"X-CSRF-Token": "x"}).status_code == 200
    )


def test_a_scripts_token_for_the_console_is_no_key(console: Browser) -> None:
    assert told(Browser(console.url).get("/v1/models", Authorization=f"Bearer {console.token}")) == (
        401,
        "invalid_api_key",
    )


def test_the_keys_of_clients_do_not_open_the_console(locked: Gateway) -> None:
    answer = Browser(locked.url).get("/api/settings", Authorization=f"Bearer {KEY}")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


def test_while_no_key_is_set_only_the_consoles_own_page_may_have_a_name(gateway: Gateway) -> None:
    """A name may be made to mean this machine by whoever owns it; such a page has neither cookie nor token."""
    named = {"Host": "gw.example", "Origin": "http://gw.example"}
    stranger = Browser(gateway.url)
    assert told(stranger.get("/v1/models", **named)) == (403, "origin_not_allowed")
    console = Browser(gateway.url)
    assert console.log_in().status_code == 200
    cookie = "; ".join(f"{name}={value}" for name, value in console.session.cookies.items())
    assert stranger.get("/v1/models", Cookie=cookie, **named, **console.csrf).status_code == 200
    assert told(stranger.get("/v1/models", Cookie=cookie, **named)) == (403, "origin_not_allowed")


def test_a_stored_response_of_the_console_is_not_a_clients(console: Browser) -> None:
    body = {"model": "grok-4.1", "input": "Hello"}
    answer = console.post("/v1/responses", body)
    assert answer.status_code == 200
    path = f"/v1/responses/{answer.json()['id']}"
    assert console.get(path, **console.csrf).status_code == 200
    assert console.get(path, Authorization=f"Bearer {KEY}").status_code == 404
