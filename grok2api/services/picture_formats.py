"""What kind of picture some bytes are, told by the bytes alone, and their form for upstream.

Only the readers named here ever get a client's file: some of Pillow's others run programs. They are called directly
rather than through `Image.open`, which warns, with state of the whole process, of large pictures that are refused here
anyway.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import NoReturn

from PIL import Image, ImageOps
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile, DibImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.IcoImagePlugin import IcoFile, IcoImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from grok2api.errors import BadRequest

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
#: Of a JPEG; cameras write ten at most. Each costs a pass over all pixels, and may be no longer than 100 bytes.
MAX_SCANS = 500
#: Pixels times scans: a second's work, and twenty scans of the largest picture.
MAX_SCANNED_PIXELS = 20 * MAX_PIXELS

#: What is checked of a JPEG is the same when it is decoded at an eighth of its size, which takes far less memory.
_DRAFT = 8
#: Level 6 takes four times as long for files that are a seventh smaller.
_PNG_LEVEL = 1
_JPEG_QUALITY = 92
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


@dataclass(frozen=True)
class Upload:
    """A picture as it goes to upstream. extension: without a dot."""

    mime_type: str
    extension: str
    content: bytes


def prepare(content: bytes) -> Upload:
    """JPEG, PNG, GIF and WebP as they are; animated ones' first frame and all other formats as PNG, upright.

    What would be over MAX_BYTES as PNG becomes a JPEG, unless it has transparency. Decodes everything once, which
    blocks for up to seconds: not for the event loop's thread. Raises BadRequest, its message to follow a colon, for
    what is no picture, is over MAX_PIXELS, or breaks while it is decoded.
    """
    form = next((form for form in _FORMS if form.magic.match(content)), None)
    if form is None:
        raise BadRequest(f"it is not a picture in a format that can be used ({_names()}).")
    try:
        return _prepare(form, content)
    except BadRequest:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        _refuse_size()
    except Exception as error:  # Pillow's readers raise whatever they stumble over
        raise BadRequest(f"its content is broken (as {form.name}).") from error


def _prepare(form: _Form, content: bytes) -> Upload:
    if form.check is not None:
        form.check(content)
    image = form.read(BytesIO(content))
    _check_size(image.size)
    if isinstance(image, JpegImageFile):
        _check_scans(content, image.width * image.height)
        image.draft(None, (max(1, image.width // _DRAFT), max(1, image.height // _DRAFT)))
    image.load()
    if form.mime_type and not getattr(image, "is_animated", False):
        return Upload(form.mime_type, form.extension, content)
    return _converted(image)


def _converted(image: Image.Image) -> Upload:
    upright = ImageOps.exif_transpose(image)
    profile = upright.info.get("icc_profile")
    if upright.mode not in _PNG_MODES:
        upright, profile = upright.convert("RGBA" if _has_alpha(upright) else "RGB"), None
    buffer = BytesIO()
    upright.save(buffer, "PNG", compress_level=_PNG_LEVEL, icc_profile=profile)
    if buffer.tell() <= MAX_BYTES:
        return Upload("image/png", "png", buffer.getvalue())
    if upright.mode in ("P", "RGB") and not _has_alpha(upright):
        buffer = BytesIO()
        upright.convert("RGB").save(buffer, "JPEG", quality=_JPEG_QUALITY, icc_profile=profile)
        if buffer.tell() <= MAX_BYTES:
            return Upload("image/jpeg", "jpg", buffer.getvalue())
    raise BadRequest(
        f"it is larger than {MAX_BYTES >> 20} MiB when converted to PNG. Send it as JPEG, PNG or WebP."
    )


def _has_alpha(image: Image.Image) -> bool:
    return image.has_transparency_data or image.mode in ("La", "RGBa")


def _check_size(size: tuple[int, int]) -> None:
    """Before anything is decoded."""
    if size[0] * size[1] > MAX_PIXELS:
        _refuse_size(size)


def _refuse_size(size: tuple[int, int] | None = None) -> NoReturn:
    shown = f"{size[0]} x {size[1]} pixels, " if size else ""
    raise BadRequest(f"it is too large: {shown}more than {MAX_PIXELS // 1_000_000} megapixels.")


def _check_scans(content: bytes, pixels: int) -> None:
    most = min(MAX_SCANS, MAX_SCANNED_PIXELS // max(1, pixels))
    if content.count(b"\xff\xda") > most:
        raise BadRequest(f"it is a JPEG of more than {most} scans, too many for its size.")


def _check_icon(content: bytes) -> None:
    """An icon is decoded when it is opened, and may be larger than its directory says."""
    inner = content[IcoFile(BytesIO(content)).entry[0].offset :]
    read = PngImageFile if inner.startswith(b"\x89PNG") else DibImageFile
    _check_size(read(BytesIO(inner)).size)


@dataclass(frozen=True)
class _Form:
    """mime_type, extension: of formats that go up as they are; empty: it is converted."""

    name: str
    magic: re.Pattern[bytes]
    read: Callable[[BytesIO], ImageFile]
    mime_type: str = ""
    extension: str = ""
    check: Callable[[bytes], None] | None = None


def _magic(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.DOTALL)


#: Phones write MPO, a JPEG with more pictures behind its end, which is a JPEG to all who know no better.
_FORMS = (
    _Form("JPEG", _magic(rb"\xff\xd8\xff"), JpegImageFile, "image/jpeg", "jpg"),
    _Form("PNG", _magic(rb"\x89PNG\r\n\x1a\n"), PngImageFile, "image/png", "png"),
    _Form("GIF", _magic(rb"GIF8[79]a"), GifImageFile, "image/gif", "gif"),
    _Form("WebP", _magic(rb"RIFF....WEBP"), WebPImageFile, "image/webp", "webp"),
    _Form("BMP", _magic(rb"BM"), BmpImageFile),
    _Form("TIFF", _magic(rb"II[*+]\x00|MM\x00[*+]"), TiffImageFile),
    _Form("AVIF", _magic(rb"....ftyp(?:avi[fs]|m(?:if|sf)1.{0,60}?avi[fs])"), AvifImageFile),
    _Form("ICO", _magic(rb"\x00\x00\x01\x00"), IcoImageFile, check=_check_icon),
)


def _names() -> str:
    return ", ".join(form.name for form in _FORMS)
