"""The cache on a disk that is full, with damaged files, and with a limit that changes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from grok2api.media import Kind, MediaItem, cache_name
from grok2api.services import media_cache
from grok2api.services.media_cache import CacheUnavailable, MediaCache, Sink
from grok2api.services.media_folder import MediaFolder
from tests.simulator.pictures import jpeg

SIZE = 27_000
ROOM = 600 * 1024


def item(number: int) -> MediaItem:
    return MediaItem(f"users/a/{number}.jpg", Kind.IMAGE, 1, 1000.0)


def fill(cache: MediaCache, number: int, size: int = SIZE, pieces: int = 4) -> bool:
    """Whether it was downloaded; checks what is served."""
    content, downloaded = jpeg(f"{number}", size), False

    def download(sink: Sink) -> None:
        nonlocal downloaded
        downloaded = True
        sink.begin(len(content))
        step = len(content) // pieces + 1
        for at in range(0, len(content), step):
            sink.write(content[at : at + step])
        sink.finish()

    opened = cache.fill(item(number), download)
    assert opened.file.read() == content
    opened.close()
    return downloaded


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_on_a_disk_smaller_than_the_limit_old_files_make_room(small_disk: Path) -> None:
    cache = MediaCache(small_disk / "cache", lambda _: 10**9)
    for number in range(60):
        assert fill(cache, number)
    assert cache.open(item(0)) is None
    left = cache.sizes()[Kind.IMAGE]
    assert ROOM // 2 < left < ROOM  # a tenth at a time, not all
    assert fill(cache, 100, size=ROOM // 3, pieces=20)  # larger than a tenth
    assert int((small_disk / "cache" / "image.size").read_text() or -1) in (-1, cache.sizes()[Kind.IMAGE])
    assert not list((small_disk / "cache" / "tmp").iterdir())


def test_a_disk_that_others_fill_does_not_cost_the_cache_more_than_a_tenth(small_disk: Path) -> None:
    cache = MediaCache(small_disk / "cache", lambda _: 10**9)
    for number in range(15):
        fill(cache, number)
    before = cache.sizes()[Kind.IMAGE]
    with pytest.raises(CacheUnavailable, match="No space"):
        fill(cache, 100, size=ROOM + 1, pieces=50)
    assert before * 0.8 < cache.sizes()[Kind.IMAGE] < before
    assert not list((small_disk / "cache" / "tmp").iterdir())


@pytest.mark.parametrize("damage", ["empty", "garbage", "link", "dangling"])
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: str) -> None:
    cache = MediaCache(tmp_path, lambda _: 10**9)
    assert fill(cache, 1) and not fill(cache, 1)
    file = tmp_path / "image" / cache_name(item(1).path)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    match damage:
        case "empty" | "garbage":
            file.write_bytes(b"" if damage == "empty" else b"garbage" * 100)
        case _:
            file.unlink()
            file.symlink_to(secret if damage == "link" else tmp_path / "nowhere")
    assert fill(cache, 1) and not fill(cache, 1)
    assert file.is_file() and not file.is_symlink() and secret.read_text() == "secret"
    assert cache.sizes()[Kind.IMAGE] == SIZE == int((tmp_path / "image.size").read_text())


def test_a_limit_that_was_lowered_is_kept_to_once_files_in_use_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_cache, "_TICK_S", 0.05)
    limit = 10 * SIZE
    cache = MediaCache(tmp_path, lambda _: limit)
    fill(cache, 1)
    cache.start()
    try:
        held = cache.open(item(1))
        assert held is not None
        gevent.sleep(0.1)
        limit = SIZE - 1
        gevent.sleep(0.2)
        assert cache.sizes()[Kind.IMAGE] == SIZE
        held.close()
        gevent.sleep(0.2)
        assert cache.sizes()[Kind.IMAGE] == 0
    finally:
        cache.stop()


def test_an_error_that_nobody_thought_of_leaves_the_file_to_be_passed_through(tmp_path: Path) -> None:
    def download(_: Sink) -> None:
        raise KeyError("MPO")

    cache = MediaCache(tmp_path, lambda _: 10**9)
    with pytest.raises(CacheUnavailable, match="KeyError"):
        cache.fill(item(1), download)


def test_a_cache_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    root.write_text("a file in the way")
    cache = MediaCache(root, lambda _: 10**9)
    with pytest.raises(CacheUnavailable, match="Not a directory"):
        cache.sizes()
    with pytest.raises(CacheUnavailable, match="Not a directory"):
        cache.clear(Kind.IMAGE)


def test_clocks_that_differ_or_are_set_back_do_no_harm(tmp_path: Path) -> None:
    cache = MediaCache(tmp_path, lambda _: 10 * SIZE)
    for number in range(10):
        fill(cache, number)
        file = tmp_path / "image" / cache_name(item(number).path)
        os.utime(file, (time.time() + 3600, time.time() + 3600))
    opened = cache.open(item(9))  # which is used now
    assert opened is not None and opened.modified_at <= time.time()
    opened.close()
    for number in range(10, 13):
        fill(cache, number)
    folder = MediaFolder(tmp_path, Kind.IMAGE)
    for number in (9, 10, 11, 12):
        assert folder.size_of(item(number).path) == SIZE
