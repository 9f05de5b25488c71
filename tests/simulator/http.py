"""HTTP/1.1 as far as a simulator needs it: reading requests from a socket, writing heads and bodies."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote

MAX_HEAD_BYTES = 256 * 1024
MAX_BODY_BYTES = 128 * 1024 * 1024

REASONS = {
    200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 413: "Payload Too Large", 429: "Too Many Requests",
    500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
    524: "A Timeout Occurred",
}  # fmt: skip


class BadHttp(Exception):
    """Bytes that are no request."""


@dataclass(slots=True)
class Request:
    """One request. `headers` has lower-case names; `cookies` is the parsed Cookie header."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    cookies: dict[str, str]
    body: bytes
    keep_alive: bool


class RequestReader:
    """Reads one request after another from a socket; bytes of the next one stay in the buffer."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._buffer = b""

    @property
    def has_more(self) -> bool:
        """Bytes of a further request are already here."""
        return bool(self._buffer)

    def read(self) -> Request | None:
        """The next request, or None when the client closed the connection."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise BadHttp("head too long")
            if not self._fill():
                return None
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        request = parse_head(head)
        if "expect" in request.headers:
            self._sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in request.headers.get("transfer-encoding", "").lower():
            request.body = self._chunked()
        elif length := request.headers.get("content-length"):
            if not length.isdigit() or int(length) > MAX_BODY_BYTES:
                raise BadHttp("bad content-length")
            request.body = self._exactly(int(length))
        return request

    def _fill(self) -> bool:
        data = self._sock.recv(65536)
        self._buffer += data
        return bool(data)

    def _exactly(self, size: int) -> bytes:
        parts, have = [self._buffer], len(self._buffer)
        while have < size:
            data = self._sock.recv(min(size - have, 262144))
            if not data:
                raise BadHttp("body cut short")
            parts.append(data)
            have += len(data)
        whole = b"".join(parts)
        self._buffer = whole[size:]
        return whole[:size]

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if not self._fill():
                raise BadHttp("body cut short")
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line

    def _chunked(self) -> bytes:
        body = b""
        while size := int(self._line().split(b";")[0], 16):
            body += self._exactly(size)
            self._line()
            if len(body) > MAX_BODY_BYTES:
                raise BadHttp("body too long")
        while self._line():
            pass
        return body


def parse_head(head: bytes) -> Request:
    """Request line and header lines, without the empty line."""
    lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, version = lines[0].split(" ")
    except ValueError as error:
        raise BadHttp("bad request line") from error
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadHttp("bad header line")
        name, value = name.strip().lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path, _, query = target.partition("?")
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection and (version == "HTTP/1.1" or "keep-alive" in connection)
    options = dict(parse_qsl(query, keep_blank_values=True))
    return Request(method, unquote(path), options, headers, parse_cookies(headers), b"", keep_alive)


def parse_cookies(headers: dict[str, str]) -> dict[str, str]:
    """Pairs of the Cookie header; blanks after the semicolon are optional."""
    pairs = (part.strip().partition("=") for part in headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs if name}


def head(status: int, headers: dict[str, str]) -> bytes:
    """Status line and headers, with the empty line."""
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int = ..., /) -> bytes: ...


TRANSPORTS = ("chunked", "close", "gzip", "gzip_close", "deflate", "deflate_close")


class Transport:
    """How a streamed body travels: chunked or until close, plain or compressed with a flush after each
    frame.
    """

    def __init__(self, name: str) -> None:
        coding = name.removesuffix("_close")
        self.closes = name.endswith("close")
        self.headers = {"Connection": "close"} if self.closes else {"Transfer-Encoding": "chunked"}
        self._packer: _Compressor | None = None
        if coding in ("gzip", "deflate"):
            self.headers["Content-Encoding"] = coding
            self._packer = zlib.compressobj(6, zlib.DEFLATED, 31 if coding == "gzip" else 15)

    def encode(self, data: bytes) -> bytes:
        """The wire bytes of one piece, such that the receiver can decode it at once."""
        if self._packer is not None:
            data = self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        return data if self.closes or not data else b"%x\r\n%b\r\n" % (len(data), data)

    def finish(self) -> bytes:
        """The end of the body."""
        data = b"" if self._packer is None else self._packer.flush(zlib.Z_FINISH)
        if self.closes:
            return data
        return (b"%x\r\n%b\r\n" % (len(data), data) if data else b"") + b"0\r\n\r\n"
