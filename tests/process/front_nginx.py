"""An nginx with deploy/nginx.conf in front of several gateways."""

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

#: The header in which it says which nodes it asked for an answer: addresses, with commas; the last one answered.
VIA = "X-Via"

_NGINX = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
{user}
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    include site.conf;
}}
"""


def site(port: int, nodes: Sequence[int]) -> str:
    """deploy/nginx.conf on this port, with nodes on those ports."""
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    options = re.findall(r"^    server 127\.0\.0\.1:\d+(.*);$", text, re.M)
    assert len(options) == 2 and options[0] == options[1]
    servers = "".join(f"    server 127.0.0.1:{node}{options[0]};\n" for node in nodes)
    for pattern, replacement in (
        (r"(^    server 127\.0\.0\.1:.*;\n)+", servers),
        (r"^    listen 80;$", f"    listen 127.0.0.1:{port};"),
        (r"^    listen \[::\]:80;$", ""),
        (r"^    access_log .*;$", f"access_log access.log grok2api; add_header {VIA} $upstream_addr always;"),
    ):
        text, times = re.subn(pattern, replacement, text, flags=re.M)
        assert times == 1, pattern
    return text


@contextmanager
def front_nginx(scratch: Path, nodes: Sequence[int]) -> Iterator[str]:
    """Its URL. scratch: a folder for its own files. nodes: the ports of the gateways."""
    binary = need("nginx", "nginx-light")
    port = free_port()
    scratch.mkdir(exist_ok=True)
    user = "user root;" if os.geteuid() == 0 else ""  # pytest's folders are its user's only
    (scratch / "nginx.conf").write_text(_NGINX.format(user=user))
    (scratch / "site.conf").write_text(site(port, nodes), "utf-8")
    command = [binary, "-p", str(scratch), "-c", str(scratch / "nginx.conf"), "-e", "stderr"]
    with (scratch / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        for _ in range(100):
            assert process.poll() is None, (scratch / "log").read_text()
            try:
                requests.get(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
