"""Files that are removed while they are asked for: whoever asked gets them whole, from the gateway and from nginx."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.gateway import Gateway
from tests.process.media_nginx import media_nginx
from tests.simulator.client import Simulator, directive

LINK = re.compile(r"!\[Generated Image\]\(([^)]+)\)")
ACCOUNTS = ["sim-basic-ok-1", "sim-basic-ok-2"]
Answers = Counter[tuple[int, str, bool]]
GOOD = (200, "image/jpeg", True)


def get_until(ends_at: float, urls: list[str], clients: int = 8) -> Answers:
    """What clients that ask without a pause are answered: status, content type, whether it is whole."""

    def get(client: int) -> Answers:
        found: Answers = Counter()
        with requests.Session() as session:
            while time.monotonic() < ends_at:
                for url in urls[client % 2 :: 2]:
                    answer = session.get(url, timeout=60)
                    whole = answer.content.endswith(b"\xff\xd9")
                    found[answer.status_code, answer.headers["Content-Type"], whole] += 1
        return found

    with ThreadPoolExecutor(clients) as pool:
        return sum(pool.map(get, range(clients)), Counter())


def test_nginx_finds_each_file_although_the_cache_is_cleared_all_the_time(
    tmp_path: Path, simulator: Simulator
) -> None:
    with Gateway(tmp_path / "data", simulator.url, GROK2API_MEDIA_ACCEL="/_media/") as gateway:
        gateway.admin("/api/tokens/add", {"tokens": ACCOUNTS, "token_type": "sso"})
        urls = LINK.findall(gateway.answer(directive("images")))
        (tmp_path / "nginx").mkdir()
        with media_nginx(tmp_path / "nginx", tmp_path / "data" / "cache", gateway.port) as front:
            over = threading.Event()
            cleared = 0

            def clear() -> None:
                nonlocal cleared
                while not over.is_set():
                    cleared += gateway.admin("/api/cache/clear", {})["deleted_count"]

            clearing = threading.Thread(target=clear)
            clearing.start()
            links = [url.replace(gateway.url, front) for url in urls]
            answers: Answers = Counter()
            for _ in range(2):  # while nobody asks, they go
                answers += get_until(time.monotonic() + 0.5, links)
                time.sleep(2.1)
            over.set()
            clearing.join()
            kept = requests.get(links[0], timeout=30).headers
            assert kept["Cache-Control"] == "public, max-age=31536000, immutable"
        assert set(answers) == {GOOD}
        assert cleared >= 2 and "ERROR" not in gateway.log()
