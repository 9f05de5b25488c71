"""Pictures that upstream does not give, or gives badly: how often it is asked, what clients are told, what is passed
through."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.gateway import Gateway
from tests.simulator.client import Simulator, directive

LINK = re.compile(r"!\[Generated Image\]\(([^)]+)\)")
WORKERS = 2


@pytest.fixture(autouse=True)
def empty_cache(gateway: Gateway) -> Iterator[None]:
    gateway.admin("/api/cache/clear", {})
    yield


def made(gateway: Gateway, asset: str) -> list[str]:
    """Links to two pictures that were kept well, and are gone from the cache."""
    urls = LINK.findall(gateway.answer(directive("images", asset=asset)))
    assert len(urls) == 2
    gateway.admin("/api/cache/clear", {})
    return urls


@pytest.fixture
def reads(simulator: Simulator) -> Callable[[str], int]:
    """How often upstream was asked for a picture."""
    return lambda url: len(simulator.requests(path=url[url.index("/users/") :]))


@pytest.mark.parametrize(
    ("asset", "status", "tries"),
    [
        ("later_404", 404, 1),
        ("later_429_wait", 429, 1),
        ("later_500", 502, 3),
    ],
)
def test_what_cannot_be_had_is_not_asked_for_again_and_again(
    gateway: Gateway, reads: Callable[[str], int], asset: str, status: int, tries: int
) -> None:
    url = made(gateway, asset)[0]
    before = reads(url)
    for _ in range(10):
        answer = requests.get(url, timeout=30)
        assert answer.status_code == status and answer.json()["error"]["code"]
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Content-Security-Policy"] == "sandbox"
        if status == 429:
            assert 1 <= int(answer.headers["Retry-After"]) <= 2
    assert tries <= reads(url) - before <= tries * WORKERS


def test_after_the_wait_that_upstream_names_it_is_asked_again(
    gateway: Gateway, reads: Callable[[str], int]
) -> None:
    url = made(gateway, "later_429_wait")[0]
    with requests.Session() as session:  # one connection, one worker
        before = reads(url)
        assert session.get(url, timeout=30).status_code == session.get(url, timeout=30).status_code == 429
        assert reads(url) == before + 1
        time.sleep(2.1)
        assert session.get(url, timeout=30).status_code == 429
        assert reads(url) == before + 2


@pytest.mark.full
def test_files_that_hang_hold_up_other_pictures_for_seconds_only(gateway: Gateway) -> None:
    hanging = [
        url for _ in range(17) for url in made(gateway, "later_stall")
    ]  # more than two workers have turns for
    good = made(gateway, "ok")[0]
    with ThreadPoolExecutor(len(hanging)) as pool:
        left = [pool.submit(requests.get, url, timeout=90) for url in hanging]
        time.sleep(1)
        began = time.monotonic()
        answer = requests.get(good, timeout=60)
        took_s = time.monotonic() - began
        assert took_s < 15
        if answer.status_code == 503:  # all turns of this worker were taken
            assert answer.json()["error"]["code"] == "media_busy" and int(answer.headers["Retry-After"]) > 0
        else:
            assert answer.status_code == 200
        assert {answer.result().status_code for answer in left} <= {503, 504}


def test_a_slow_file_is_well_as_long_as_something_comes(gateway: Gateway) -> None:
    url = made(gateway, "later_slow")[0]  # three seconds, a tenth at a time
    gateway.set_settings(stream_chunk_timeout=1)
    assert requests.get(url, timeout=30).content.endswith(b"\xff\xd9")


def test_half_a_picture_is_never_served(gateway: Gateway) -> None:
    halves = [made(gateway, f"later_{how}") for how in ("unfinished", "truncated", "wrong_length")]
    with ThreadPoolExecutor(3) as pool:
        cached = pool.map(lambda urls: requests.get(urls[0], timeout=30).status_code, halves)
        assert list(cached) == [502] * 3
        gateway.set_settings(image_cache_max_size_mb=0)
        passed = pool.map(lambda urls: requests.get(urls[1], timeout=30).status_code, halves)
        assert list(passed) == [502] * 3


def test_what_is_passed_through_is_whole_and_for_nobody_to_keep(gateway: Gateway) -> None:
    gateway.set_settings(image_cache_max_size_mb=0)
    for asset in ("ok", "gzip", "octet"):
        url = made(gateway, asset)[0]
        for answer in (requests.get(url, timeout=30), requests.head(url, timeout=30)):
            assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
            if answer.content:
                assert answer.content.endswith(b"\xff\xd9")
                assert int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "users/a/b.jpg", 404), ("GET", "", 404), ("POST", "users/a/b.jpg", 405)],
)
def test_errors_are_sandboxed_and_not_kept(gateway: Gateway, method: str, path: str, status: int) -> None:
    answer = requests.request(method, f"{gateway.url}/images/{path}", timeout=30)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (status, "no-store")
    assert answer.headers["Content-Security-Policy"] == "sandbox"
