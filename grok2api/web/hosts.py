"""Names that a gateway may be called by, and those that somebody else may let mean it.

Whoever owns a name may let it mean this machine (DNS rebinding); a browser then takes their page for one of ours.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

#: What nobody can register.
_NOT_PUBLIC = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


def is_of(origin: str, host: str) -> bool:
    """Whether a page's origin, as a browser names it, is this host with or without its port. The scheme does not count:
    TLS may have ended at a proxy."""
    scheme, _, place = origin.lower().partition("://")
    port = {"http": ":80", "https": ":443"}.get(scheme)
    return (
        port is not None
        and bool(place and host)
        and place.removesuffix(port) == host.lower().removesuffix(port)
    )


def no_stranger_owns(place: str) -> bool:
    """Whether a host, with or without a port, is an address, or a name that no stranger can own."""
    try:
        host = urlsplit(f"//{place}").hostname or ""
    except ValueError:
        return False
    if not host:
        return False
    try:
        return bool(ip_address(host))
    except ValueError:
        return "." not in host or host.endswith(_NOT_PUBLIC)
