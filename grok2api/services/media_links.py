"""Links to media, plain or signed: a signed one has until when it holds, and who knows no key cannot make one."""

from __future__ import annotations

import hashlib
import hmac
import re

from grok2api.errors import LinkExpired
from grok2api.settings import Snapshot

#: Where media are served.
MEDIA_ROUTE = "/images/"
#: The query parameter with the end (epoch seconds) and the signature.
SIGNATURE = "sig"

_SIGNATURE = re.compile(r"(\d{1,12})-([0-9a-f]{32})", re.ASCII)
#: Ends are whole hours, so that a link stays the same for a while and browsers keep what they have.
_STEP_S = 3600


class MediaLinks:
    def __init__(self, secret: str) -> None:
        """secret: the same on every node."""
        self._key = hashlib.sha256(b"media links\0" + secret.encode()).digest()

    def make(self, path: str, base: str, settings: Snapshot, now: float) -> str:
        """base: an address without a trailing slash. now: epoch seconds."""
        link = f"{base}{MEDIA_ROUTE}{path}"
        if not settings.signed_media:
            return link
        ends_at = (int(now) // _STEP_S + settings.signed_media_hours + 1) * _STEP_S
        return f"{link}?{SIGNATURE}={ends_at}-{self._sign(path, ends_at)}"

    def check(self, path: str, signature: str, settings: Snapshot, now: float) -> float | None:
        """Until when the link holds (epoch seconds), None: for ever. Raises LinkExpired."""
        if not settings.signed_media:
            return None
        found = _SIGNATURE.fullmatch(signature)
        if found is None or int(found[1]) <= now:
            raise LinkExpired
        if not hmac.compare_digest(found[2], self._sign(path, int(found[1]))):
            raise LinkExpired
        return float(found[1])

    def _sign(self, path: str, ends_at: int) -> str:
        return hmac.new(self._key, f"{ends_at} {path}".encode(), hashlib.sha256).hexdigest()[:32]
