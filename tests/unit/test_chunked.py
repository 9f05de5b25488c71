"""Chunked framing: any body in any chunks, read in any pieces, comes out as it went in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import ProtocolError

from grok2api.upstream.chunked import Dechunker

EXTENSION = st.sampled_from([b"", b";a=b", b' ; quoted="x;y"', b"\t"])
TRAILERS = st.sampled_from([b"", b"X-Checksum: 1\r\n", b"A: b\r\nC: d\r\n"])


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=40), EXTENSION), max_size=8),
    TRAILERS,
    st.lists(st.integers(1, 30), max_size=60),
)
def test_any_pieces_give_the_body(
    parts: list[tuple[bytes, bytes]], trailers: bytes, lengths: list[int]
) -> None:
    framed = b"".join(b"%X%s\r\n%s\r\n" % (len(data), extension, data) for data, extension in parts)
    framed += b"0\r\n" + trailers + b"\r\n"
    chunks, got, at = Dechunker(), b"", 0
    for length in [*lengths, len(framed)]:
        assert not chunks.done or at >= len(framed)
        if at < len(framed):
            got += chunks.feed(framed[at : at + length])
        at += length
    assert chunks.done
    assert got == b"".join(data for data, _ in parts)


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_any_bytes_are_a_body_or_a_protocol_error(pieces: list[bytes]) -> None:
    chunks = Dechunker()
    try:
        for piece in pieces:
            if not chunks.done:
                chunks.feed(piece)
    except ProtocolError:
        pass


@pytest.mark.parametrize(
    "framed",
    [
        b"x\r\n",
        b"-1\r\n",
        b"+5\r\n",
        b"0x5\r\n",
        b"1_0\r\n",
        b"\r\n",
        b" 5\r\n",
        b"F" * 16 + b"\r\n",
        b"3\r\nabcd\r\n",
    ],
)
def test_what_is_no_framing_is_refused(framed: bytes) -> None:
    with pytest.raises(ProtocolError):
        Dechunker().feed(framed)


def test_more_after_the_last_chunk_is_refused() -> None:
    with pytest.raises(ProtocolError):
        Dechunker().feed(b"0\r\n\r\nHTTP/1.1 200 OK")


def test_an_endless_line_of_framing_is_refused() -> None:
    chunks = Dechunker()
    with pytest.raises(ProtocolError):
        for _ in range(10):
            chunks.feed(b"0;" + b"x" * 2000)
