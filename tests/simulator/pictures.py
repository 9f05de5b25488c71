"""Small valid pictures: a landscape of 8 x 8 pixel blocks, coloured by a seed. JPEG and PNG are made in code, so that
they are not merely what Pillow takes; the other formats are Pillow's own.
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from functools import lru_cache

from PIL import Image

FORMATS = ("jpeg", "png", "webp", "gif", "avif")
_BLOCKS = 48
_VARIANTS = 12


def _variant(seed: str) -> int:
    return hashlib.sha256(seed.encode()).digest()[0] % _VARIANTS


def _pixel(x: int, y: int, variant: int, size: int) -> tuple[int, int, int]:
    """RGB of a sky with a sun above hills; coordinates count blocks."""
    sun_x, sun_y = size * (2 + variant % 5) // 8, size * (2 + variant % 3) // 8
    if (x - sun_x) ** 2 + (y - sun_y) ** 2 < (size // 8) ** 2:
        return 255, 224 - 8 * variant, 120
    hill = size * 5 // 8 + abs((x * (3 + variant % 4) + variant * 7) % size - size // 2) // 3
    shade = 255 * y // size
    if y >= hill:
        return 30 + 6 * variant, 150 - shade // 3, 70 + shade // 4
    return 90 + shade // 2 + 3 * variant, 150 + shade // 4, 235 - shade // 3


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _entropy_coded(variant: int, blocks: int) -> bytes:
    """Blocks of one colour each: a DC difference (category in four bits, then its value) and an end of
    block.
    """
    bits: list[str] = []
    last = [0, 0, 0]
    for y in range(blocks):
        for x in range(blocks):
            r, g, b = _pixel(x, y, variant, blocks)
            luma = 0.299 * r + 0.587 * g + 0.114 * b
            values = (round(luma - 128), round((b - luma) * 0.564), round((r - luma) * 0.713))
            for part, value in enumerate(values):
                diff, last[part] = value - last[part], value
                size = abs(diff).bit_length()
                bits.append(f"{size:04b}")
                if size:
                    bits.append(f"{diff if diff > 0 else diff + (1 << size) - 1:0{size}b}")
                bits.append("0")
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\x00")


@lru_cache(maxsize=_VARIANTS)
def _jpeg_parts(variant: int, blocks: int) -> tuple[bytes, bytes]:
    """The file before and after the place of a comment."""
    start = b"\xff\xd8" + _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
    frame = struct.pack(">BHHB", 8, blocks * 8, blocks * 8, 3) + b"".join(
        bytes((n, 0x11, 0)) for n in (1, 2, 3)
    )
    dc_table = b"\x00" + bytes((0, 0, 0, 12)) + bytes(12) + bytes(range(12))
    ac_table = b"\x10" + bytes((1,)) + bytes(15) + b"\x00"
    tables = _segment(0xDB, b"\x00" + b"\x08" * 64) + _segment(0xC0, frame)
    tables += _segment(0xC4, dc_table) + _segment(0xC4, ac_table)
    scan = _segment(0xDA, b"\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00")
    return start, tables + scan + _entropy_coded(variant, blocks) + b"\xff\xd9"


def jpeg(seed: str, size: int = 0) -> bytes:
    """A baseline JPEG of 384 x 384 pixels, filled up to `size` bytes; the seed is its comment, so two seeds never give
    equal bytes."""
    start, rest = _jpeg_parts(_variant(seed), _BLOCKS)
    start += _segment(0xFE, seed.encode())
    while (left := size - len(start) - len(rest)) > 0:
        start += _segment(0xFE, bytes(min(max(left - 4, 0), 60_000)))
    return start + rest


def png(seed: str, size: int = 32) -> bytes:
    """An RGB PNG of size x size pixels with the seed as its comment."""
    variant = _variant(seed)
    rows = b"".join(
        b"\x00"
        + b"".join(bytes(max(0, min(c, 255)) for c in _pixel(x, y, variant, size)) for x in range(size))
        for y in range(size)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    comment = b"Comment\x00" + seed.encode()
    parts = (
        chunk(b"IHDR", header)
        + chunk(b"tEXt", comment)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    return b"\x89PNG\r\n\x1a\n" + parts


def picture_in(format_: str, seed: str, size: int = 0) -> bytes:
    """A picture in one of FORMATS; two seeds never give equal bytes. size: see `jpeg`."""
    if format_ == "jpeg":
        return jpeg(seed, size)
    drawn = png(seed, 96)
    return drawn if format_ == "png" else _converted(format_, drawn, seed)


def _converted(format_: str, content: bytes, seed: str) -> bytes:
    out = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        match format_:
            case "gif":
                image.save(out, "GIF", comment=seed.encode())
            case _:
                image.save(out, format_.upper(), xmp=seed.encode())
    return out.getvalue()
