"""The console's pages: frames that scripts fill through the admin API, in the reader's language and colours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as AnyResponse

from grok2api import __version__
from grok2api.errors import StorageUnavailable
from grok2api.settings import GROUPS, SETTINGS, Setting
from grok2api.web.forwarding import named_addresses
from grok2api.web.i18n import LANGUAGES, Texts, language, load_texts
from grok2api.web.security import harden_page
from grok2api.web.services import get_services

#: The console's pages in the order of its navigation; the first one is what /manage shows.
PAGES = ("overview", "tokens", "playground", "keys", "logs", "media", "settings", "audit")
THEMES = ("light", "dark")
THEME_COOKIE = "theme"
_TEXTS = "grok2api_texts"

log = logging.getLogger(__name__)

blueprint = Blueprint("pages", __name__)
blueprint.after_request(harden_page)


def set_up(app: Flask) -> None:
    """Read the texts, once."""
    app.extensions[_TEXTS] = load_texts(Path(app.static_folder or "") / "i18n")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


@blueprint.get("/")
def start() -> AnyResponse:
    return redirect(url_for("pages.manage"))


@blueprint.get("/login")
def login() -> AnyResponse | str:
    then = _own_path(request.args.get("next", ""))
    if current_user.is_authenticated:
        return redirect(then)
    # Only for who could use it: others need not know.
    first = get_services().auth.default_password_opens(named_addresses())
    return _page("login.html", then=then, first_login=first)


@blueprint.get("/manage", defaults={"page": PAGES[0]})
@blueprint.get("/manage/<page>")
def manage(page: str) -> AnyResponse | str:
    if page not in PAGES or (page == PAGES[0]) != (request.path == url_for("pages.manage")):
        raise NotFound
    if not current_user.is_authenticated:
        return redirect(url_for("pages.login", next=request.full_path.rstrip("?")))
    more = _MORE[page]() if page in _MORE else {}
    return _page(f"{page}.html", page=page, pages=PAGES, **more)


def is_page() -> bool:
    """Whether whoever asks is to see a page, also one that is not there."""
    return f"{request.path}/".startswith(("/login/", "/manage/")) or request.path == "/"


def error_page(error: Exception) -> Response:
    """An error in words. It needs no session and no storage."""
    status = 500
    if isinstance(error, HTTPException):
        status = error.code or 500
    elif isinstance(error, StorageUnavailable):
        status = 503
    else:
        log.error("a page failed unexpectedly", exc_info=error)
    key = {404: "page.not_found", 503: "page.storage_away"}.get(status, "page.failed")
    return harden_page(make_response(_page("error.html", signed_in=False, key=key, status=status), status))


def _page(template: str, signed_in: bool | None = None, **values: Any) -> str:
    tag = language()
    texts: Texts = current_app.extensions[_TEXTS][tag]
    theme = request.cookies.get(THEME_COOKIE, "")
    known = current_user.is_authenticated if signed_in is None else signed_in

    def t(key: str, **blanks: object) -> str:
        return texts[key].format(**blanks) if blanks else texts[key]

    return render_template(
        template,
        t=t,
        lang=tag,
        languages=LANGUAGES,
        theme=theme if theme in THEMES else "",
        version=__version__,
        csrf_token=current_user.session.csrf_token if known else "",
        username=current_user.session.username if known else "",
        **values,
    )


def _own_path(text: str) -> str:
    """Where to go after the login: a page of the console, whatever the link says."""
    home = url_for("pages.manage")
    try:
        parts = urlsplit(text)
    except ValueError:  # a malformed host
        return home
    known = {home, *(f"{home}/{page}" for page in PAGES[1:])}
    if parts.scheme or parts.netloc or parts.path not in known:
        return home
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _settings_page() -> dict[str, Any]:
    snapshot = get_services().settings.fresh()  # whoever has just saved sees what they saved
    shown = [setting for setting in SETTINGS if setting.name != "admin_password"]
    groups = {group: [setting for setting in shown if setting.group == group] for group in GROUPS}
    values = {setting.name: getattr(snapshot, setting.name) for setting in shown}
    return {"groups": groups, "values": values, "kind_of": _kind_of, "int_type": int}


def _kind_of(setting: Setting) -> str:
    """What it is entered with."""
    if setting.secret:
        return "secret"
    if setting.choices:
        return "choice"
    return {bool: "switch", int: "number", float: "number"}.get(setting.type, "text")


def _playground_page() -> dict[str, Any]:
    """key_from: what clients can take for their key; empty: they need none."""
    services = get_services()
    sources = (("setting", services.settings.snapshot().api_key), ("named", services.settings.keys()))
    key_from = "_or_".join(source for source, there in sources if there)
    return {"models": services.catalogue.all(), "key_from": key_from}


def _with_models() -> dict[str, Any]:
    return {"models": get_services().catalogue.all()}


_MORE: dict[str, Callable[[], dict[str, Any]]] = {
    "keys": _with_models,
    "logs": _with_models,
    "settings": _settings_page,
    "playground": _playground_page,
}
