"""Ranges: whatever is asked for, a client that puts the answer together has the file's own bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from grok2api.services.media_files import HeldFiles, OpenFile
from grok2api.web.file_response import accel_response, file_response
from grok2api.web.ranges import MAX_RANGES, Slice, Unsatisfiable, wanted
from tests.process.file_app import open_file

MODIFIED_AT = 1_700_000_000.75
MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"
SIZE = 2000

positions = st.integers(0, 2 * SIZE)
ranges = st.one_of(
    st.tuples(positions, positions).map(lambda pair: f"{min(pair)}-{max(pair)}"),
    positions.map(lambda first: f"{first}-"),
    positions.map(lambda count: f"-{count}"),
)
headers = st.lists(ranges, min_size=1, max_size=MAX_RANGES + 4).map(lambda asked: "bytes=" + ", ".join(asked))


def asked_bytes(header: str, size: int) -> list[set[int]]:
    """What each range of a well-formed header means, byte by byte."""
    found = []
    for item in header.removeprefix("bytes=").split(", "):
        first, _, last = item.partition("-")
        if first:
            meant = range(int(first), min(int(last) + 1 if last else size, size))
        else:
            meant = range(max(0, size - int(last)), size)
        found.append(set(meant))
    return found


@given(header=headers, size=st.sampled_from([1, 2, 300, SIZE]))
def test_the_slices_hold_all_that_was_asked_for_and_cost_no_more_than_the_file(
    header: str, size: int
) -> None:
    asked = [meant for meant in asked_bytes(header, size) if meant]
    if not asked:
        with pytest.raises(Unsatisfiable):
            wanted(header, size)
        return
    slices = wanted(header, size)
    if slices is None:
        assert len(asked) > MAX_RANGES
        return
    covered = [byte for slice_ in slices for byte in range(*slice_)]
    assert len(covered) == len(set(covered)) <= size
    assert set().union(*asked) <= set(covered)
    assert all(0 <= slice_.start < slice_.stop <= size for slice_ in slices)
    # in the order of who was asked for first
    places = [next(n for n, meant in enumerate(asked) if meant <= set(range(*slice_))) for slice_ in slices]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("header", "slices"),
    [
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-", [(0, 1000)]),
        ("bytes=-1", [(999, 1000)]),
        ("bytes=-5000", [(0, 1000)]),
        ("bytes=990-99999999999999999999999999", [(990, 1000)]),
        ("Bytes = 1-2", [(1, 3)]),
        ("bytes=,1-2 ,\t,", [(1, 3)]),
        ("bytes=0-0,-1", [(0, 1), (999, 1000)]),
        ("bytes=-1,0-0", [(999, 1000), (0, 1)]),
        ("bytes=0-99,50-149", [(0, 150)]),
        ("bytes=100-199,0-99", [(0, 200)]),
        ("bytes=500-599,0-9,620-629", [(500, 630), (0, 10)]),
        ("bytes=0-9,5000-6000", [(0, 10)]),
        ("bytes=0-9,5000-6000,-0", [(0, 10)]),
    ],
)
def test_what_headers_mean(header: str, slices: list[tuple[int, int]]) -> None:
    assert wanted(header, 1000) == tuple(Slice(*slice_) for slice_ in slices)


@pytest.mark.parametrize(
    "header",
    [
        *("", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1", "bytes=1-2-3", "bytes=5-4"),
        *(
            "bytes=0-1,x",
            "bytes=0-1,5-4",
            "bytes= 1 - 2",
            "bytes=--1",
            "bytes=+1-2",
            "bytes=1_0-20",
            "items=0-1",
        ),
        *("bytes=٣-٤", "bytes=0x1-2", "bytes=0-1;2-3", f"bytes={'9' * 5000}-", "bytes=0-1\n"),
    ],
)
def test_a_header_that_is_malformed_or_in_another_unit_is_ignored(header: str) -> None:
    assert wanted(header, 1000) is None


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-1001", "bytes=-0", f"bytes={'9' * 99}-"])
def test_what_lies_beyond_the_end_is_unsatisfiable(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        wanted(header, 1000)


def test_an_empty_file_has_no_ranges() -> None:
    assert wanted("bytes=-5", 0) is None
    for header in ("bytes=0-", "bytes=-0"):
        with pytest.raises(Unsatisfiable):
            wanted(header, 0)


@given(st.text(max_size=60) | st.text("bytes=0129-, \t", max_size=40).map("bytes={}".format))
def test_no_header_does_harm(header: str) -> None:
    try:
        slices = wanted(header, SIZE)
    except Unsatisfiable:
        return
    assert slices is None or sum(slice_.length for slice_ in slices) <= SIZE


# --- over HTTP ---


class Files:
    """Answers requests for one file, and knows what was opened for them."""

    def __init__(self, folder: Path, content: bytes) -> None:
        self.content = content
        self.opened: list[OpenFile] = []
        self.read = True
        self._path = folder / "picture"
        self._path.write_bytes(content)
        os.utime(self._path, (MODIFIED_AT, MODIFIED_AT))
        self.app = Flask(__name__)
        self.app.add_url_rule("/f", view_func=self._serve)

    def _serve(self) -> Response:
        opened = open_file(self._path, "image/a b@c.jpg", "image/jpeg")
        opened.etag = "tag"
        self.opened = [opened]
        if "accel" in request.args:
            return accel_response(opened, "max-age=5", request.args["accel"], HeldFiles(most=0))
        return file_response(opened, "max-age=5")

    def get(self, method: str = "GET", query: str = "", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.app.test_client().open(f"/f?{query}", method=method, headers=named)
        answer.get_data()
        answer.close()
        assert [opened.file.closed for opened in self.opened] == [True]
        return answer


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("files"), os.urandom(SIZE))


def parts_of(answer: TestResponse) -> list[tuple[int, bytes]]:
    """Where each part of a 206 belongs, and its bytes. Checks what every part must say."""
    content_type = answer.headers["Content-Type"]
    if not content_type.startswith("multipart/byteranges"):
        return [(_start(dict(answer.headers), answer.data), answer.data)]
    whole = BytesParser().parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + as_mail(answer.data))
    found = []
    for part in whole.get_payload():
        assert isinstance(part, Message)
        assert part.get_content_type() == "image/jpeg"
        data = bytes.fromhex(str(part.get_payload()).strip())
        found.append((_start(dict(part.items()), data), data))
    return found


def as_mail(body: bytes) -> bytes:
    """The parts' bodies in hexadecimal: a mail parser may change line ends, and does not count bytes."""
    rest, result = body, b""
    assert rest.startswith(b"\r\n--")
    boundary = rest.split(b"\r\n", 2)[1]
    while rest != b"\r\n" + boundary + b"--\r\n":
        head, _, rest = rest.partition(b"\r\n\r\n")
        first, _, last = head.rpartition(b"bytes ")[2].partition(b"/")[0].partition(b"-")
        length = int(last) - int(first) + 1
        result += head + b"\r\n\r\n" + rest[:length].hex().encode()
        rest = rest[length:]
    return result + rest


def _start(headers: Mapping[str, str], data: bytes) -> int:
    unit, _, text = headers["Content-Range"].partition(" ")
    first, last = text.partition("/")[0].split("-")
    assert unit == "bytes"
    assert text.endswith(f"/{SIZE}")
    assert len(data) == int(last) - int(first) + 1
    return int(first)


@given(header=headers)
def test_a_client_puts_together_what_it_asked_for(files: Files, header: str) -> None:
    answer = files.get(Range=header)
    asked = [meant for meant in asked_bytes(header, SIZE) if meant]
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    if answer.status_code == 416:
        assert not asked
        assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
        return
    if answer.status_code == 200:
        assert answer.data == files.content
        return
    known: dict[int, int] = {}
    for start, data in parts_of(answer):
        assert data == files.content[start : start + len(data)]
        known.update(zip(range(start, start + len(data)), data, strict=True))
    assert set().union(*asked) <= known.keys()


def test_the_whole_file_with_all_that_is_told_of_it(files: Files) -> None:
    answer = files.get()
    assert (answer.status_code, answer.data) == (200, files.content)
    told = dict(answer.headers)
    assert told == {
        "Content-Type": "image/jpeg",
        "Content-Length": str(SIZE),
        "ETag": '"tag"',
        "Last-Modified": MODIFIED,
        "Accept-Ranges": "bytes",
        "Cache-Control": "max-age=5",
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    head = files.get("HEAD", Range="bytes=0-1")
    assert (head.status_code, head.data, dict(head.headers)) == (200, b"", told)


def test_an_empty_file_is_sent_whole(tmp_path: Path) -> None:
    answer = Files(tmp_path, b"").get(Range="bytes=-1")
    assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (200, b"", "0")


EARLIER, LATER = "Tue, 14 Nov 2023 22:13:19 GMT", "Tue, 14 Nov 2023 22:13:21 GMT"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_None_Match": '"tag"'}, 304),
        ({"If_None_Match": 'W/"tag"'}, 304),
        ({"If_None_Match": '"x", "tag"'}, 304),
        ({"If_None_Match": "*"}, 304),
        ({"If_None_Match": '"x"'}, 200),
        ({"If_None_Match": '"x"', "If_Modified_Since": LATER}, 200),
        ({"If_Modified_Since": MODIFIED}, 304),
        ({"If_Modified_Since": "Tuesday, 14-Nov-23 22:13:20 GMT"}, 304),
        ({"If_Modified_Since": EARLIER}, 200),
        ({"If_Modified_Since": "yesterday"}, 200),
        ({"If_Match": '"tag"'}, 200),
        ({"If_Match": "*"}, 200),
        ({"If_Match": '"x"'}, 412),
        ({"If_Match": 'W/"tag"'}, 412),
        ({"If_Match": '"tag"', "If_Unmodified_Since": EARLIER}, 200),
        ({"If_Match": '"x"', "If_None_Match": '"tag"'}, 412),
        ({"If_Match": '"tag"', "If_None_Match": '"tag"'}, 304),
        ({"If_Unmodified_Since": EARLIER}, 412),
        ({"If_Unmodified_Since": MODIFIED}, 200),
        ({"If_Unmodified_Since": "never"}, 200),
        ({"If_None_Match": '"tag"', "Range": "bytes=9999-"}, 304),
        ({"If_Match": '"x"', "Range": "bytes=0-1"}, 412),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions(files: Files, method: str, headers: dict[str, str], status: int) -> None:
    answer = files.get(method, **headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.data == (files.content if method == "GET" else b"")
        return
    assert answer.data == b""
    assert answer.headers["ETag"] == '"tag"'
    assert answer.headers["Last-Modified"] == MODIFIED
    assert answer.headers["Cache-Control"] == ("max-age=5" if status == 304 else "no-store")
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize(
    ("validator", "same"),
    [
        ('"tag"', True),
        ('W/"tag"', False),
        ('"x"', False),
        ("tag", False),
        (MODIFIED, True),
        (LATER, False),
        (EARLIER, False),
        ("", False),
    ],
)
def test_a_range_of_another_file_is_not_sent(files: Files, validator: str, same: bool) -> None:
    answer = files.get(Range="bytes=0-4", If_Range=validator)
    assert (answer.status_code, answer.data) == ((206, files.content[:5]) if same else (200, files.content))
    if not same:  # a range that would be refused is then none
        assert files.get(Range="bytes=9999-", If_Range=validator).status_code == 200


def test_a_refused_range_tells_the_size(files: Files) -> None:
    answer = files.get(Range="bytes=2000-")
    assert (answer.status_code, answer.data) == (416, b"")
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
    assert answer.headers["Content-Length"] == "0"
    assert answer.headers["Cache-Control"] == "no-store"


def test_nginx_is_told_where_the_file_is_and_decides_the_rest(files: Files) -> None:
    for method in ("GET", "HEAD"):
        answer = files.get(method, "accel=/_media/", Range="bytes=9-", If_None_Match='"tag"', If_Match='"x"')
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["X-Accel-Redirect"] == "/_media/image/a%20b%40c.jpg"
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["X-Media-Cache-Control"] == "max-age=5"
        assert not {"Cache-Control", "ETag", "Last-Modified", "Accept-Ranges"} & {*answer.headers.keys()}


def test_a_file_is_closed_when_its_client_leaves(files: Files) -> None:
    for ranges_ in ({}, {"Range": "bytes=0-1"}, {"Range": "bytes=0-1,1000-1001"}):
        answer: Any = files.app.test_client().get("/f", headers=ranges_, buffered=False)
        next(iter(answer.response))
        assert not files.opened[0].file.closed
        answer.close()
        assert files.opened[0].file.closed
