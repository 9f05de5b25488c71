"""Flask's side: which blueprint has which guard, the request id, CORS, and errors in the caller's words."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.middleware.proxy_fix import ProxyFix

from grok2api import logs
from grok2api.errors import StorageUnavailable
from grok2api.ids import new_id
from grok2api.services import Services
from grok2api.web import admin, api, cors, counting, media, metrics, ops, pages
from grok2api.web.admin import errors as admin_errors
from grok2api.web.api import errors as api_errors
from grok2api.web.security import SessionCookie, harden
from grok2api.web.services import KEY, get_services

Guard = Callable[[], None]

#: Every blueprint with what opens it; None is said, not forgotten (a test asks).
BLUEPRINTS: tuple[tuple[Blueprint, Guard | None], ...] = (
    (api.blueprint, api.require_api_key),
    (admin.blueprint, admin.require_operator),
    (media.blueprint, None),
    (ops.blueprint, None),
    (metrics.blueprint, metrics.require_scraper),
    (pages.blueprint, None),
)

_REQUEST_ID = re.compile(r"[\w.\-]{1,64}")


def register(app: Flask, services: Services, trusted_proxies: int) -> None:
    """Put the web side onto the app."""
    app.extensions[KEY] = services
    app.session_interface = SessionCookie()
    pages.set_up(app)
    app.before_request(_begin)
    app.before_request(cors.check_origin)
    app.after_request(_finish)
    app.after_request(cors.finish)
    app.after_request(harden)
    app.after_request(counting.count_request)
    for blueprint, guard in BLUEPRINTS:
        if guard is not None and guard not in blueprint.before_request_funcs.get(None, ()):
            blueprint.before_request(guard)
        app.register_blueprint(blueprint)
    login = admin.make_login_manager()
    login.init_app(app, add_context_processor=False)  # a page of an error is drawn without looking who asks
    # Nobody is remembered by a cookie of its own; looking for one would make every answer differ by cookie to caches.
    app.after_request_funcs[None].remove(login._update_remember_cookie)
    app.register_error_handler(Exception, _failed)
    if trusted_proxies:
        hops = trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    logs.request_id.set(given if _REQUEST_ID.fullmatch(given) else new_id())


def _finish(response: Response) -> Response:
    response.headers["X-Request-ID"] = logs.request_id.get()
    return response


def _failed(error: Exception) -> Response:
    """In the dialect of whoever asked."""
    if isinstance(error, StorageUnavailable):
        get_services().metrics.storage_failed("request")
    if request.path.startswith("/api/"):
        response = admin_errors.error_response(error)
    elif pages.is_page():
        response = pages.error_page(error)
    else:
        response = api_errors.error_response(error)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response
