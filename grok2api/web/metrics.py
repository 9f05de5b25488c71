"""GET /metrics, for Prometheus."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask_login import current_user

from grok2api.errors import StorageUnavailable
from grok2api.services import exposition
from grok2api.services.account_counts import Counts
from grok2api.web.api.errors import WrongKey
from grok2api.web.api.guard import given_key, is_settings_key
from grok2api.web.services import get_services

#: How long a scrape waits for the storage. Prometheus gives up after 10 s.
STORAGE_S = 3.0

blueprint = Blueprint("metrics", __name__)


def require_scraper() -> None:
    """The blueprint's guard: the key of the settings, a named one or the operator's session, which is asked for last:
    it lies in the storage. Nothing is needed while there is no key, or with `metrics_public`."""
    services = get_services()
    settings = services.settings.snapshot()
    if settings.metrics_public or not services.client_keys.needed():
        return
    given = given_key()
    if given and (is_settings_key(given, settings) or services.client_keys.find(given)):
        return
    if current_user.is_authenticated:
        return
    raise WrongKey("Metrics need a key: send the header Authorization: Bearer KEY, or set metrics_public.")


@blueprint.get("/metrics")
def metrics() -> Response:
    services = get_services()
    accounts = exposition.accounts(_counts())
    families = [*services.metrics.collect(), *exposition.build(services.storage_mode), *accounts]
    body, content_type = exposition.render(families, request.headers.get("Accept", ""))
    return Response(body, content_type=content_type, headers={"Cache-Control": "no-store"})


def _counts() -> Counts | None:
    try:
        return get_services().account_counts.get(STORAGE_S)
    except StorageUnavailable:
        return None
