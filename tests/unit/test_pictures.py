"""Pictures of a request: decoded, recognised by content, bounded, several at a time."""

from __future__ import annotations

import io
import struct
import zlib
from base64 import b64encode, urlsafe_b64encode

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from grok2api.errors import BadRequest
from grok2api.messages import Picture
from grok2api.services.pictures import (
    AT_ONCE,
    MAX_PICTURES,
    PictureFile,
    Pictures,
    check_url,
    decode_data_url,
)


def nothing(url: str) -> bytes:
    raise AssertionError(url)


def drawn(kind: str, mode: str = "RGB", size: tuple[int, int] = (8, 6), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 3).save(out, kind, **options)
    return out.getvalue()


def animated(kind: str) -> bytes:
    out = io.BytesIO()
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    frames[0].save(out, kind, save_all=True, append_images=frames[1:], duration=100)
    return out.getvalue()


def one(content: bytes) -> PictureFile:
    (file,) = Pictures(nothing).gather([Picture("image[0]", content=content)])
    assert file.where == "image[0]"
    return file


def refused(content: bytes) -> str:
    with pytest.raises(BadRequest) as caught:
        one(content)
    assert caught.value.param == "image[0]" and "`image[0]`" in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("kind", "mime"), [("JPEG", "jpeg"), ("PNG", "png"), ("GIF", "gif"), ("WEBP", "webp")]
)
def test_common_formats_go_up_as_they_are(kind: str, mime: str) -> None:
    content = drawn(kind)
    file = one(content)
    assert (file.mime_type, file.content) == (f"image/{mime}", content)
    assert file.name.startswith("image-1.")


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "AVIF", "ICO"])
def test_other_formats_become_png(kind: str) -> None:
    file = one(drawn(kind, size=(16, 16)))
    assert (file.mime_type, file.name) == ("image/png", "image-1.png")
    with Image.open(io.BytesIO(file.content)) as image:
        assert (image.format, image.size) == ("PNG", (16, 16))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_goes_up(kind: str) -> None:
    file = one(animated(kind))
    with Image.open(io.BytesIO(file.content)) as image:
        assert getattr(image, "n_frames", 1) == 1 and file.mime_type == "image/png"
        red, _, blue = image.convert("RGB").getpixel((4, 3))  # type: ignore[misc]
        assert red > 200 > 50 > blue


def test_a_phones_jpeg_of_several_pictures_is_a_jpeg() -> None:
    out = io.BytesIO()
    first = Image.new("RGB", (8, 6), "red")
    first.save(out, "MPO", save_all=True, append_images=[Image.new("RGB", (8, 6), "blue")])
    assert one(out.getvalue()).mime_type == "image/jpeg"


def scanned(times: int, width: int, height: int) -> bytes:
    """A progressive JPEG of so many scans, of which only the head says that it is so large."""
    jpeg = drawn("JPEG", progressive=True)
    head = jpeg.index(b"\xff\xc2") + 5
    jpeg = jpeg[:head] + struct.pack(">HH", height, width) + jpeg[head + 4 :]
    more = times - jpeg.count(b"\xff\xda")
    return jpeg[:-2] + jpeg[jpeg.rindex(b"\xff\xda") : -2] * more + jpeg[-2:]


def test_a_large_jpeg_may_not_be_read_over_and_over() -> None:
    assert "more than 20 scans" in refused(scanned(21, 7000, 7000))
    assert one(scanned(12, 7000, 7000)).mime_type == "image/jpeg"
    assert one(scanned(400, 8, 6)).mime_type == "image/jpeg"
    assert "more than 500 scans" in refused(scanned(501, 8, 6))


def png_of(width: int, height: int) -> bytes:
    """The head of a picture whose pixels would not fit into memory."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(10_000, 6_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_huge_pictures_are_refused_by_their_head(size: tuple[int, int]) -> None:
    assert refused(png_of(*size))


@pytest.mark.parametrize(
    "content",
    [b"", b"no picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html></html>", b"%PDF-1.7", b"\xff\xd8\xff",
     b"%!PS-Adobe-3.0 EPSF-3.0\n", b"GIF89a", drawn("BMP", size=(64, 64))[:200]],
)  # fmt: skip
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    assert refused(content)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_picture_or_refused(content: bytes) -> None:
    try:
        one(content)
    except BadRequest as error:
        assert error.param == "image[0]"


@given(
    st.binary(max_size=100),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["image/png", "", "text/plain;a=b"]),
)
def test_what_a_data_url_encodes_comes_back(data: bytes, safe: bool, padded: bool, kind: str) -> None:
    encoded = (urlsafe_b64encode if safe else b64encode)(data).decode()
    assert decode_data_url(f"data:{kind};base64,{encoded if padded else encoded.rstrip('=')}") == data
    escaped = "".join(f"%{byte:02x}" for byte in data)
    assert decode_data_url(f"data:{kind},{escaped}") == data


@pytest.mark.parametrize(
    "url", ["data:image/png;base64,%", "data:image/png;base64,é", "data:image/png;base64,A"]
)
def test_broken_data_urls_are_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        Pictures(nothing).gather([Picture("p", url)])


@pytest.mark.parametrize(
    "url", ["", "a.png", "ftp://host/a", "file:///etc/passwd", "javascript:1", "//host/a.png"]
)
def test_other_urls_are_refused_at_once(url: str) -> None:
    with pytest.raises(BadRequest):
        check_url(url, "p")


def test_order_bound_and_the_first_failure() -> None:
    running = most = 0
    content = drawn("PNG")

    def fetch(url: str) -> bytes:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            gevent.sleep(float(url.rpartition("/")[2]))
        finally:
            running -= 1
        if "bad" in url:
            raise BadRequest("it is bad.")
        return content

    pictures = [Picture(f"p{n}", f"http://host/0.0{9 - n}") for n in range(MAX_PICTURES)]
    files = Pictures(fetch).gather(pictures)
    assert [file.where for file in files] == [picture.where for picture in pictures]
    assert [file.name for file in files] == [f"image-{n + 1}.png" for n in range(MAX_PICTURES)]
    assert most == AT_ONCE
    slow = [Picture("slow", "http://host/60"), Picture("bad", "http://bad/0.01")]
    with gevent.Timeout(5), pytest.raises(BadRequest) as caught:
        Pictures(fetch).gather(slow)
    assert caught.value.param == "bad"
    gevent.sleep(0)
    assert running == 0
    with pytest.raises(BadRequest):
        Pictures(fetch).gather([*pictures, Picture("more", "http://host/0")])
