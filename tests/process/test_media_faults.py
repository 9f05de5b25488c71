"""The media cache when things go wrong: a full disk, a cache that cannot be, killed workers, and several nodes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.gateway import Gateway
from tests.simulator.client import Simulator, directive

LINK = re.compile(r"!\[Generated Image\]\(([^)]+)\)")
ACCOUNTS = ["sim-basic-ok-1", "sim-basic-ok-2"]


def made(gateway: Gateway, **options: object) -> list[str]:
    """Links to two pictures."""
    urls = LINK.findall(gateway.answer(directive("images", **options)))
    assert len(urls) == 2
    return urls


def check_served(url: str) -> None:
    answer = requests.get(url, timeout=60)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8\xff") and answer.content.endswith(b"\xff\xd9")


def left_in(cache: Path) -> list[str]:
    return [
        path.name
        for folder in ("image", "tmp")
        if (cache / folder).is_dir()
        for path in (cache / folder).iterdir()
    ]


def test_a_full_disk_is_passed_by(tmp_path: Path, simulator: Simulator) -> None:
    cache = tmp_path / "data" / "cache"
    for folder in ("image", "tmp"):
        (cache / folder).mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(cache)], check=True)
    try:
        for folder in ("image", "tmp"):
            (cache / folder).mkdir()
        fd = os.open(cache / "filler", os.O_CREAT | os.O_WRONLY)
        with pytest.raises(OSError, match="No space"):
            while True:
                os.write(fd, b"x" * 4096)
        os.close(fd)
        with Gateway(tmp_path / "data", simulator.url) as gateway:
            gateway.admin("/api/tokens/add", {"tokens": ACCOUNTS, "token_type": "sso"})
            for url in made(gateway):
                check_served(url)
            assert "passed through: No space left on device" in gateway.log()
        assert not left_in(cache)
    finally:
        subprocess.run(["umount", str(cache)], check=True)


def test_a_disk_that_fills_during_a_download_is_passed_by_too(tmp_path: Path, simulator: Simulator) -> None:
    cache = tmp_path / "data" / "cache"
    cache.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(cache)], check=True)
    try:
        with Gateway(tmp_path / "data", simulator.url) as gateway:
            gateway.admin("/api/tokens/add", {"tokens": ACCOUNTS, "token_type": "sso"})
            url = made(gateway, asset="later_slow", size=200_000)[0]
            gateway.admin("/api/cache/clear", {})
            with ThreadPoolExecutor(1) as pool:
                getting = pool.submit(check_served, url)
                simulator.wait_until(lambda: [name for name in left_in(cache) if name.endswith(".part")])
                time.sleep(0.7)
                (part,) = (cache / "tmp").iterdir()
                assert 0 < part.stat().st_size < 200_000
                with (cache / "filler").open("wb", buffering=0) as filler, suppress(OSError):
                    while True:
                        filler.write(b"x" * 4096)
                getting.result()
            assert "passed through: No space left on device" in gateway.log()
            assert not left_in(cache)
    finally:
        subprocess.run(["umount", str(cache)], check=True)


def test_a_cache_that_cannot_be_is_passed_by(tmp_path: Path, simulator: Simulator) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cache").write_text("a file in the way")
    with Gateway(tmp_path / "data", simulator.url, workers=1) as gateway:
        gateway.admin("/api/tokens/add", {"tokens": ACCOUNTS, "token_type": "sso"})
        for _ in range(2):
            for url in made(gateway):
                check_served(url)
        assert gateway.log().count("passed through") == 1  # said once in a while
        bearer = {"Authorization": f"Bearer {gateway.token}"}
        for method, path, code in (
            ("GET", "/api/cache/size", "cannot_read"),
            ("POST", "/api/cache/clear", "cannot_clear"),
        ):
            refused = requests.request(method, gateway.url + path, json={}, headers=bearer, timeout=30)
            assert (refused.status_code, refused.json()["code"]) == (500, code)
            assert "Not a directory" in refused.json()["error"]
        assert "Traceback" not in gateway.log()


def test_a_killed_worker_leaves_no_lock_and_no_part_of_a_file(tmp_path: Path, simulator: Simulator) -> None:
    cache = tmp_path / "data" / "cache"
    with Gateway(tmp_path / "data", simulator.url) as gateway:
        gateway.admin("/api/tokens/add", {"tokens": ACCOUNTS, "token_type": "sso"})
        url = made(gateway, asset="slow")[0]
        gateway.admin("/api/cache/clear", {})
        statuses: list[int] = []

        def get() -> None:
            with suppress(requests.RequestException):  # its worker is killed
                statuses.append(requests.get(url, timeout=60).status_code)

        threads = [threading.Thread(target=get) for _ in range(4)]
        for thread in threads:
            thread.start()
        simulator.wait_until(lambda: [name for name in left_in(cache) if name.endswith(".part")])
        time.sleep(0.5)
        for pid in gateway.worker_pids():
            os.kill(pid, signal.SIGKILL)
        for thread in threads:
            thread.join()
        assert statuses == []
        assert [Path(name).suffix for name in left_in(cache)] == [".part"]
        until = time.monotonic() + 30
        while True:
            try:
                check_served(url)
                break
            except requests.RequestException:
                assert time.monotonic() < until
                time.sleep(0.1)
        assert [Path(name).suffix for name in left_in(cache)] == [".jpg"]


def test_any_node_serves_any_link(tmp_path: Path, simulator: Simulator) -> None:
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    with (
        Gateway(tmp_path / "one", simulator.url, workers=1, DATABASE_URL=shared) as one,
        Gateway(tmp_path / "two", simulator.url, workers=1, DATABASE_URL=shared) as two,
    ):
        one.admin("/api/tokens/add", {"tokens": ACCOUNTS, "token_type": "sso"})
        for url in made(one):
            here, there = (
                requests.get(url, timeout=60),
                requests.get(url.replace(one.url, two.url), timeout=60),
            )
            assert here.content == there.content and here.headers["ETag"] == there.headers["ETag"]
            assert here.headers["Last-Modified"] == there.headers["Last-Modified"]
        assert len(list((tmp_path / "two" / "cache" / "image").iterdir())) == 2
        readers = {record["sso"] for record in simulator.requests(path="/users/")}
        assert readers == {chat["sso"] for chat in simulator.chats()}  # the account that made them
