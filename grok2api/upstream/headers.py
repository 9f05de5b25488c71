"""The headers of a browser that has an account's cookies."""

from __future__ import annotations

import uuid

from grok2api.ids import new_id
from grok2api.settings import Snapshot

#: Pages of the web client that a request may come from.
HOME = "https://grok.com/"
IMAGINE = "https://grok.com/imagine"


def headers_for(secret: str, settings: Snapshot, referer: str = HOME) -> dict[str, str]:
    """A browser's headers with the account's cookies; offers only encodings that decode as they arrive."""
    return {
        "Accept": "*/*",
        "Accept-Encoding": "gzip, deflate",
        "Accept-Language": "en-US,en;q=0.9",
        "Content-Type": "application/json",
        "Cookie": _cookies(secret, settings),
        "Origin": "https://grok.com",
        "Priority": "u=1, i",
        "Referer": referer,
        "Sec-Fetch-Dest": "empty",
        "Sec-Fetch-Mode": "cors",
        "Sec-Fetch-Site": "same-origin",
        "User-Agent": settings.user_agent,
        "x-statsig-id": settings.x_statsig_id,
        "x-xai-request-id": str(uuid.UUID(new_id(), version=4)),
    }


def asset_headers_for(secret: str, settings: Snapshot) -> dict[str, str]:
    """Those of a browser that opens a file as a page. No encoding: the length is to be the file's."""
    return {
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "Accept-Encoding": "identity",
        "Accept-Language": "en-US,en;q=0.9",
        "Cookie": _cookies(secret, settings),
        "Referer": HOME,
        "Sec-Fetch-Dest": "document",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Site": "same-site",
        "User-Agent": settings.user_agent,
    }


def _cookies(secret: str, settings: Snapshot) -> str:
    cookie = f"sso={secret}; sso-rw={secret}"
    return f"{cookie}; cf_clearance={settings.cf_clearance}" if settings.cf_clearance else cookie
