"""GET and HEAD /images/{path}: the media that this gateway handed out, from the cache or from upstream."""

from __future__ import annotations

from flask import Blueprint, Response, request

from grok2api.services.media_fetch import PassedThrough
from grok2api.services.media_files import OpenFile
from grok2api.services.media_links import MEDIA_ROUTE, SIGNATURE
from grok2api.web.file_response import SECURITY_HEADERS, accel_response, file_response
from grok2api.web.services import get_services

#: Upstream never changes a file under its path, and a year is as long as one can say.
_FOR_EVER = "public, max-age=31536000, immutable"

blueprint = Blueprint("media", __name__)


@blueprint.after_app_request
def finish(response: Response) -> Response:
    """Errors, whatever they come from, have the headers of files, and nobody keeps them."""
    if response.status_code >= 400 and request.path.startswith(MEDIA_ROUTE):
        response.headers.update(SECURITY_HEADERS)
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get(f"{MEDIA_ROUTE}<path:path>")
def get_media(path: str) -> Response:
    """Only what the index knows; anything else is 404 without a word to upstream."""
    services = get_services()
    holds_s = services.media.check_link(path, request.args.get(SIGNATURE, ""))
    cache_control = _FOR_EVER if holds_s is None else f"private, max-age={max(0, int(holds_s))}"
    opened = services.media.open(path)
    if isinstance(opened, OpenFile):
        if services.media_accel:
            return accel_response(opened, cache_control, services.media_accel, services.media.cache.held)
        return file_response(opened, cache_control)
    return _passed_through(opened)


def _passed_through(opened: PassedThrough) -> Response:
    """Whole, whatever range was asked for: there is no file to take parts of. Nobody is to keep it: of a video it is
    not known yet whether all of it comes."""
    if request.method == "HEAD":
        opened.close()
        response = Response()
    else:
        response = Response(opened.pieces, direct_passthrough=True)
        response.call_on_close(opened.close)
    response.headers["Content-Type"] = opened.content_type
    response.headers["Cache-Control"] = "no-store"
    response.headers["Accept-Ranges"] = "none"
    response.headers.update(SECURITY_HEADERS)
    if opened.length is not None:
        response.headers["Content-Length"] = str(opened.length)
    return response
