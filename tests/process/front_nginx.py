"""An nginx with deploy/nginx.conf in front of several gateways, which tells who answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.gateway import free_port
from tests.nginx import nginx, site

#: The header in which it says which nodes it asked for an answer: addresses, with commas; the last one answered.
VIA = "X-Via"


@contextmanager
def front_nginx(scratch: Path, nodes: Sequence[int]) -> Iterator[str]:
    """Its URL. scratch: a folder for its own files. nodes: the ports of the gateways."""
    scratch.mkdir(exist_ok=True)
    port = free_port()
    text = site(nodes, port, scratch)
    told = text.replace(
        "\n    access_log ", f"\n    add_header {VIA} $upstream_addr always;\n    access_log "
    )
    assert told != text
    with nginx(scratch, told, port) as url:
        yield url
