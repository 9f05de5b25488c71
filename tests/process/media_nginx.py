"""An nginx with deploy/nginx-media.conf in front of a gateway."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.debian import need
from tests.gateway import ROOT, free_port

_NGINX = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
{user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    gzip on;
    gzip_types *;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{upstream};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
        include media.conf;
    }}
}}
"""


@contextmanager
def media_nginx(scratch: Path, folder: Path, upstream_port: int) -> Iterator[str]:
    """Its URL. scratch: an empty folder for its own files. folder: the cache. upstream_port: the gateway's."""
    binary = need("nginx", "nginx-light")
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""  # pytest's folders are its user's only
    (scratch / "nginx.conf").write_text(_NGINX.format(port=port, upstream=upstream_port, user=user))
    snippet = (ROOT / "deploy" / "nginx-media.conf").read_text()
    snippet, times = re.subn(r"alias /[^;]*/;", f"alias {folder}/;", snippet)
    assert times == 1
    (scratch / "media.conf").write_text(snippet)
    command = [binary, "-p", str(scratch), "-c", str(scratch / "nginx.conf"), "-e", "stderr"]
    process = subprocess.Popen(command)
    try:
        for _ in range(100):
            assert process.poll() is None
            try:
                requests.get(f"http://127.0.0.1:{port}/ping", timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
