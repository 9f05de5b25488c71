"""A cached file over HTTP: whole, in ranges (RFC 9110, section 14) or not at all (section 13), never in memory.

The kernel sends a whole file and a single range: gunicorn does so for its own file wrapper, which has to reach it as it
is, in a response that passes it through. Several ranges, and everything where there is no such server, are read in
pieces, in threads. Clients that take nothing are the server's to give up (server/client_socket.py).
"""

from __future__ import annotations

import errno
import os
import secrets
import weakref
from collections.abc import Generator
from datetime import UTC, datetime
from io import FileIO
from typing import IO, cast
from urllib.parse import quote

import gevent
from flask import Response, request
from werkzeug.datastructures import Headers
from werkzeug.http import http_date, parse_date
from werkzeug.wsgi import wrap_file

from grok2api.services.media_files import HeldFiles, OpenFile
from grok2api.web.ranges import Slice, Unsatisfiable, wanted

#: Bytes read at a time.
PIECE_BYTES = 256 * 1024

#: For nginx: the Cache-Control of an answer with the file, or a part of it.
KEEP_HEADER = "X-Media-Cache-Control"

SECURITY_HEADERS = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}


def file_response(opened: OpenFile, cache_control: str) -> Response:
    """The answer to the current request, GET or HEAD, for a file; which is closed when the answer is, or is
    forgotten."""
    try:
        answer = _answer(opened, cache_control)
    except BaseException:
        opened.close()
        raise
    if not answer.direct_passthrough:
        opened.close()
    return answer


def accel_response(opened: OpenFile, cache_control: str, prefix: str, held: HeldFiles) -> Response:
    """An answer that has nginx send the file in our place; conditions and ranges are nginx's then, which makes
    validators of its own. See deploy/nginx-media.conf.

    prefix: nginx's location (`/_media/`). held: keeps the file there until nginx has opened it.
    """
    # A header of our own tells nginx how long the file may be kept; Cache-Control would also get onto its errors. When
    # it finds that it cannot satisfy a range, it has taken it for good already.
    keep = cache_control if _may_be_satisfied(opened) else "no-store"
    headers = {"X-Accel-Redirect": prefix + quote(opened.name), KEEP_HEADER: keep}
    held.hold(opened)
    return Response(b"", headers=headers, content_type=opened.content_type)


class _Unchanged(Response):
    """A 304 that tells `Last-Modified`, for clients that go by it; werkzeug leaves it out."""

    def get_wsgi_headers(self, environ: dict[str, object]) -> Headers:
        headers = super().get_wsgi_headers(environ)
        headers["Last-Modified"] = self.headers["Last-Modified"]
        return headers


def _answer(opened: OpenFile, cache_control: str) -> Response:
    headers = SECURITY_HEADERS | {
        "Accept-Ranges": "bytes",
        "Cache-Control": cache_control,
        "ETag": f'"{opened.etag}"',
        "Last-Modified": http_date(int(opened.modified_at)),
    }
    failed = _failed_condition(opened)
    if failed == 304:
        return _Unchanged(status=304, headers=headers)
    if failed == 412:
        return _refusal(412, headers)
    try:
        slices = _slices(opened)
    except Unsatisfiable:
        return _refusal(416, headers | {"Content-Range": f"bytes */{opened.size}"})
    if slices is None:
        return _one(200, opened, Slice(0, opened.size), headers)
    if len(slices) == 1:
        return _one(206, opened, slices[0], headers | {"Content-Range": _content_range(slices[0], opened)})
    return _several(opened, slices, headers)


def _refusal(status: int, headers: dict[str, str]) -> Response:
    # What may be kept of the file may not be kept of this.
    answer = Response(b"", status, headers | {"Cache-Control": "no-store"})
    del answer.headers["Content-Type"]
    return answer


def _one(status: int, opened: OpenFile, slice_: Slice, headers: dict[str, str]) -> Response:
    headers = headers | {"Content-Length": str(slice_.length)}
    if request.method == "HEAD" or not slice_.length:
        return Response(None, status, headers, content_type=opened.content_type)
    body = _SentBody(opened, slice_)
    return _streamed(body, status, headers, opened.content_type)


def _several(opened: OpenFile, slices: tuple[Slice, ...], headers: dict[str, str]) -> Response:
    boundary = secrets.token_hex(16)
    segments: list[bytes | Slice] = []
    for slice_ in slices:
        head = (
            f"\r\n--{boundary}\r\n"
            f"Content-Type: {opened.content_type}\r\n"
            f"Content-Range: {_content_range(slice_, opened)}\r\n\r\n"
        )
        segments += [head.encode("latin-1"), slice_]
    segments.append(f"\r\n--{boundary}--\r\n".encode())
    length = sum(len(part) if isinstance(part, bytes) else part.length for part in segments)
    headers = headers | {"Content-Length": str(length)}
    return _streamed(_Body(opened, segments), 206, headers, f"multipart/byteranges; boundary={boundary}")


def _streamed(body: _Body, status: int, headers: dict[str, str], content_type: str) -> Response:
    wrapped = wrap_file(request.environ, cast(IO[bytes], body), PIECE_BYTES)
    return Response(wrapped, status, headers, content_type=content_type, direct_passthrough=True)


def _content_range(slice_: Slice, opened: OpenFile) -> str:
    return f"bytes {slice_.start}-{slice_.stop - 1}/{opened.size}"


# --- conditions (section 13.2.2) ---


def _failed_condition(opened: OpenFile) -> int | None:
    """304 or 412, the status of a condition that does not hold; None: the file is to be sent."""
    headers = request.headers
    if "If-Match" in headers:
        if not request.if_match.contains(opened.etag):
            return 412
    elif (unmodified_since := request.if_unmodified_since) and _modified(opened) > unmodified_since:
        return 412
    if "If-None-Match" in headers:
        if request.if_none_match.contains_weak(opened.etag):
            return 304
    elif (modified_since := request.if_modified_since) and _modified(opened) <= modified_since:
        return 304
    return None


def _modified(opened: OpenFile) -> datetime:
    """As a date in HTTP tells it: in whole seconds."""
    return datetime.fromtimestamp(int(opened.modified_at), UTC)


def _slices(opened: OpenFile) -> tuple[Slice, ...] | None:
    """What the client asks for; None: all. Raises Unsatisfiable."""
    if request.method != "GET" or not _same_as_before(opened):
        return None
    return wanted(request.headers.get("Range", ""), opened.size)


def _may_be_satisfied(opened: OpenFile) -> bool:
    """Whether nginx will not answer 416; which it does to ranges that are none, too."""
    asked = request.headers.get("Range")
    try:
        return asked is None or wanted(asked, opened.size) is not None
    except Unsatisfiable:
        return False


def _same_as_before(opened: OpenFile) -> bool:
    """Whether the file is the one that `If-Range` names. A weak tag names none; werkzeug would take it for a strong
    one."""
    validator = request.headers.get("If-Range")
    if validator is None:
        return True
    if '"' in validator:
        return validator.strip(" \t") == f'"{opened.etag}"'
    return parse_date(validator) == _modified(opened)


# --- bodies ---


class _Body:
    """What `wsgi.file_wrapper` takes: pieces of a file, and bytes of ours between them.

    Closing it closes the file. So does forgetting it: when a server fails before the body's turn, nobody closes it.
    """

    def __init__(self, opened: OpenFile, segments: list[bytes | Slice]) -> None:
        self._pieces = _pieces(opened.file, segments)
        self._close = weakref.finalize(self, opened.close)

    def read(self, size: int = -1) -> bytes:
        """The next piece, of whatever size; b"" at the end. Raises OSError."""
        return next(self._pieces, b"")

    def close(self) -> None:
        self._pieces.close()
        self._close()


class _SentBody(_Body):
    """One slice, which gunicorn may have the kernel send: it begins where the file stands."""

    def __init__(self, opened: OpenFile, slice_: Slice) -> None:
        super().__init__(opened, [slice_])
        self._file = opened.file
        self._stop = slice_.stop
        self._file.seek(slice_.start)

    def fileno(self) -> int:
        return self._file.fileno()

    def seek(self, offset: int) -> None:
        """Read on from this byte of the file: where the kernel cannot send it."""
        self._pieces.close()
        self._pieces = _pieces(self._file, [Slice(offset, self._stop)])


def _pieces(file: FileIO, segments: list[bytes | Slice]) -> Generator[bytes, None, None]:
    """Raises OSError, also when the file ends early."""
    for segment in segments:
        if isinstance(segment, bytes):
            yield segment
            continue
        at, stop = segment
        while at < stop:
            piece = _read(file.fileno(), min(PIECE_BYTES, stop - at), at)
            at += len(piece)
            yield piece


def _read(fd: int, length: int, offset: int) -> bytes:
    """In a thread: a disk may take its time. Raises OSError, also at the end of the file."""
    piece: bytes = gevent.get_hub().threadpool.apply(os.pread, (fd, length, offset))
    if not piece:
        raise OSError(errno.EIO, "the file is shorter than it was")
    return piece
