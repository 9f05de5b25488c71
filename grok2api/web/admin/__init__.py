"""The operator's API, one subject a file; importing them here puts their routes onto the blueprint."""

from grok2api.web.admin import (
    audit,
    cache,
    keys,
    request_logs,
    session,
    settings,
    stats,
    storage,
    token_checks,
    tokens,
)
from grok2api.web.admin.guard import blueprint, make_login_manager, require_operator

__all__ = [
    "audit",
    "blueprint",
    "cache",
    "keys",
    "make_login_manager",
    "request_logs",
    "require_operator",
    "session",
    "settings",
    "stats",
    "storage",
    "token_checks",
    "tokens",
]
