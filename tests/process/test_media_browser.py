"""A real browser shows the pictures of an answer, and plays and seeks its video; from the gateway and from nginx."""

from __future__ import annotations

import base64
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import orjson
import pytest

from tests.browser.pages import FLAGS as BROWSER_FLAGS
from tests.debian import need
from tests.gateway import Gateway
from tests.process.media_nginx import media_nginx
from tests.simulator.client import Simulator, directive
from tests.simulator.pictures import png

PICTURE = "data:image/png;base64," + base64.b64encode(png("browser")).decode()
FLAGS = ("--headless=new", *BROWSER_FLAGS, "--autoplay-policy=no-user-gesture-required")
SCRIPT = """
const video = document.querySelector('video'), seen = [];
const tell = () => fetch('/told', {method: 'POST', body: JSON.stringify({
  seen, duration: video.duration, at: video.currentTime, width: video.videoWidth,
  error: video.error && video.error.message, images: [...document.images].map(image => image.naturalWidth)})});
for (const name of ['loadedmetadata', 'seeked', 'playing', 'ended', 'error'])
  video.addEventListener(name, () => seen.push(name));
video.muted = true;
video.addEventListener('loadeddata', () => { video.currentTime = video.duration / 2; }, {once: true});
video.addEventListener('seeked', () => video.play(), {once: true});
video.addEventListener('ended', tell);
video.addEventListener('error', tell);
setTimeout(tell, 20000);
"""


class Page(ThreadingHTTPServer):
    """Shows HTML at /, and takes what its script tells."""

    def __init__(self, html: str) -> None:
        super().__init__(("127.0.0.1", 0), PageHandler)
        self.html = html
        self.told: Queue[dict[str, Any]] = Queue()


class PageHandler(BaseHTTPRequestHandler):
    server: Page

    def do_GET(self) -> None:
        self._answer(self.server.html.encode())

    def do_POST(self) -> None:
        self.server.told.put(orjson.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def opened(html: str, profile: Path) -> Iterator[Page]:
    """A page that a browser has open."""
    with Page(html) as page:
        thread = threading.Thread(target=page.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{page.server_port}/"
        command = [need("chromium", "chromium"), *FLAGS, f"--user-data-dir={profile}", url]
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield page
        finally:
            browser.terminate()
            browser.wait(20)
            page.shutdown()
            thread.join()


def media_of(gateway: Gateway) -> tuple[list[str], str]:
    """Links to two pictures, and a video as it stands in its answer."""
    pictures = re.findall(r"!\[Generated Image\]\(([^)]+)\)", gateway.answer(directive("images")))
    parts = [{"type": "text", "text": "slow zoom"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    body = {"model": "grok-imagine-0.9", "messages": [{"role": "user", "content": parts}]}
    text = gateway.post("/v1/chat/completions", body).json()["choices"][0]["message"]["content"]
    return pictures, text.rpartition("\n")[2]


@pytest.mark.parametrize("sender", ["gateway", "nginx"])
def test_pictures_are_shown_and_a_video_is_played_and_sought(
    sender: str, tmp_path: Path, simulator: Simulator
) -> None:
    accel = "/_media/" if sender == "nginx" else ""
    with Gateway(tmp_path / "data", simulator.url, GROK2API_MEDIA_ACCEL=accel) as gateway:
        gateway.admin("/api/tokens/add", {"tokens": ["sim-basic-ok-1"], "token_type": "sso"})
        pictures, video = media_of(gateway)
        html = "".join(f'<img src="{url}">' for url in pictures) + video
        if sender == "gateway":
            check(html, tmp_path)
            return
        (tmp_path / "nginx").mkdir()
        with media_nginx(tmp_path / "nginx", tmp_path / "data" / "cache", gateway.port) as url:
            check(html.replace(gateway.url, url), tmp_path)


def check(html: str, folder: Path) -> None:
    with opened(f"<!doctype html>{html}<script>{SCRIPT}</script>", folder / "profile") as page:
        told = page.told.get(timeout=60)
    assert told["error"] is None, told
    assert len(told["images"]) == 2 and all(width > 0 for width in told["images"])
    assert told["duration"] > 0 and told["width"] > 0
    assert told["seen"][0] == "loadedmetadata" and {"seeked", "playing", "ended"} <= set(told["seen"])
    assert told["at"] >= told["duration"] * 0.9
