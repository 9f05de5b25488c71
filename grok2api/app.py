"""The factory: the one place that knows every concrete class."""

from __future__ import annotations

import logging
import secrets
from functools import partial
from typing import TextIO

from flask import Flask

from grok2api import logs, web
from grok2api.catalogue import load_catalogue
from grok2api.cli import register_commands
from grok2api.env import PROJECT_ROOT, Env
from grok2api.errors import Challenged, ConfigurationError, UpstreamError
from grok2api.metrics_folder import is_metrics_folder
from grok2api.services import Services
from grok2api.services.account_book import AccountBook
from grok2api.services.account_counts import AccountCounts
from grok2api.services.admin_auth import AdminAuth, password_setting
from grok2api.services.advice import Adviser
from grok2api.services.client_keys import ClientKeys
from grok2api.services.completion import CompletionService
from grok2api.services.corrections import Corrections
from grok2api.services.housekeeping import Housekeeping
from grok2api.services.images import ImageService
from grok2api.services.live_settings import LiveSettings
from grok2api.services.media_cache import MediaCache
from grok2api.services.media_fetch import MediaFetcher
from grok2api.services.media_library import MediaLibrary
from grok2api.services.media_links import MediaLinks
from grok2api.services.metrics import Metrics
from grok2api.services.pictures import Pictures
from grok2api.services.pool import AccountPool
from grok2api.services.quota import QuotaService
from grok2api.services.refresh import RefreshAll
from grok2api.services.request_log import RequestBook
from grok2api.services.response_book import ResponseBook
from grok2api.services.usage import UsageMeter
from grok2api.settings import Snapshot, cache_bytes
from grok2api.stopping import Stopping
from grok2api.storage import open_store
from grok2api.turns import Turns
from grok2api.upstream.client import GrokClient
from grok2api.upstream.fetch import Fetcher
from grok2api.watchdog import Watchdog

log = logging.getLogger(__name__)


def create_app(env: Env | None = None, log_to: TextIO | None = None) -> Flask:
    """The app of this environment, which logs to stderr unless told otherwise. Raises ConfigurationError with one line
    that says what to change."""
    env = env or Env.from_environ()
    try:
        logs.set_up(env.log_dir, env.log_format, log_to)
    except OSError as error:
        raise ConfigurationError(
            f"LOG_DIR={env.log_dir}: cannot be written to ({error.strerror})."
        ) from error
    app = Flask(
        "grok2api",
        template_folder=str(PROJECT_ROOT / "templates"),
        static_folder=str(PROJECT_ROOT / "static"),
        instance_path=str(PROJECT_ROOT / "instance"),
    )
    catalogue = load_catalogue(env.data_dir)
    store = open_store(app, env, catalogue.pools)
    settings = LiveSettings(
        store.settings, defaults=password_setting(env), on_change=_act_on, load_keys=store.keys.all
    )
    client_keys = ClientKeys(store.keys, settings)
    watchdog = Watchdog()
    client = GrokClient(env.upstream_url, env.assets_url, watchdog)
    usage = UsageMeter(store.usage)
    shared = env.metrics_dir if env.metrics_dir and is_metrics_folder(env.metrics_dir) else None
    metrics = Metrics(catalogue, shared)

    def on_failure(call: str, error: UpstreamError) -> None:
        metrics.upstream_failed(call, error)
        if isinstance(error, Challenged):
            usage.blocked()

    quota = QuotaService(store.leases, client, catalogue, settings, partial(on_failure, "quota"))
    pool = AccountPool(store.leases, metrics, on_settled=Corrections(quota).note)
    secret_key = env.secret_key or store.settings.keep("session_key", secrets.token_hex(32))
    cache = MediaCache(env.data_dir / "cache", lambda kind: cache_bytes(settings.snapshot(), kind))
    links = MediaLinks(secret_key)
    fetcher = MediaFetcher(store.accounts, client, settings, metrics)
    media = MediaLibrary(store.media, cache, fetcher, settings, links, metrics)
    if env.fetch_allow:
        log.warning(
            "GROK2API_FETCH_ALLOW: clients may make this gateway fetch from %s", ", ".join(env.fetch_allow)
        )
    pictures = Pictures(Fetcher(env.fetch_allow).fetch)
    completion = CompletionService(
        catalogue, pool, client, settings, media, pictures, partial(on_failure, "answer")
    )
    auth = AdminAuth(store.sessions, store.logins, settings)
    services = Services(
        catalogue=catalogue,
        store=store,
        settings=settings,
        pool=pool,
        book=AccountBook(store.accounts),
        completion=completion,
        images=ImageService(catalogue, completion, settings),
        media=media,
        responses=ResponseBook(store.responses),
        auth=auth,
        watchdog=watchdog,
        turns=Turns(),
        stopping=Stopping(),
        quota=quota,
        refresh=RefreshAll(store.accounts, store.jobs, quota, settings),
        housekeeping=Housekeeping(store, quota, settings),
        usage=usage,
        metrics=metrics,
        account_counts=AccountCounts(store.accounts),
        request_log=RequestBook(store.requests),
        client_keys=client_keys,
        adviser=Adviser(env, store, settings, auth, client_keys),
        storage_mode=env.storage_mode,
        media_accel=env.media_accel,
    )
    app.config.update(
        SECRET_KEY=secret_key,
        SESSION_COOKIE_NAME="grok2api_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )
    web.register(app, services, env.trusted_proxies)
    register_commands(app)
    return app


def _act_on(settings: Snapshot) -> None:
    logs.set_level(settings.log_level)
