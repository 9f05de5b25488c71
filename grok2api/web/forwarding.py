"""Whom a request comes from by the word of proxies, trusted or not: for refusing, never for letting in."""

from __future__ import annotations

from flask import request

from grok2api.services.admin_auth import without_port

#: Lists of addresses, or one.
_ADDRESSES = (
    "X-Forwarded-For",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "X-Original-Forwarded-For",
    "X-Original-Remote-Addr",
    "X-Envoy-External-Address",
    "X-Azure-ClientIP",
    "X-Vercel-Forwarded-For",
    "X-Appengine-User-IP",
    "CF-Connecting-IP",
    "CF-Connecting-IPv6",
    "True-Client-IP",
    "Client-IP",
    "DO-Connecting-IP",
    "Fly-Client-IP",
    "Fastly-Client-IP",
    "Forwarded-For",
)
#: Elements of RFC 7239.
_ELEMENTS = ("Forwarded", "X-Forwarded")


def named_addresses() -> list[str]:
    """The connection's peer and every address that a forwarding header names, without ports."""
    original = request.environ.get("werkzeug.proxy_fix.orig", {})
    found = [request.remote_addr or "", original.get("REMOTE_ADDR") or request.remote_addr or ""]
    for header in _ADDRESSES:
        found += request.headers.get(header, "").split(",")
    for header in _ELEMENTS:
        for element in request.headers.get(header, "").replace(",", ";").split(";"):
            name, _, value = element.partition("=")
            if name.strip().lower() == "for":
                found.append(value.strip().strip('"'))
    return [without_port(address) for address in map(str.strip, found) if address]
