"""The only way out to Grok: sessions, headers, deadlines, and closing what was opened."""

from __future__ import annotations

import io
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Self, cast

import gevent
import orjson
import requests
from requests.cookies import RequestsCookieJar
from requests.exceptions import ConnectionError, RequestException
from urllib3.exceptions import HTTPError

from grok2api.catalogue import Model
from grok2api.errors import BadRequest, Unreachable, UpstreamError, UpstreamFailed, UpstreamTimeout
from grok2api.events import Event
from grok2api.settings import Snapshot
from grok2api.upstream.assets import MAX_REDIRECTS, Asset, redirected, refusal_of, same_host
from grok2api.upstream.errors import from_response
from grok2api.upstream.frames import read_events
from grok2api.upstream.headers import HOME, IMAGINE, asset_headers_for, headers_for
from grok2api.upstream.rate_limits import RateLimits, read_rate_limits
from grok2api.upstream.transport import READ_BYTES, PromptAdapter, PromptBody
from grok2api.upstream.uploads import UploadedFile, read_post_id, read_uploaded
from grok2api.watchdog import Watchdog

CONNECT_S = 10.0
#: A body beyond this goes out in pieces, each of which may take CONNECT_S; a whole one would have that time in all.
LARGE_BYTES = 65536
#: Bytes a second that the slowest line still sends: time for a large body, beside what upstream may take.
SLOWEST_LINE = 65536
#: Idle connections that are kept to each upstream host.
POOL_SIZE = 1024
_UNARY_BODY_BYTES = 65536
#: In place of those that upstream set, which go nowhere.
_NO_COOKIES = RequestsCookieJar()


@dataclass(frozen=True)
class Deadlines:
    """Seconds: to the first frame, between two frames, in all. ends_at: when it is over in all (monotonic)."""

    first_s: float
    chunk_s: float
    total_s: float
    ends_at: float

    @classmethod
    def of(cls, settings: Snapshot, since: float) -> Deadlines:
        """since: when the client's request began (monotonic); all attempts share the time in all."""
        return cls(
            settings.stream_first_response_timeout,
            settings.stream_chunk_timeout,
            settings.stream_total_timeout,
            since + settings.stream_total_timeout,
        )

    @property
    def open_s(self) -> float:
        """How long opening may take from now on."""
        return self.open_with(b"")

    def open_with(self, body: bytes) -> float:
        """The same when this is to be sent first."""
        return max(0.001, min(self.first_s + _sending_s(body), self.ends_at - time.monotonic()))


class Answer:
    """One upstream answer being read. Whoever opened it closes it, on every path.

    Reading has no timers of its own; the watchdog ends it when a deadline has passed.
    """

    def __init__(
        self, response: requests.Response, deadlines: Deadlines, started: float, watchdog: Watchdog, user: str
    ) -> None:
        self._user = user
        self._response = response
        self._body = cast(PromptBody, response.raw)
        self._deadlines = deadlines
        self._started = started
        self._watchdog = watchdog

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def events(self) -> Iterator[Event]:
        """The events as they arrive, `Finish` last. Raises UpstreamError or PromptTooLong."""
        self._watchdog.watch(self)
        return read_events(self._response.iter_lines(chunk_size=READ_BYTES), self._user)

    def close(self) -> None:
        """Ends the connection unless the body was read to its end, which gives it back for the next request."""
        self._watchdog.forget(self)
        self._response.close()

    def tick(self, now: float) -> None:
        waiting_since = self._body.waiting_since
        waited = now - waiting_since if waiting_since else 0.0
        if now > self._deadlines.ends_at:
            self._expire(f"took longer than {self._deadlines.total_s:g} s in all")
        elif not self._body.seen_line and waited and now - self._started > self._deadlines.first_s:
            self._expire(f"sent nothing for {self._deadlines.first_s:g} s")
        elif waited > self._deadlines.chunk_s:
            self._expire(f"fell silent for {self._deadlines.chunk_s:g} s")

    def _expire(self, why: str) -> None:
        self._watchdog.forget(self)
        self._body.expire(why)


class GrokClient:
    """Speaks to upstream for one worker. `base_url`, `assets_url`: without a trailing slash."""

    def __init__(self, base_url: str, assets_url: str, watchdog: Watchdog) -> None:
        self._base_url = base_url
        self._assets_url = assets_url
        self._watchdog = watchdog
        self._session = requests.Session()
        self._session.trust_env = False
        # One session serves all accounts: what upstream sets for one must never go out with another.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for prefix in ("http://", "https://"):
            self._session.mount(prefix, PromptAdapter(pool_connections=8, pool_maxsize=POOL_SIZE))

    def open_chat(
        self,
        secret: str,
        payload: dict[str, Any],
        settings: Snapshot,
        since: float,
        referer: str = HOME,
        user: str = "",
    ) -> Answer:
        """Starts a conversation with an account. since: when the client's request began (monotonic). referer: the page
        of the web client that it would come from. user: whose files the account's are, when it is known.

        Raises UpstreamError or PromptTooLong; else close the answer.
        """
        body = orjson.dumps(payload)
        started = time.monotonic() + _sending_s(body)
        deadlines = Deadlines.of(settings, since)
        path = "/rest/app-chat/conversations/new"
        response = self._post(path, secret, body, settings, deadlines, referer)
        content_type = response.headers.get("Content-Type", "")
        if response.status_code == 200 and "text/html" not in content_type:
            response.headers.clear()
            return Answer(response, deadlines, started, self._watchdog, user)
        with response:
            raise _refusal(response, content_type, deadlines)

    def rate_limits(self, secret: str, model: Model, settings: Snapshot) -> RateLimits:
        """What an account has left in the model's quota pool. Raises UpstreamError or BadRequest."""
        payload = {"requestKind": "DEFAULT", "modelName": model.rate_name}
        body = self._ask("/rest/rate-limits", secret, payload, settings, time.monotonic())
        return read_rate_limits(body, model.quota_field)

    def upload(
        self, secret: str, name: str, mime_type: str, content: bytes, settings: Snapshot, since: float
    ) -> UploadedFile:
        """Give an account a file to attach to its chats. since: as `open_chat`. Raises UpstreamError or BadRequest."""
        payload = {"fileName": name, "fileMimeType": mime_type, "content": b64encode(content).decode()}
        return read_uploaded(self._ask("/rest/app-chat/upload-file", secret, payload, settings, since))

    def create_post(self, secret: str, media_url: str, prompt: str, settings: Snapshot, since: float) -> str:
        """Make an uploaded picture one that a video can be made of; the post's id. Raises UpstreamError or
        BadRequest."""
        payload = {"mediaType": "MEDIA_POST_TYPE_IMAGE", "mediaUrl": media_url, "prompt": prompt}
        return read_post_id(self._ask("/rest/media/post/create", secret, payload, settings, since, IMAGINE))

    def open_asset(self, secret: str, path: str, settings: Snapshot) -> Asset:
        """A generated file of an account's. path: relative to the assets host. Close it.

        Raises MediaLost when upstream does not give it any more, or another UpstreamError.
        """
        since = time.monotonic()
        deadlines = Deadlines.of(settings, since)
        url = f"{self._assets_url}/{path}"
        headers = asset_headers_for(secret, settings)
        for _ in range(1 + MAX_REDIRECTS):
            response = self._send("GET", url, headers, b"", settings, deadlines)
            target = redirected(url, response)
            if target is None:
                break
            response.close()
            if not same_host(target, self._assets_url):
                headers.pop("Cookie", None)
            url = target
        content_type = response.headers.get("Content-Type", "")
        if response.status_code == 200 and "text/html" not in content_type:
            return Asset(response, deadlines.chunk_s, deadlines.ends_at)
        with response:
            refusal = refusal_of(response.status_code, content_type, _read_refusal(response, deadlines))
            raise _as_upstream(refusal)

    def close(self) -> None:
        self._session.close()

    def _ask(
        self,
        path: str,
        secret: str,
        payload: dict[str, Any],
        settings: Snapshot,
        since: float,
        referer: str = HOME,
    ) -> bytes:
        """The body of an answer that is one JSON object."""
        deadlines = Deadlines.of(settings, since)
        response = self._post(path, secret, orjson.dumps(payload), settings, deadlines, referer)
        content_type = response.headers.get("Content-Type", "")
        with response:
            if response.status_code != 200 or "text/html" in content_type:
                raise _refusal(response, content_type, deadlines)
            too_late = UpstreamTimeout("Grok's answer did not arrive in time.")
            try:
                with gevent.Timeout(deadlines.open_s, too_late):
                    body: bytes = response.raw.read(_UNARY_BODY_BYTES, decode_content=True)
            except (RequestException, HTTPError, OSError) as error:
                raise UpstreamFailed("The connection to Grok broke off.") from error
        if body.lstrip()[:1] == b"<":
            raise from_response(200, "text/html", body)
        return body

    def _post(
        self,
        path: str,
        secret: str,
        body: bytes,
        settings: Snapshot,
        deadlines: Deadlines,
        referer: str,
    ) -> requests.Response:
        headers = headers_for(secret, settings, referer)
        return self._send("POST", self._base_url + path, headers, body, settings, deadlines)

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        settings: Snapshot,
        deadlines: Deadlines,
    ) -> requests.Response:
        request = requests.PreparedRequest()
        data = io.BytesIO(body) if len(body) > LARGE_BYTES else body or None
        request.prepare(method=method, url=url, headers=headers, data=data)
        proxy = settings.proxy_url
        open_s = deadlines.open_with(body)
        too_late = UpstreamTimeout(f"Grok sent nothing for {open_s:.3g} s.")
        try:
            # requests' own timeout is per read, which a dripping peer never reaches.
            with gevent.Timeout(open_s, too_late):
                response = self._session.send(
                    request,
                    stream=True,
                    timeout=(min(CONNECT_S, open_s), None),
                    allow_redirects=False,
                    proxies={"http": proxy, "https": proxy} if proxy else {},
                )
        except requests.Timeout as error:
            raise UpstreamTimeout("Grok could not be reached in time.") from error
        except (RequestException, HTTPError, OSError, ValueError) as error:
            # ValueError: requests looks at a redirect's address even when it is not to follow it.
            raise _open_failed(error) from error
        # What was sent is not needed any more; kept, it would cost every open stream 12 KB. Cookies 1 KB.
        response.request = requests.PreparedRequest()
        response.cookies = _NO_COOKIES
        return response


def _sending_s(body: bytes) -> float:
    """What sending it may take, beside what everything takes."""
    return len(body) / SLOWEST_LINE if len(body) > LARGE_BYTES else 0.0


def _open_failed(error: Exception) -> UpstreamError:
    if isinstance(error, requests.exceptions.ProxyError | requests.exceptions.InvalidProxyURL):
        return Unreachable("The proxy of the setting proxy_url cannot be reached.")
    if isinstance(error, ConnectionError) and "NewConnectionError" in repr(error):
        return Unreachable("Grok cannot be reached from here.")
    if isinstance(error, ConnectionError) and "TimeoutError" in repr(
        error
    ):  # in sending: reading has no timeout here
        return Unreachable("Grok takes nothing more of what is sent from here.")
    return UpstreamFailed("The connection to Grok broke off.")


def _refusal(
    response: requests.Response, content_type: str, deadlines: Deadlines
) -> UpstreamError | BadRequest:
    try:
        body = _read_refusal(response, deadlines)
    except UpstreamTimeout as error:
        return error
    refusal = from_response(response.status_code, content_type, body)
    if isinstance(refusal, UpstreamError):
        refusal.status = response.status_code
    return refusal


def _read_refusal(response: requests.Response, deadlines: Deadlines) -> bytes:
    """Its beginning; nothing when it breaks off. Raises UpstreamTimeout."""
    try:
        with gevent.Timeout(deadlines.open_s, UpstreamTimeout("Grok's refusal did not arrive in time.")):
            body: bytes = response.raw.read(_UNARY_BODY_BYTES, decode_content=True)
            return body
    except (RequestException, HTTPError, OSError):
        return b""


def _as_upstream(error: UpstreamError | BadRequest) -> UpstreamError:
    """Of a request that no client's words went into."""
    return error if isinstance(error, UpstreamError) else UpstreamFailed(str(error))
