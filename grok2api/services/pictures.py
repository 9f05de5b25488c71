"""The pictures of a request, as files that can be given to upstream."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

from gevent import monkey
from gevent.threadpool import ThreadPool

from grok2api.errors import BadRequest
from grok2api.messages import Picture
from grok2api.services.picture_formats import MAX_BYTES, Upload, prepare
from grok2api.services.together import together

MAX_PICTURES = 8
#: Of all pictures of a request together, as they go up.
MAX_TOTAL_BYTES = 64 * 1024 * 1024
AT_ONCE = 4
#: Pictures that are decoded at a time in a worker, each in a thread: one of 50 megapixels takes up to 700 MB while it
#: is converted.
DECODERS = 2

_USABLE = re.compile(r"\s*(?:https?|data):", re.IGNORECASE)
_DATA = re.compile(r"\s*data:([^,]*),", re.IGNORECASE)
_BASE64 = re.compile(r";\s*base64\s*(?:;|$)", re.IGNORECASE)
_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_WHITESPACE = b" \t\r\n\f"


@dataclass(frozen=True)
class PictureFile:
    """name: such as `image-1.jpg`, numbered by place. where: the field of the request that it came in."""

    name: str
    mime_type: str
    content: bytes
    where: str


class Pictures:
    """Fetches, decodes and recognises, for all requests of a worker.

    fetch: the bytes at an http or https URL, or BadRequest, whose message can follow a colon.
    """

    def __init__(self, fetch: Callable[[str], bytes]) -> None:
        self._fetch = fetch
        # Not the hub's pool: there, names are resolved, which would have to wait for pictures. gevent stubs leave
        # the pool's constructor untyped.
        self._threads: Any = ThreadPool(DECODERS) if monkey.is_module_patched("threading") else None

    def gather(self, pictures: Sequence[Picture]) -> tuple[PictureFile, ...]:
        """The files, in the pictures' order; AT_ONCE are worked on at a time.

        Raises BadRequest naming the picture that failed first; the others' work is ended then, and also when this
        greenlet is.
        """
        if len(pictures) > MAX_PICTURES:
            raise BadRequest(
                f"At most {MAX_PICTURES} pictures can be used; there are {len(pictures)}.",
                pictures[MAX_PICTURES].where,
            )
        room = _Room(MAX_TOTAL_BYTES)
        works = [partial(self._file, index, picture, room) for index, picture in enumerate(pictures, 1)]
        return tuple(together(works, AT_ONCE))

    def _file(self, index: int, picture: Picture, room: _Room) -> PictureFile:
        where = picture.where
        try:
            content = self._content(picture)
            if not content:
                raise BadRequest("it is empty.")
            if len(content) > MAX_BYTES:
                raise _too_large()
            upload = self._prepared(content)
            room.take(len(upload.content))
        except BadRequest as error:
            raise BadRequest(f"The picture `{where}` cannot be used: {error.message}", where) from error
        return PictureFile(f"image-{index}.{upload.extension}", upload.mime_type, upload.content, where)

    def _content(self, picture: Picture) -> bytes:
        if not picture.url:
            return picture.content
        if _DATA.match(picture.url):
            return decode_data_url(picture.url)
        return self._fetch(picture.url)

    def _prepared(self, content: bytes) -> Upload:
        """In a native thread when the process is patched by gevent, in the caller's when it is not."""

        def attempt() -> Upload | BadRequest:
            try:
                return prepare(content)
            except (
                BadRequest
            ) as error:  # handed back rather than raised: gevent prints what its threads raise
                return error

        result: Upload | BadRequest = self._threads.apply(attempt) if self._threads is not None else attempt()
        if isinstance(result, BadRequest):
            raise result
        return result


class _Room:
    """What is left for the pictures of one request, in bytes."""

    def __init__(self, size: int) -> None:
        self._size = self._left = size

    def take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise BadRequest(f"all pictures together are larger than {self._size >> 20} MiB.")


def check_url(url: str, where: str) -> None:
    """Raises BadRequest for what cannot be a picture's URL, without a look at what is behind it."""
    if not _USABLE.match(url):
        raise BadRequest(f"`{where}` must be an http, https or data URL.", where)


def decode_data_url(url: str) -> bytes:
    """The bytes in a data URL, whatever type it declares. In base64, white space, the alphabet for URLs and padding
    that is missing are all right. Raises BadRequest, its message to follow a colon."""
    head = _DATA.match(url)
    if head is None:
        raise BadRequest("it is not a data URL.")
    encoded = url[head.end() :]
    if len(encoded) > MAX_BYTES * 4:  # four times: all of it may be escaped
        raise _too_large()
    try:
        if not _BASE64.search(head[1]):
            return unquote_to_bytes(encoded)
        data = unquote_to_bytes(encoded) if "%" in encoded else encoded.encode("ascii")
        data = data.translate(_URL_SAFE, _WHITESPACE).rstrip(b"=")
        if len(data) * 3 // 4 > MAX_BYTES:
            raise _too_large()
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4), strict_mode=True)
    except ValueError as error:
        raise BadRequest("the data in its URL is broken.") from error


def _too_large() -> BadRequest:
    return BadRequest(f"it is larger than {MAX_BYTES >> 20} MiB.")
