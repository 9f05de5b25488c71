"""Generated pictures of any format, from the chat to the client, over real gunicorn and over nginx."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.gateway import Gateway, events, text_of
from tests.process.media_nginx import media_nginx
from tests.simulator.client import Simulator, directive

LINK = re.compile(r"!\[Generated Image\]\(([^)]+)\)")
HEADS = {"png": b"\x89PNG", "webp": b"RIFF", "gif": b"GIF89a", "avif": b"\0\0\0 ftypavif"}


@contextmanager
def _gateway(folder: Path, simulator: Simulator, **environ: str) -> Iterator[Gateway]:
    with Gateway(folder / "data", simulator.url, workers=1, **environ) as gateway:
        gateway.admin(
            "/api/tokens/add",
            {"tokens": [f"sim-basic-ok-{number}" for number in range(4)], "token_type": "sso"},
        )
        yield gateway
        assert "ERROR" not in gateway.log()


def _check(url: str, format_: str) -> None:
    served = requests.get(url, timeout=30)
    assert (served.status_code, served.headers["Content-Type"]) == (200, f"image/{format_}")
    assert served.content.startswith(HEADS[format_])
    part = requests.get(url, headers={"Range": "bytes=4-11"}, timeout=30)
    assert (part.status_code, part.content) == (206, served.content[4:12])


def test_every_format_goes_all_ways(tmp_path: Path, simulator: Simulator) -> None:
    with _gateway(tmp_path, simulator) as gateway, ThreadPoolExecutor(4) as pool:

        def go(format_: str) -> None:
            said = directive("images", format=format_)
            streamed = LINK.findall(text_of(events(gateway.chat(said, stream=True))))
            whole = LINK.findall(gateway.answer(said))
            made = gateway.post("/v1/images/generations", {"prompt": said, "n": 1})
            assert len(streamed) == len(whole) == 2 and made.status_code == 200, made.text
            for url in (streamed[0], whole[0], made.json()["data"][0]["url"]):
                _check(url, format_)
            asked = {"prompt": said, "response_format": "b64_json"}
            inside = gateway.post("/v1/images/generations", asked).json()["data"][0]["b64_json"]
            assert base64.b64decode(inside).startswith(HEADS[format_])

        def go_inside(format_: str) -> None:
            (first, _) = LINK.findall(gateway.answer(directive("images", format=format_)))
            kind, _, content = first.partition(";base64,")
            assert kind == f"data:image/{format_}"
            assert base64.b64decode(content).startswith(HEADS[format_])

        list(pool.map(go, HEADS))
        for room_mb in (512, 0):
            gateway.set_settings(image_mode="base64", image_cache_max_size_mb=room_mb)
            list(pool.map(go_inside, HEADS))


def test_nginx_sends_them_as_what_they_are(tmp_path: Path, simulator: Simulator) -> None:
    with _gateway(tmp_path, simulator, GROK2API_MEDIA_ACCEL="/_media/") as gateway:
        (tmp_path / "nginx").mkdir()
        with media_nginx(tmp_path / "nginx", tmp_path / "data" / "cache", gateway.port) as url:
            for format_ in ("png", "webp"):
                for link in LINK.findall(gateway.answer(directive("images", format=format_))):
                    _check(link.replace(gateway.url, url), format_)
