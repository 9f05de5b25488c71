"""An nginx for tests, and deploy/nginx.conf as one with ports and paths of the test's own."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.debian import need
from tests.gateway import ROOT, free_port

SITE = ROOT / "deploy" / "nginx.conf"
MEDIA = ROOT / "deploy" / "nginx-media.conf"
_MAIN = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log warn;
{user}
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    {http}
}}
"""


@contextmanager
def site_nginx(scratch: Path, ports: Sequence[int], *, cache: Path | None = None) -> Iterator[str]:
    """The URL of an nginx with deploy/nginx.conf before gateways on these ports of 127.0.0.1.

    scratch: a folder for its own files, `access.log` and `error.log` among them; made if need be. cache: of the gateway
    whose media nginx is to send.
    """
    scratch.mkdir(exist_ok=True)
    listen = free_port()
    with nginx(scratch, site(ports, listen, scratch, cache), listen) as url:
        yield url


def site(ports: Sequence[int], listen: int, scratch: Path, cache: Path | None = None) -> str:
    """deploy/nginx.conf with what is the test's: its nodes, where it listens and what it writes."""
    text = SITE.read_text()
    servers = "".join(f"    server 127.0.0.1:{port} max_fails=0;\n" for port in ports)
    text = _put(text, r"(    server 127\.0\.0\.1:\d+ max_fails=0;\n)+", servers)
    text = _put(text, r"\n    listen 80;\n    listen \[::\]:80;\n", f"\n    listen 127.0.0.1:{listen};\n")
    text = _put(text, r"/var/log/nginx/grok2api\.log", f"{scratch}/access.log")
    if cache is not None:
        text = _put(text, r"# include snippets/nginx-media\.conf;", f"include {scratch}/media.conf;")
        (scratch / "media.conf").write_text(media_snippet(cache))
    return text


def media_snippet(cache: Path) -> str:
    """deploy/nginx-media.conf for a gateway's cache."""
    return _put(MEDIA.read_text(), r"alias /[^;]*/;", f"alias {cache}/;")


def _put(text: str, pattern: str, new: str) -> str:
    """What the pattern finds, which has to be there once, replaced."""
    text, times = re.subn(pattern, new.replace("\\", r"\\"), text)
    assert times == 1, pattern
    return text


def config(scratch: Path, http: str) -> list[str]:
    """The command that runs, or with `-t` checks, an nginx with this in its http block."""
    binary = need("nginx", "nginx-light")
    user = "user root;" if os.geteuid() == 0 else ""  # pytest's folders are its user's only
    (scratch / "nginx.conf").write_text(_MAIN.format(user=user, http=http))
    return [binary, "-p", str(scratch), "-c", str(scratch / "nginx.conf"), "-e", str(scratch / "error.log")]


@contextmanager
def nginx(scratch: Path, http: str, port: int) -> Iterator[str]:
    """The URL of an nginx with this in its http block, which has to listen on the port of 127.0.0.1."""
    scratch.mkdir(exist_ok=True)
    process = subprocess.Popen(config(scratch, http))
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            assert process.poll() is None, (scratch / "error.log").read_text()
            try:
                requests.get(f"{url}/ping", timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)
