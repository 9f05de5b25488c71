"""Files that are removed while they are asked for: whoever asked gets them whole, from the gateway and from nginx."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
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
            for url in cycle(urls[client % 2 :: 2]):
                if time.monotonic() > ends_at:
                    break
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
            cleared: list[int] = []

            def clear() -> None:
                while not over.is_set():
                    cleared.append(gateway.admin("/api/cache/clear/images", {})["deleted_count"])

            clearing = [threading.Thread(target=clear) for _ in range(2)]
            for thread in clearing:
                thread.start()
            links = [url.replace(gateway.url, front) for url in urls]
            answers = get_until(time.monotonic() + 0.8, links)
            time.sleep(2.7)  # while nobody asks, they go
            answers += get_until(time.monotonic() + 0.8, links)
            over.set()
            for thread in clearing:
                thread.join()
            kept = requests.get(links[0], timeout=30).headers
            assert kept["Cache-Control"] == "public, max-age=31536000, immutable"
        assert set(answers) == {GOOD}
        assert sum(cleared) >= 3 and "ERROR" not in gateway.log()


def test_a_hundred_files_in_a_cache_of_one_megabyte(tmp_path: Path, simulator: Simulator) -> None:
    cache, limit = tmp_path / "data" / "cache" / "image", 1024**2
    with Gateway(tmp_path / "data", simulator.url) as gateway:
        gateway.admin("/api/tokens/add", {"tokens": ACCOUNTS, "token_type": "sso"})
        gateway.set_settings(image_cache_max_size_mb=1)
        over = threading.Event()
        sizes = []

        def watch() -> None:
            while not over.wait(0.005):
                sizes.append(sum(_size_of(file) for file in cache.glob("*")))

        watching = threading.Thread(target=watch)
        watching.start()
        said = directive("images", images=10, size=27_000)
        with ThreadPoolExecutor(4) as pool:
            texts = list(pool.map(lambda _: gateway.answer(said), range(10)))
        urls = LINK.findall("".join(texts))
        answers = get_until(time.monotonic() + 3, urls)
        over.set()
        watching.join()
        assert len(set(urls)) == 100
        assert set(answers) == {GOOD} and answers.total() > 50
        assert limit // 2 < max(sizes) <= limit
        assert gateway.get_admin("/api/cache/size")["data"]["image_size_bytes"] <= limit
        assert "ERROR" not in gateway.log()


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
