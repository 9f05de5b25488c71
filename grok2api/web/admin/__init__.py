"""The operator's API, one subject a file; importing them here puts their routes onto the blueprint."""

from grok2api.web.admin import cache, session, settings, storage, token_checks, tokens
from grok2api.web.admin.guard import blueprint, make_login_manager, require_operator

__all__ = [
    "blueprint",
    "cache",
    "make_login_manager",
    "require_operator",
    "session",
    "settings",
    "storage",
    "token_checks",
    "tokens",
]
