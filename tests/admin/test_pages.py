"""The console's pages: who sees them, in which language and colours, and what browsers are told about them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from grok2api.app import create_app
from grok2api.env import Env
from grok2api.services import Services
from grok2api.web.pages import PAGES
from grok2api.web.services import KEY
from tests.gateway import ROOT

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "media-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
CLEARANCE, SESAME = "clearance-nobody-sees", "open sesame"
PATHS = ["/manage", *(f"/manage/{page}" for page in PAGES[1:])]


class App:
    """The gateway in this process, behind a proxy that is trusted."""

    def __init__(self, data_dir: Path) -> None:
        app = create_app(Env(data_dir=data_dir, trusted_proxies=1))
        self.services: Services = app.extensions[KEY]
        self.client: FlaskClient = app.test_client()
        self.csrf = ""

    def log_in(self, **headers: str) -> TestResponse:
        body = {"username": "admin", "password": "admin"}
        answer = self.client.post("/api/login", json=body, headers=headers)
        self.csrf = answer.get_json()["csrf_token"]
        return answer

    def page(self, path: str, headers: dict[str, str] | None = None, status: int = 200) -> str:
        """The HTML of a page."""
        answer = self.client.get(path, headers=headers)
        assert (answer.status_code, answer.mimetype) == (status, "text/html"), path
        return answer.text


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    made = App(tmp_path)
    yield made
    made.services.store.close()


@pytest.fixture
def inside(app: App) -> App:
    """Somebody is logged in."""
    app.log_in()
    return app


class Reader(HTMLParser):
    """What an HTML text holds, checked as it is read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag
        assert tag != "style", attrs
        assert len(dict(attrs)) == len(attrs), (tag, attrs)
        for name, value in attrs:
            assert name != "style" and not name.startswith("on"), (tag, attrs)
            assert not re.match(r"\s*(javascript|data|vbscript):", value or "", re.IGNORECASE), (tag, attrs)

    def handle_data(self, data: str) -> None:
        assert self.inside != "script" or not data.strip(), data

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def then(app: App, wanted: str) -> str:
    """Where the login page of this `next` leads."""
    html = app.page(f"/login?next={quote(wanted, safe='')}")
    [form] = Reader(html).of("form")
    return form["data-then"] or ""


# Who sees them


def test_the_start_leads_to_the_console_and_that_to_the_login(app: App) -> None:
    start = app.client.get("/")
    assert (start.status_code, start.location) == (302, "/manage")
    for path in PATHS:
        console = app.client.get(path)
        assert (console.status_code, console.location) == (302, f"/login?next={path}")
        assert console.headers["Cache-Control"] == "no-store"
    filtered = app.client.get("/manage/tokens?status=cooling&q=a%20b").location
    assert then(app, "/manage/tokens?status=cooling&q=a%20b") == "/manage/tokens?status=cooling&q=a%20b"
    assert filtered == "/login?next=/manage/tokens?status%3Dcooling%26q%3Da%2520b"


def test_who_is_logged_in_sees_every_page_and_no_login(inside: App) -> None:
    for path in PATHS:
        html = inside.page(path)
        [root] = Reader(html).of("html")
        assert root["data-csrf"] == inside.csrf
        assert "admin" in html
    login = inside.client.get("/login?next=/manage/media")
    assert (login.status_code, login.location) == (302, "/manage/media")
    assert inside.client.get("/").location == "/manage"


def test_after_the_logout_the_pages_lead_to_the_login(inside: App) -> None:
    inside.client.post("/api/logout", headers={"X-CSRF-Token": inside.csrf})
    assert inside.client.get("/manage").location == "/login?next=/manage"
    [root] = Reader(inside.page("/login")).of("html")
    assert not root["data-csrf"]


@pytest.mark.parametrize("wanted", [*PATHS, "/manage/tokens?status=cooling", "/manage?x=//evil.example"])
def test_the_login_leads_to_a_page_of_the_console(app: App, wanted: str) -> None:
    assert then(app, wanted) == wanted
    app.log_in()
    assert app.client.get(f"/login?next={quote(wanted, safe='')}").location == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "", "//evil.example", "https://evil.example", "https://evil.example/manage", "//evil.example/manage",
        "/\\evil.example", "\\\\evil.example", "/api/tokens/export", "/manage/../api/settings", "/manage/..",
        "/manage/nothing", "/manage/", "/manage//evil.example", "/managed", "manage", "/login", "/static/logo.svg",
        "javascript:alert(1)", "data:text/html,x", "///evil.example", "http:/manage", "https:manage", "//[",
        "//[x]/manage", "http://[::1/manage", "/manage/%2e%2e", "/manage/tokens/../../api", " //evil.example",
        "/manage@evil.example", "\t//evil.example", "/manage/overview", "/" * 5000, "\x00/manage", "/v1/models",
        "/manage;//evil.example", "///manage", "//@/manage",
    ],
)  # fmt: skip
def test_the_login_leads_nowhere_else(app: App, wanted: str) -> None:
    assert then(app, wanted) == "/manage"
    app.log_in()
    assert app.client.get(f"/login?next={quote(wanted, safe='')}").location == "/manage"


def test_a_line_end_in_the_address_makes_no_header(app: App) -> None:
    app.log_in()
    answer = app.client.get("/login?next=/manage%3Fa%0d%0aSet-Cookie:%20x=y%0d%0a")
    assert answer.status_code == 302 and answer.location.startswith("/manage?a")
    assert "Set-Cookie" not in answer.headers and "\n" not in answer.location


def test_the_first_login_is_explained_to_who_could_use_it(app: App) -> None:
    assert "name admin, password admin" in app.page("/login")
    assert "name admin, password admin" not in app.page("/login", {"X-Forwarded-For": "8.8.8.8"})
    app.services.auth.set_password(SESAME)
    assert "name admin, password admin" not in app.page("/login")


# What browsers are told


@pytest.mark.parametrize("path", [*PATHS, "/login", "/", "/manage/nothing", "/login/x"])
@pytest.mark.parametrize("known", [True, False])
def test_each_page_has_the_headers_of_a_page(app: App, path: str, known: bool) -> None:
    if known:
        app.log_in()
    headers = app.client.get(path).headers
    parts = [part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")]
    assert dict(parts) == POLICY and len(parts) == len(POLICY)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert {"Cookie", "Accept-Language"} <= {name.strip() for name in headers["Vary"].split(",")}


@pytest.mark.parametrize(
    "path", ["/v1/models", "/api/settings", "/health", "/static/css/base.css", "/nothing"]
)
def test_nothing_is_to_be_taken_for_what_it_does_not_say(app: App, path: str) -> None:
    with app.client.get(path) as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_loads_what_is_here_and_only_that(inside: App) -> None:
    for path in [*PATHS, "/manage/nothing"]:
        reader = Reader(inside.client.get(path).text)
        for tag, attributes in reader.tags:
            for name in ("src", "href", "data-texts", "action", "data-url"):
                place = attributes.get(name) or ""
                if name == "href" and tag == "a":
                    assert not place.startswith("//"), (path, tag, place)
                elif place:
                    assert place.startswith("/static/"), (path, tag, place)
                    assert (ROOT / place.lstrip("/").partition("#")[0]).is_file(), (path, place)


def test_there_is_nothing_inline_in_any_page(app: App) -> None:
    for language in ("en", "zh-CN"):
        app.client.set_cookie("lang", language)
        Reader(app.page("/login"))
        Reader(app.page("/manage/nothing", status=404))
    app.log_in()
    for language in ("en", "zh-CN"):
        app.client.set_cookie("lang", language)
        for path in PATHS:
            reader = Reader(app.page(path))
            assert reader.of("script") and all(script.get("src") for script in reader.of("script"))


# Cookies


def test_the_sessions_cookie_is_for_this_site_and_no_script(app: App) -> None:
    cookie = app.log_in().headers["Set-Cookie"]
    parts = [part.strip() for part in cookie.split(";")]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(parts)
    assert "Secure" not in parts and not [part for part in parts if part.startswith("Domain")]


def test_it_is_secure_behind_tls(app: App) -> None:
    cookie = app.log_in(**{"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1"}).headers[
        "Set-Cookie"
    ]
    assert {"HttpOnly", "SameSite=Lax", "Secure"} <= {part.strip() for part in cookie.split(";")}


def test_a_page_cannot_say_that_its_name_is_another_by_a_header(app: App) -> None:
    """A proxy may pass on a X-Forwarded-Host that a script has set."""
    body = {"username": "admin", "password": "admin"}
    headers = {"Host": "evil.example", "X-Forwarded-Host": "localhost", "X-Forwarded-For": "127.0.0.1"}
    answer = app.client.post("/api/login", json=body, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "default_password")


def test_who_is_not_trusted_cannot_make_it_secure(tmp_path: Path) -> None:
    app = create_app(Env(data_dir=tmp_path))
    body = {"username": "admin", "password": "admin"}
    answer = app.test_client().post("/api/login", json=body, headers={"X-Forwarded-Proto": "https"})
    assert answer.status_code == 200 and "Secure" not in answer.headers["Set-Cookie"]
    app.extensions[KEY].store.close()


def test_a_page_that_is_looked_at_sets_no_cookie(app: App) -> None:
    for path in ("/", "/login", "/manage", "/manage/nothing"):
        assert "Set-Cookie" not in app.client.get(path).headers, path


# Language and colours


@pytest.mark.parametrize(
    ("asked", "tag"),
    [
        ("", "en"), ("de", "en"), ("*", "en"), ("en-US", "en"), ("zh-CN", "zh-CN"), ("zh", "zh-CN"), ("ZH-cn", "zh-CN"),
        ("zh-Hans-CN", "zh-CN"), ("zh-TW,zh-Hant;q=0.9", "zh-CN"), ("de, zh-CN;q=0.1", "zh-CN"),
        ("en;q=0.5, zh-CN;q=0.9", "zh-CN"), ("zh-CN;q=0.5, en-GB", "en"), ("zh-CN;q=0, de", "en"), ("zhx", "en"),
        ("zh-CN;q=x", "en"), (";,;q=;", "en"),
    ],
)  # fmt: skip
def test_a_page_is_in_the_language_that_is_asked_for(app: App, asked: str, tag: str) -> None:
    html = app.page("/login", {"Accept-Language": asked})
    [root] = Reader(html).of("html")
    assert root["lang"] == tag
    assert ("登录" in html) == (tag == "zh-CN")
    assert root["data-texts"] == f"/static/i18n/{tag}.json"
    [chosen] = [option for option in Reader(html).of("option") if option.get("lang") and "selected" in option]
    assert chosen["value"] == tag


def test_what_was_chosen_says_more_than_what_the_browser_asks_for(inside: App) -> None:
    inside.client.set_cookie("lang", "zh-CN")
    for path in PATHS:
        assert '<html lang="zh-CN"' in inside.page(path, {"Accept-Language": "en"})
    inside.client.set_cookie("lang", "en")
    assert '<html lang="en"' in inside.page("/manage", {"Accept-Language": "zh-CN"})
    for wrong in ("tlh", "", "../en", '"><script>'):
        inside.client.set_cookie("lang", wrong)
        assert '<html lang="zh-CN"' in inside.page("/manage", {"Accept-Language": "zh-CN"})


@pytest.mark.parametrize(
    ("cookie", "theme"),
    [
        (None, None),
        ("light", "light"),
        ("dark", "dark"),
        ("blue", None),
        ("", None),
        ('dark" onload="x', None),
    ],
)
def test_the_colours_are_those_that_were_chosen(app: App, cookie: str | None, theme: str | None) -> None:
    if cookie is not None:
        app.client.set_cookie("theme", cookie)
    [root] = Reader(app.page("/login")).of("html")
    assert root.get("data-theme") == theme


# Errors


@pytest.mark.parametrize(
    "path", ["/manage/nothing", "/manage/", "/login/", "/manage/tokens/1", "/manage/%3Cscript%3E"]
)
def test_a_page_that_is_not_there_is_told_in_the_readers_language(app: App, path: str) -> None:
    html = app.page(path, {"Accept-Language": "zh-CN"}, 404)
    assert '<html lang="zh-CN"' in html and "<script>" not in html
    assert [link for link in Reader(html).of("a") if link["href"] == "/manage"]


def test_what_is_no_page_is_told_in_its_own_words(app: App) -> None:
    assert app.client.get("/nothing").get_json()["error"]["message"]
    assert app.client.get("/api/nothing").get_json()["success"] is False


def test_the_overview_has_one_address(inside: App) -> None:
    answer = inside.client.get("/manage/overview")
    assert answer.status_code in (301, 308) and answer.location.endswith("/manage")


def test_a_page_takes_no_writes(inside: App) -> None:
    for path in ("/manage", "/login", "/manage/settings", "/"):
        answer = inside.client.post(path)
        assert (answer.status_code, answer.mimetype) == (405, "text/html"), path


# Secrets


def test_no_page_holds_a_secret_but_the_key_in_its_own_form(inside: App) -> None:
    inside.services.settings.save({"cf_clearance": CLEARANCE, "api_key": "sk-shown"})
    inside.services.settings.save({"admin_password": "hash-nobody-sees"})
    inside.services.book.add(
        ["sim-basic-ok-secret-of-an-account"], next(iter(inside.services.catalogue.all())).tier
    )
    for path in PATHS:
        html = inside.page(path)
        assert CLEARANCE not in html and "hash-nobody-sees" not in html and "secret-of-an-account" not in html
        assert ("sk-shown" in html) == (path == "/manage/settings")
    [field] = [
        one
        for one in Reader(inside.page("/manage/settings")).of("input")
        if one.get("id") == "set-cf_clearance"
    ]
    assert field["type"] == "password" and "value" not in field
