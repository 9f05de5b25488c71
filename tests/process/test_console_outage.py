"""The console while the storage is away: it says so in words, and goes on when it is back."""

from __future__ import annotations

import time
from pathlib import Path

import requests

from tests.gateway import Gateway
from tests.mariadb_server import PASSWORD
from tests.process.servers import environ_of
from tests.redis_server import RedisServer
from tests.simulator.client import Simulator


def test_pages_and_api_say_that_the_storage_is_away(tmp_path: Path, simulator: Simulator) -> None:
    with (
        RedisServer(password=PASSWORD) as redis,
        Gateway(tmp_path / "data", simulator.url, workers=2, **environ_of(redis)) as gateway,
        requests.Session() as browser,
    ):
        login = {"username": "admin", "password": "admin"}
        assert browser.post(f"{gateway.url}/api/login", json=login, timeout=10).ok
        assert browser.get(f"{gateway.url}/manage/settings", timeout=10).ok
        redis.stop()
        for path in ("/manage", "/manage/settings", "/login"):
            page = browser.get(gateway.url + path, timeout=20)
            assert page.status_code == 503 and page.headers["Content-Type"].startswith("text/html")
            assert "The storage cannot be reached right now." in page.text
        answer = browser.get(f"{gateway.url}/api/tokens", timeout=20)
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        answer = requests.post(f"{gateway.url}/api/login", json=login, timeout=20)
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        redis.start()
        until = time.monotonic() + 15
        while not requests.post(f"{gateway.url}/api/login", json=login, timeout=20).ok:
            assert time.monotonic() < until
            time.sleep(0.2)
        assert "Traceback" not in gateway.log()
