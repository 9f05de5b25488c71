"""URLs that clients hand us, fetched without letting them reach our own network.

A name is resolved once, every address that it has is checked, and the connection goes to a checked address itself: a
second answer of the DNS is never asked for. Redirects are followed here, each target checked in the same way.
"""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urljoin, urlsplit

import certifi
import gevent
import idna
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TransportTimeout
from urllib3.util.ssl_ import create_urllib3_context

from grok2api.errors import BadRequest

MAX_BYTES = 20 * 1024 * 1024
MAX_REDIRECTS = 5
MAX_URL_CHARS = 8192
#: From the first look-up to the last byte, redirects included.
TOTAL_S = 15.0
#: How long one of several addresses may take, so that there is time left for the next.
CONNECT_S = 5.0

_PIECE_BYTES = 64 * 1024
_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}
#: What S3 and its like say of files of which they were told nothing.
_UNKNOWN_TYPES = ("", "application/octet-stream", "binary/octet-stream")
_HEADERS = {"User-Agent": "Grok2API", "Accept": "image/*", "Accept-Encoding": "identity"}

_UNRESOLVED = "its host name could not be resolved."

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s\[\]:@%/\\?#]+))(?::([0-9]{0,5}))?")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
#: What may stand in a path and a query as it is, escapes included; the rest is escaped.
_SAFE = "/%:@!$&'()*+,;=?~"

# `is_global` of the standard library differs between its versions and takes multicast for global, so the registries
# of IANA for special purposes are written out here.
_PRIVATE_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host, which every machine there can ask
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
#: All of IPv6 that is in use by the public; mapped, compatible and translated forms lie outside.
_PUBLIC_V6 = IPv6Network("2000::/3")
_PRIVATE_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID, benchmarks and other protocols' own
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",
    )
)
#: An IPv4 address in the last 32 bits. With NAT64, hosts without IPv4 see all of the IPv4 internet through it.
_CARRIERS = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
_BROKEN = "the connection to its server failed or broke off."


class Fetcher:
    """Fetches for all requests of a worker; keeps no connections and no cookies, and knows no proxy.

    allow: places as lower-case `host:port`, IPv6 in brackets, whose addresses need not be public.
    """

    def __init__(self, allow: Sequence[str], total_s: float = TOTAL_S, ca_file: str | None = None) -> None:
        """total_s: the limit of one fetch, in seconds. ca_file: who may sign certificates (PEM); None: certifi's."""
        self._allow = frozenset(map(_canonical, allow))
        self._total_s = total_s
        self._ca_file = ca_file

    def fetch(self, url: str) -> bytes:
        """What lies at an http or https URL: at most MAX_BYTES, said to be a picture or of no known type.

        Raises BadRequest; its message is what is wrong, to follow a colon, and says nothing of our network.
        """
        too_late = BadRequest(f"it did not arrive within {self._total_s:g} s.")
        ends_at = time.monotonic() + self._total_s
        try:
            with gevent.Timeout(self._total_s, too_late):
                return self._follow(url, ends_at)
        except NewConnectionError as error:  # which is a TransportTimeout, too, though nothing was waited for
            raise BadRequest(_BROKEN) from error
        except TransportTimeout as error:
            raise too_late from error
        except SSLError as error:
            raise BadRequest("its TLS certificate could not be verified, or TLS failed.") from error
        except (HTTPError, HTTPException, OSError, ValueError, AttributeError) as error:
            # The last two are http.client's ways to say that an answer made no sense or broke off.
            raise BadRequest(_BROKEN) from error

    def _follow(self, url: str, ends_at: float) -> bytes:
        place = _parse(url)
        for _ in range(1 + MAX_REDIRECTS):
            with self._opened(place, self._addresses(place), ends_at) as response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or not location:
                    return _read(response, ends_at)
            target = _parse(_absolute(place, location))
            if place.scheme == "https" and target.scheme == "http":
                raise BadRequest("it redirects from https to http.")
            place = target
        raise BadRequest(f"it redirects more than {MAX_REDIRECTS} times.")

    def _addresses(self, place: _Place) -> list[str]:
        """Where the place is, in order of preference. The only look-up of its name."""
        try:
            found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise BadRequest(_UNRESOLVED) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if place.authority not in self._allow and not all(map(is_public, addresses)):
            raise BadRequest("its address is not public.")
        return addresses

    @contextmanager
    def _opened(
        self, place: _Place, addresses: Sequence[str], ends_at: float
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """The answer of the first address that can be connected to; closed with its connection in the end."""
        pool, response = self._ask(place, addresses, ends_at)
        try:
            yield response
        finally:
            response.close()
            pool.close()

    def _ask(
        self, place: _Place, addresses: Sequence[str], ends_at: float
    ) -> tuple[urllib3.HTTPConnectionPool, urllib3.BaseHTTPResponse]:
        failure: Exception = BadRequest(_UNRESOLVED)
        for address in addresses:
            pool = self._pool(place, address, ends_at)
            try:
                return pool, pool.urlopen(
                    "GET",
                    place.target,
                    headers={**_HEADERS, "Host": place.host_header},
                    retries=False,
                    redirect=False,
                    assert_same_host=False,
                    preload_content=False,
                    decode_content=False,
                )
            except (NewConnectionError, ConnectTimeoutError) as error:
                failure = error
        raise failure

    def _pool(self, place: _Place, address: str, ends_at: float) -> urllib3.HTTPConnectionPool:
        left = max(0.001, ends_at - time.monotonic())
        timeout = urllib3.Timeout(connect=min(CONNECT_S, left), read=left)
        if place.scheme == "http":
            return urllib3.HTTPConnectionPool(address, place.port, timeout=timeout)
        return urllib3.HTTPSConnectionPool(
            address,
            place.port,
            timeout=timeout,
            ssl_context=self._tls,
            server_hostname=place.host.removesuffix("."),  # which the context checks the certificate against
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """One for all connections: reading the bundle takes longer than a handshake."""
        context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
        context.check_hostname = True
        context.load_verify_locations(self._ca_file or certifi.where())
        return context


@dataclass(frozen=True)
class _Place:
    """A URL taken apart. host: ASCII, lower-case, IPv6 without brackets. target: path and query, escaped."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def shown_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def authority(self) -> str:
        return f"{self.shown_host}:{self.port}"

    @property
    def host_header(self) -> str:
        return self.shown_host if self.port == _PORTS[self.scheme] else self.authority


def _canonical(place: str) -> str:
    """A listed place as `_Place.authority` writes it, of the ways to write an IPv6 address."""
    host, _, port = place.rpartition(":")
    if host.startswith("["):
        with suppress(ValueError):
            return f"[{IPv6Address(host.strip('[]'))}]:{port}"
    return place


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet's. Text that is none, or has a zone, is not."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.scope_id is not None:
        return False
    if any(ip in carrier for carrier in _CARRIERS):
        ip = IPv4Address(int(ip) & 0xFFFFFFFF)
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in _PRIVATE_V4)
    return ip in _PUBLIC_V6 and not any(ip in network for network in _PRIVATE_V6)


def _parse(url: str) -> _Place:
    """Raises BadRequest for what is no http or https URL, or could be read in two ways."""
    url = url.strip()
    if len(url) > MAX_URL_CHARS:
        raise BadRequest(f"it is a URL of more than {MAX_URL_CHARS} characters.")
    try:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or _CONTROLS.search(url):
            raise BadRequest("it is not a valid http or https URL.")
        if "@" in parts.netloc:
            raise BadRequest("a user name or password in a URL is not supported.")
        authority = _AUTHORITY.fullmatch(parts.netloc)
        if authority is None:
            raise BadRequest("its host or port is not valid.")
        literal, name, port = authority.groups()
        host = str(IPv6Address(literal)) if literal else _ascii_name(name)
        number = int(port) if port else _PORTS[parts.scheme]
        if not 0 < number <= 65535:
            raise BadRequest("its host or port is not valid.")
        target = quote(parts.path or "/", _SAFE) + (f"?{quote(parts.query, _SAFE)}" if parts.query else "")
    except ValueError as error:
        raise BadRequest("it is not a valid http or https URL.") from error
    return _Place(parts.scheme, host, number, target)


def _ascii_name(name: str) -> str:
    """As the DNS knows it; digits and dots of other scripts become what they stand for. Raises ValueError."""
    host = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode("ascii")
    if len(host) > 254 or not _NAME.fullmatch(host):
        raise ValueError("not a host name")
    return host


def _absolute(place: _Place, location: str) -> str:
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode()  # http.client's way, and that of most servers
    try:
        return urljoin(f"{place.scheme}://{place.authority}{place.target}", location)
    except ValueError as error:
        raise BadRequest("it redirects to an address that is not valid.") from error


def _read(response: urllib3.BaseHTTPResponse, ends_at: float) -> bytes:
    """The body of an answer that is what was asked for."""
    if response.status != 200:
        raise BadRequest(f"its server answered with status {response.status}.")
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not kind.startswith("image/") and kind not in _UNKNOWN_TYPES:
        raise BadRequest("its server says that it is not an image (Content-Type).")
    if response.headers.get("Content-Encoding", "identity").strip().lower() not in ("identity", ""):
        raise BadRequest("its server sent it in a Content-Encoding that was not asked for.")
    too_large = BadRequest(f"it is larger than {MAX_BYTES >> 20} MiB.")
    declared = response.headers.get("Content-Length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > MAX_BYTES:
        raise too_large
    body = bytearray()
    for piece in response.stream(_PIECE_BYTES, decode_content=False):
        body += piece
        if len(body) > MAX_BYTES:
            raise too_large
        if time.monotonic() > ends_at:
            raise TransportTimeout
    return bytes(body)
