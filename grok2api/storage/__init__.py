"""The backends by STORAGE_MODE. A further one is a module and a row here."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from flask import Flask

from grok2api.env import Env
from grok2api.storage.base import Store
from grok2api.storage.vault import Vault

#: STORAGE_MODE -> "module:function"; imported only when chosen.
BACKENDS = {
    "file": "grok2api.storage.sql.sqlite:open_store",
    "mysql": "grok2api.storage.sql.mysql:open_store",
    "redis": "grok2api.storage.redis.store:open_store",
}


def open_store(app: Flask, env: Env, pools: Sequence[str]) -> Store:
    """The store of this environment, migrated to this release's schema and sealed with its SECRET_KEY, with a
    standing for each quota pool.

    app: of Flask-SQLAlchemy's, for the SQL backends; one for each store. Raises ConfigurationError with one
    line that says what to change.
    """
    module, function = BACKENDS[env.storage_mode].split(":")
    store: Store = getattr(import_module(module), function)(app, env, pools, Vault(env.secret_key))
    return store
