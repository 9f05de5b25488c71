"""Getting files from upstream: what is remembered of failures, and how many files are on their way at once."""

from __future__ import annotations

import gc
import time
import weakref
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
import requests

from grok2api.errors import (
    MediaBusy,
    MediaLost,
    RateLimited,
    UpstreamError,
    UpstreamFailed,
    UpstreamTimeout,
)
from grok2api.media import Kind, MediaItem
from grok2api.services import media_fetch
from grok2api.services.media_failures import MediaFailures
from grok2api.services.media_fetch import MediaFetcher, PassedThrough
from grok2api.upstream.assets import Asset

PICTURE = MediaItem("users/a/b.jpg", Kind.IMAGE, 1, 1000.0)
VIDEO = MediaItem("users/a/b.mp4", Kind.VIDEO, 1, 1000.0)


@pytest.mark.parametrize(
    ("error", "for_s"),
    [
        (UpstreamFailed("x"), 10),
        (UpstreamTimeout("x"), 10),
        (MediaLost("x"), 60),
        (RateLimited("x", wait_s=4), 4),
        (RateLimited("x"), 10),
        (RateLimited("x", wait_s=100_000), 120),
    ],
)
def test_a_failure_is_remembered_for_a_while(error: UpstreamError, for_s: float) -> None:
    now = 1000.0
    failures = MediaFailures(lambda: now)
    failures.check("a/b")
    failures.note("a/b", error)
    failures.check("a/c")
    now += for_s - 0.5
    for _ in range(2):
        with pytest.raises(type(error)) as caught:
            failures.check("a/b")
        assert str(caught.value) == str(error)
    if isinstance(caught.value, RateLimited):
        assert caught.value.wait_s == pytest.approx(0.5)
    now += 0.6
    failures.check("a/b")


def test_what_is_remembered_holds_on_to_nothing_that_the_attempt_had() -> None:
    failures = MediaFailures()

    class Content(bytearray):
        """What was downloaded; it can be watched."""

    def attempt() -> weakref.ref[Content]:
        content = Content(b"half a picture")
        try:
            raise UpstreamFailed("x") from ValueError(len(content))
        except UpstreamFailed as error:
            failures.note("a/b", error)
        return weakref.ref(content)

    gone = attempt()
    gc.collect()
    assert gone() is None
    with pytest.raises(UpstreamFailed) as first:
        failures.check("a/b")
    with pytest.raises(UpstreamFailed) as second:
        failures.check("a/b")
    assert first.value is not second.value


def test_what_is_remembered_has_an_end() -> None:
    failures = MediaFailures()
    for number in range(10_000):
        failures.note(f"a/{number}", UpstreamFailed("x"))
    assert len(failures._failures) <= 4096


class Upstream:
    """Takes the place of accounts, client, settings and metrics; what it is asked for hangs or fails."""

    def __init__(self, error: UpstreamError | None = None) -> None:
        self.asked = 0
        self.error = error

    def get(self, _: object) -> list[Any]:
        return [SimpleNamespace(secret="s" * 20)]

    def open_asset(self, *_: object) -> Any:
        self.asked += 1
        if self.error is not None:
            raise self.error
        gevent.sleep(60)

    def snapshot(self) -> None:
        return None

    def upstream_failed(self, *_: object) -> None:
        return None

    def fetcher(self) -> MediaFetcher:
        stand_in: Any = self
        return MediaFetcher(stand_in, stand_in, stand_in, stand_in)


def test_pictures_that_hang_make_others_wait_for_a_bounded_time_and_no_video(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(media_fetch, "_TURN_S", 0.2)
    upstream = Upstream()
    fetcher: Any = upstream.fetcher()
    sink = None
    hanging = [gevent.spawn(fetcher.download, PICTURE, False, sink) for _ in range(16)]
    gevent.sleep(0.05)
    assert upstream.asked == 16
    began = time.monotonic()
    with pytest.raises(MediaBusy):
        fetcher.download(PICTURE, False, sink)
    assert 0.2 <= time.monotonic() - began < 2
    hanging.append(gevent.spawn(fetcher.download, VIDEO, False, sink))
    gevent.sleep(0.05)
    assert upstream.asked == 17
    gevent.killall(hanging)
    hanging = [gevent.spawn(fetcher.download, PICTURE, False, sink)]  # their turns were given back
    gevent.sleep(0.05)
    assert upstream.asked == 18
    gevent.killall(hanging)


def test_files_that_are_passed_through_have_turns_of_their_own_until_they_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(media_fetch, "_TURN_S", 0.1)
    monkeypatch.setattr(
        MediaFetcher, "_pass", lambda *_: PassedThrough("video/mp4", 1, iter([b"x"]), lambda: None)
    )
    fetcher = Upstream().fetcher()
    passed = [fetcher.pass_through(VIDEO) for _ in range(16)]
    with pytest.raises(MediaBusy):
        fetcher.pass_through(VIDEO)
    for _ in range(2):
        passed[0].close()
    fetcher.pass_through(VIDEO)
    with pytest.raises(MediaBusy):
        fetcher.pass_through(VIDEO)


@pytest.mark.parametrize(
    ("error", "fresh", "tries"),
    [
        (MediaLost("x"), True, 3),
        (MediaLost("x"), False, 1),
        (RateLimited("x"), True, 3),
        (RateLimited("x", wait_s=4), True, 1),
        (RateLimited("x"), False, 1),
        (UpstreamFailed("x"), False, 3),
        (UpstreamTimeout("x"), True, 1),
    ],
)
def test_only_what_was_just_made_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, error: UpstreamError, fresh: bool, tries: int
) -> None:
    monkeypatch.setattr(media_fetch, "_PAUSES_S", (0.01, 0.01, None))
    upstream = Upstream(error)
    fetcher: Any = upstream.fetcher()
    for _ in range(2):
        with pytest.raises(type(error)):
            fetcher.download(PICTURE, fresh, None)
    assert upstream.asked == (2 * tries if fresh else tries)


@pytest.mark.parametrize(("encoding", "length"), [(None, 7), ("identity", 7), ("gzip", None), ("br", None)])
def test_the_length_of_a_compressed_body_is_not_the_files(encoding: str | None, length: int | None) -> None:
    response = requests.Response()
    response.headers["Content-Length"] = "7"
    if encoding is not None:
        response.headers["Content-Encoding"] = encoding
    assert Asset(response, 1.0, 1.0).length == length
