"""The yardstick: nginx with one worker, which relays the same upstream bytes and does nothing else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.proc import BOTH_CORES, LOAD_CORE, SUBJECT_CORE
from benchmarks.processes import Broken, Server, environment, free_port, scratch, server

_CONFIG = """\
daemon off;
worker_processes {workers};
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    keepalive_requests 1000000;
    upstream grok {{
        server {upstream};
        keepalive 1024;
        keepalive_requests 1000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=2048;
        location / {{
            proxy_pass http://grok;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
}}
"""


def binary() -> str:
    """Where nginx is. Raises Broken when it is not installed."""
    path = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        raise Broken("nginx is the yardstick, but it is not installed: sudo apt-get install nginx-light")
    return path


@contextmanager
def nginx(upstream_url: str, workers: int = 1) -> Iterator[Server]:
    """On the subject's core; several workers share both cores with the load."""
    cores = BOTH_CORES if workers > 1 else {SUBJECT_CORE}
    with scratch() as directory:
        port = free_port()
        config = directory / "nginx.conf"
        config.write_text(_CONFIG.format(upstream=urlsplit(upstream_url).netloc, port=port, workers=workers))
        command = [binary(), "-p", str(directory), "-c", str(config), "-e", "stderr"]
        env = environment()
        with server(command, port, directory, env, cwd=directory, workers=workers, cores=cores) as running:
            yield running


_FILES = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    keepalive_requests 1000000;
    default_type {kind};
    sendfile on;
    tcp_nopush on;
    sendfile_max_chunk 512k;
    server {{
        listen 127.0.0.1:{port};
        root {folder};
    }}
}}
"""


@contextmanager
def file_nginx(
    folder: Path, kind: str = "video/mp4", cores: Set[int] = frozenset((SUBJECT_CORE,))
) -> Iterator[Server]:
    """An nginx that sends the files of a folder, all of them of one kind."""
    with scratch() as directory:
        port = free_port()
        config = directory / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""  # our folders are their user's only
        config.write_text(_FILES.format(port=port, folder=folder, user=user, kind=kind))
        command = [binary(), "-p", str(directory), "-c", str(config), "-e", "stderr"]
        with server(command, port, directory, environment(), cwd=directory, cores=cores) as running:
            yield running


@contextmanager
def canned_nginx(body: bytes) -> Iterator[Server]:
    """The yardstick before another nginx, on the load's core, which has these bytes as the file `models`."""
    with scratch() as folder:
        (folder / "models").write_bytes(body)
        with (
            file_nginx(folder, "application/json", {LOAD_CORE}) as upstream,
            nginx(f"http://127.0.0.1:{upstream.port}") as running,
        ):
            yield running
