"""Which web pages may call the API: a request with a foreign `Origin` is refused unless `cors_origins` lists it.

For the paths in OPEN_TO_PAGES only; the admin API and the pages never answer with CORS headers. Requests without an
`Origin`, which is every client but a browser, are not affected. No credentials: a page sends its key itself.
"""

from __future__ import annotations

import re

from flask import Response, g, request

from grok2api.web.api.errors import OriginNotAllowed
from grok2api.web.console_access import is_console
from grok2api.web.hosts import is_of, no_stranger_owns
from grok2api.web.services import get_services

OPEN_TO_PAGES = ("/v1/", "/images/")

_METHODS = "GET, HEAD, POST, DELETE"
_EXPOSED = "X-Request-ID, X-Ignored-Params, Retry-After, x-should-retry"
#: Seconds for which a browser need not ask again; Chrome takes no more.
_MAX_AGE_S = 7200
_MAX_HEADERS = 50
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_NOT_SHOWN = re.compile(r"[^!-~]")


def check_origin() -> Response | None:
    """Before a request, and before its key is asked for: answers a preflight. Raises OriginNotAllowed."""
    if not f"{request.path}/".startswith(OPEN_TO_PAGES):
        return None
    listed = get_services().settings.snapshot().cors_origins
    g.cors = "*" if listed == "*" else ""
    origin = request.headers.get("Origin", "")
    if not origin:
        return None
    if listed != "*" and origin.lower() in listed.split(","):
        g.cors = origin
    if not g.cors:
        if _is_own(origin):
            return None
        shown = _NOT_SHOWN.sub("?", origin[:100])
        raise OriginNotAllowed(
            f"Web pages of the origin {shown} may not call this gateway: it is not in the setting cors_origins."
        )
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return _preflight()
    return None


def finish(response: Response) -> Response:
    """After a request, also a failed one."""
    allowed = g.get("cors")
    if allowed is None:
        return response
    if allowed != "*":
        response.vary.add("Origin")
    if allowed:
        response.headers["Access-Control-Allow-Origin"] = allowed
        response.headers["Access-Control-Expose-Headers"] = _EXPOSED
    return response


def _is_own(origin: str) -> bool:
    """Whether the page is of this gateway's own host and port. Its scheme may have ended at a proxy.

    While no key is set, a name that somebody else may own is not enough: their page would need nothing else. The
    console's pages have more than that.
    """
    if not is_of(origin, request.host):
        return False
    return get_services().client_keys.needed() or no_stranger_owns(request.host) or is_console()


def _preflight() -> Response:
    response = Response(status=204)
    del response.headers["Content-Type"]
    asked = request.headers.get("Access-Control-Request-Headers", "").split(",")[:_MAX_HEADERS]
    names = [name for name in map(str.strip, asked) if _HEADER_NAME.fullmatch(name)]
    response.headers["Access-Control-Allow-Methods"] = _METHODS
    response.headers["Access-Control-Allow-Headers"] = ", ".join(names or ["Authorization", "Content-Type"])
    response.headers["Access-Control-Max-Age"] = str(_MAX_AGE_S)
    if request.headers.get("Access-Control-Request-Private-Network") == "true":
        response.headers["Access-Control-Allow-Private-Network"] = "true"
    return response
