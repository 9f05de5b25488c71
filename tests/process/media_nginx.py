"""An nginx with deploy/nginx-media.conf in front of a gateway."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.gateway import free_port
from tests.nginx import media_snippet, nginx

_HTTP = """\
access_log off;
gzip on;
gzip_types *;
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://127.0.0.1:{upstream};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
    }}
    {media}
}}
"""


@contextmanager
def media_nginx(scratch: Path, folder: Path, upstream_port: int) -> Iterator[str]:
    """Its URL. scratch: an empty folder for its own files. folder: the cache. upstream_port: the gateway's."""
    port = free_port()
    http = _HTTP.format(port=port, upstream=upstream_port, media=media_snippet(folder))
    with nginx(scratch, http, port) as url:
        yield url
