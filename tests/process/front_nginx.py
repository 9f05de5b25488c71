"""An nginx in front of several gateways."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.debian import need
from tests.gateway import free_port
from tests.process.traffic import VIA

_NGINX = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr error;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    upstream nodes {{
        {servers}
        keepalive 32;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://nodes;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_buffering off;
            proxy_next_upstream error timeout non_idempotent;
            proxy_next_upstream_tries 3;
            add_header {via} $upstream_addr always;
        }}
    }}
}}
"""


@contextmanager
def front_nginx(scratch: Path, ports: Sequence[int]) -> Iterator[str]:
    """Its URL. scratch: an empty folder for its own files. ports: of the gateways."""
    binary = need("nginx", "nginx-light")
    port = free_port()
    scratch.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    servers = "\n".join(f"server 127.0.0.1:{node} max_fails=0;" for node in ports)
    (scratch / "nginx.conf").write_text(_NGINX.format(port=port, servers=servers, user=user, via=VIA))
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
