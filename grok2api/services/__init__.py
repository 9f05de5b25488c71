"""The objects that serve requests, made once per worker by `app.py` and closed at its end."""

from __future__ import annotations

from dataclasses import dataclass

from grok2api.catalogue import Catalogue
from grok2api.services.account_book import AccountBook
from grok2api.services.account_counts import AccountCounts
from grok2api.services.admin_auth import AdminAuth
from grok2api.services.advice import Adviser
from grok2api.services.client_keys import ClientKeys
from grok2api.services.completion import CompletionService
from grok2api.services.housekeeping import Housekeeping
from grok2api.services.images import ImageService
from grok2api.services.live_settings import LiveSettings
from grok2api.services.media_library import MediaLibrary
from grok2api.services.metrics import Metrics
from grok2api.services.pool import AccountPool
from grok2api.services.quota import QuotaService
from grok2api.services.refresh import RefreshAll
from grok2api.services.request_log import RequestBook
from grok2api.services.response_book import ResponseBook
from grok2api.services.usage import UsageMeter
from grok2api.stopping import Stopping
from grok2api.storage.base import Store
from grok2api.turns import Turns
from grok2api.watchdog import Watchdog


@dataclass(frozen=True)
class Services:
    catalogue: Catalogue
    store: Store
    settings: LiveSettings
    pool: AccountPool
    book: AccountBook
    completion: CompletionService
    images: ImageService
    media: MediaLibrary
    responses: ResponseBook
    auth: AdminAuth
    watchdog: Watchdog
    turns: Turns
    stopping: Stopping
    quota: QuotaService
    refresh: RefreshAll
    housekeeping: Housekeeping
    usage: UsageMeter
    metrics: Metrics
    account_counts: AccountCounts
    request_log: RequestBook
    client_keys: ClientKeys
    adviser: Adviser
    storage_mode: str
    media_accel: str
