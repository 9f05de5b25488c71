"""Whole pictures and videos are taken, whatever their format; cut off ones are not, wherever they end."""

from __future__ import annotations

import io
import random

import pytest
from PIL import Image

from grok2api.media import Kind, kind_of
from grok2api.services import media_check
from grok2api.services.media_check import problem_of
from tests.simulator.movie import mp4
from tests.simulator.pictures import FORMATS, picture_in


def _pixels(seed: int) -> Image.Image:
    return Image.frombytes("RGB", (80, 80), random.Random(seed).randbytes(80 * 80 * 3))


def _saved(format_: str, frames: int = 1, **options: object) -> bytes:
    more = [_pixels(seed) for seed in range(1, frames)]
    if more:
        options |= {"save_all": True, "append_images": more}
    out = io.BytesIO()
    _pixels(0).save(out, format_, **options)
    return out.getvalue()


def _element(id_: bytes, content: bytes, length: bytes | None = None) -> bytes:
    return id_ + (length or (len(content) | 1 << 28).to_bytes(4, "big")) + content


EBML = _element(b"\x1a\x45\xdf\xa3", b"\x42\x82\x84webm")
CLUSTER = b"\x1f\x43\xb6\x75" + bytes(500)
FILES = {
    **{f"{format_}.jpg": picture_in(format_, "check") for format_ in FORMATS},
    "progressive.jpg": _saved("JPEG", progressive=True),
    "lossless.webp": _saved("WEBP", lossless=True),
    **{f"frames.{format_.lower()}": _saved(format_, 4) for format_ in ("PNG", "GIF", "WEBP", "AVIF", "MPO")},
    "movie.mp4": mp4("check"),
    "movie.webm": EBML + _element(b"\x18\x53\x80\x67", CLUSTER),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_whole_or_its_end_is_missed(name: str) -> None:
    whole, kind = FILES[name], kind_of(name)
    assert problem_of(io.BytesIO(whole), kind) is None
    ends = {len(whole) * percent // 100 for percent in (1, 5, 10, 25, 50, 75, 90, 95, 98, 99)}
    taken = [end for end in {*ends, len(whole) - 1} if problem_of(io.BytesIO(whole[:end]), kind) is None]
    assert taken == []


@pytest.mark.parametrize(
    ("content", "good"),
    [
        (EBML + _element(b"\x18\x53\x80\x67", CLUSTER, b"\x01" + b"\xff" * 7), True),  # of unknown length
        (EBML + b"\x18\x53\x80\x67\x01" + b"\xff" * 7, False),
        (EBML, False),
        (EBML + _element(b"\x18\x53\x80\x68", CLUSTER), False),
        (EBML[:4] + b"\xff" + bytes(100), False),
        (EBML[:4] + bytes(100), False),
        (EBML.replace(b"webm", b"doc1") + _element(b"\x18\x53\x80\x67", CLUSTER), False),
    ],
)
def test_webm_is_a_header_and_a_segment(content: bytes, good: bool) -> None:
    assert (problem_of(io.BytesIO(content), Kind.VIDEO) is None) == good


def test_a_decoder_that_fails_in_its_own_way_spoils_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_check, "_FORMATS", ("JPEG", "MPO", "PNG"))  # one that Pillow has no opener for
    assert problem_of(io.BytesIO(picture_in("webp", "x")), Kind.IMAGE) is None
    assert problem_of(io.BytesIO(picture_in("webp", "x")[:-1]), Kind.IMAGE) is not None
