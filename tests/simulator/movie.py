"""A small valid MP4 made in code: one second of H.264 in uncompressed (I_PCM) macroblocks, every frame a
key frame.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache

_WIDTH_MB, _HEIGHT_MB, _FRAMES, _FPS = 4, 3, 12, 12


class _Bits:
    """A writer of H.264 bit fields."""

    def __init__(self) -> None:
        self._text: list[str] = []

    def put(self, value: int, size: int) -> None:
        self._text.append(f"{value:0{size}b}")

    def golomb(self, *values: int) -> None:
        """Unsigned Exp-Golomb codes; a signed 0 has the same code."""
        for value in values:
            code = f"{value + 1:b}"
            self._text.append("0" * (len(code) - 1) + code)

    def align(self) -> None:
        size = sum(map(len, self._text))
        self._text.append("0" * (-size % 8))

    def done(self) -> bytes:
        text = "".join(self._text)
        return int(text, 2).to_bytes(len(text) // 8, "big") if text else b""


def _nal(kind: int, payload: bytes) -> bytes:
    """A NAL unit with emulation prevention."""
    return bytes((kind,)) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", payload)


def _parameter_sets() -> tuple[bytes, bytes]:
    sps = _Bits()
    for byte in (66, 0xC0, 10):
        sps.put(byte, 8)
    # ids, frame_num of 4 bits, picture order type 2, no reference frames
    sps.golomb(0, 0, 2, 0)
    sps.put(0, 1)
    sps.golomb(_WIDTH_MB - 1, _HEIGHT_MB - 1)
    # frames only, direct 8x8, no cropping, no VUI, stop bit
    sps.put(0b11001, 5)
    sps.align()
    pps = _Bits()
    pps.golomb(0, 0)
    pps.put(0, 2)
    pps.golomb(0, 0, 0)
    pps.put(0, 3)
    pps.golomb(0, 0, 0)
    # deblocking control present, no constrained intra, no redundant pictures, stop bit
    pps.put(0b1001, 4)
    pps.align()
    return _nal(0x67, sps.done()), _nal(0x68, pps.done())


def _picture(number: int) -> bytes:
    """One IDR slice: a bar of light that moves over a gradient."""
    bits = _Bits()
    bits.golomb(0, 7, 0)
    bits.put(0, 4)
    bits.golomb(number % 2)
    # IDR pictures: output nothing early, no long-term reference; then slice_qp_delta 0, deblocking off
    bits.put(0, 2)
    bits.golomb(0, 1)
    for block in range(_WIDTH_MB * _HEIGHT_MB):
        column, row = block % _WIDTH_MB, block // _WIDTH_MB
        bits.golomb(25)
        bits.align()
        lit = column == number * _WIDTH_MB // _FRAMES
        luma = b"".join(bytes((210 if lit else 60 + 30 * row + line,)) * 16 for line in range(16))
        chroma = bytes((150 - 20 * row,)) * 64 + bytes((100 + 20 * column,)) * 64
        data = luma + chroma
        bits.put(int.from_bytes(data, "big"), len(data) * 8)
    bits.put(1, 1)
    bits.align()
    return _nal(0x65, bits.done())


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def _full(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def _sample_table(sizes: list[int], offset: int) -> bytes:
    sps, pps = _parameter_sets()
    config = b"\x01" + sps[1:4] + b"\xff\xe1" + struct.pack(">H", len(sps)) + sps
    config += b"\x01" + struct.pack(">H", len(pps)) + pps
    entry = bytes(6) + b"\x00\x01" + bytes(16) + struct.pack(">HH", _WIDTH_MB * 16, _HEIGHT_MB * 16)
    entry += struct.pack(">IIIH", 0x480000, 0x480000, 0, 1) + bytes(32) + b"\x00\x18\xff\xff"
    return _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), _box(b"avc1", entry, _box(b"avcC", config))),
        _full(b"stts", struct.pack(">III", 1, len(sizes), 1)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, len(sizes), 1)),
        _full(b"stsz", struct.pack(">II", 0, len(sizes)), *(struct.pack(">I", size) for size in sizes)),
        _full(b"stco", struct.pack(">II", 1, offset)),
    )


def _moov(sizes: list[int], offset: int) -> bytes:
    """The index of the file; `offset` is the place of the first sample. Durations count frames."""
    length = len(sizes)
    times = struct.pack(">IIII", 0, 0, _FPS, length)
    header = _full(
        b"mvhd",
        times,
        struct.pack(">IH", 0x10000, 0x100),
        bytes(10),
        _MATRIX,
        bytes(24),
        struct.pack(">I", 2),
    )
    track = _full(
        b"tkhd", struct.pack(">IIIII", 0, 0, 1, 0, length), bytes(16), _MATRIX,
        struct.pack(">II", _WIDTH_MB * 16 << 16, _HEIGHT_MB * 16 << 16), flags=3,
    )  # fmt: skip
    source = _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1)))
    video = _box(b"minf", _full(b"vmhd", bytes(8), flags=1), source, _sample_table(sizes, offset))
    handler = _full(b"hdlr", bytes(4), b"vide", bytes(12), b"video\x00")
    media = _box(b"mdia", _full(b"mdhd", times, b"\x55\xc4\x00\x00"), handler, video)
    return _box(b"moov", header, _box(b"trak", track, media))


@lru_cache(maxsize=1)
def _parts() -> tuple[bytes, bytes]:
    """Everything but the box with the seed."""
    samples = []
    for number in range(_FRAMES):
        unit = _picture(number)
        samples.append(struct.pack(">I", len(unit)) + unit)
    sizes = [len(sample) for sample in samples]
    kind = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")
    offset = len(kind) + len(_moov(sizes, 0)) + 8
    return kind + _moov(sizes, offset), _box(b"mdat", *samples)


def mp4(seed: str) -> bytes:
    """A playable video of about 55 KiB with the seed in a `free` box at its end, so that two seeds never
    give equal bytes.
    """
    index, media = _parts()
    return index + media + _box(b"free", seed.encode())
