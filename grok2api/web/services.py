"""How a view reaches the services of its app."""

from __future__ import annotations

from typing import cast

from flask import current_app

from grok2api.services import Services

KEY = "grok2api"


def get_services() -> Services:
    return cast(Services, current_app.extensions[KEY])
