"""Files of the assets host being read: generated pictures and videos."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Self
from urllib.parse import urljoin, urlsplit

import gevent
import requests
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from grok2api.errors import (
    AccountDead,
    BadRequest,
    MediaLost,
    Unauthorized,
    UpstreamError,
    UpstreamFailed,
    UpstreamTimeout,
)
from grok2api.upstream.errors import challenged, from_response

#: How much of a file is held in memory at a time.
PIECE_BYTES = 256 * 1024
MAX_REDIRECTS = 3

_REDIRECTS = (301, 302, 303, 307, 308)


class Asset:
    """One file being read. Whoever opened it closes it, on every path.

    length: bytes, as upstream declares them; None when it does not, or when they are those of a compressed file.
    """

    def __init__(self, response: requests.Response, idle_s: float, ends_at: float) -> None:
        """idle_s: the longest silence, in seconds. ends_at: when it is over in all (monotonic)."""
        self._response = response
        self._idle_s = idle_s
        self._ends_at = ends_at
        declared = response.headers.get("Content-Length", "")
        plain = response.headers.get("Content-Encoding", "identity").strip().lower() in ("", "identity")
        self.length = int(declared) if plain and declared.isascii() and declared.isdigit() else None

    def pieces(self) -> Iterator[bytes]:
        """The file's bytes as they come, up to PIECE_BYTES at a time, none of them empty. Raises UpstreamFailed for a
        body that breaks off before its declared length, UpstreamTimeout."""
        while True:
            left = max(0.001, min(self._idle_s, self._ends_at - time.monotonic()))
            try:
                with gevent.Timeout(left, UpstreamTimeout("A file did not arrive from Grok in time.")):
                    piece: bytes = self._response.raw.read1(PIECE_BYTES, decode_content=True)
            except (RequestException, HTTPError, OSError, AttributeError, ValueError) as error:
                raise UpstreamFailed("A file from Grok broke off.") from error
            if not piece:
                return
            yield piece

    def close(self) -> None:
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def redirected(url: str, response: requests.Response) -> str | None:
    """Where a redirect leads; None for an answer that is none."""
    if response.status_code not in _REDIRECTS or "Location" not in response.headers:
        return None
    target = urljoin(url, response.headers["Location"])
    if urlsplit(target).scheme not in ("http", "https"):
        raise UpstreamFailed("Grok redirects a file to somewhere that is no web address.")
    return target


def same_host(one: str, other: str) -> bool:
    """Whether an account's cookies may go with both."""
    return urlsplit(one)[:2] == urlsplit(other)[:2]


def refusal_of(status: int, content_type: str, body: bytes) -> UpstreamError | BadRequest:
    """What an answer other than a file means. The host says 404 for what is gone, and a plain 403 to those whose file
    it is not."""
    if status in (404, 410):
        return MediaLost("Grok has it no more")
    if status == 403 and body.strip() and not body.lstrip().startswith((b"<", b"{")):
        return MediaLost("Grok does not give it to its account any more")
    if status == 200:
        return challenged("a web page instead of a file")
    error = from_response(status, content_type, body)
    if isinstance(error, AccountDead | Unauthorized):
        return MediaLost("Grok does not know its account any more")
    return error
