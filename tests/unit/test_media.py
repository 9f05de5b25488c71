"""Media paths, file names, content types, links, and how media stand in a text answer."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.errors import LinkExpired, UpstreamFailed
from grok2api.events import Embedded, Event, Finish, Image, Text, Video
from grok2api.media import MAX_PATH_CHARS, Kind, cache_name, content_type_of, is_media_path, kind_of, path_of
from grok2api.services.filters.embed import embed, left_out, video_alone
from grok2api.services.media_links import MediaLinks
from grok2api.settings import snapshot

segments = st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,20}\Z")
paths = st.lists(segments, min_size=2, max_size=6).map("/".join).filter(is_media_path)


@pytest.mark.parametrize(
    "path",
    [
        "users/0d9/generated/5b-1/image.jpg",
        "users/0d9/generated/5b-1-part-0/image.jpg",
        "users/0d9/generated/5b/generated_video.mp4",
        "users/0d9/generated/5b/generated_video_hd.mp4",
        "users/0d9/generated/5b/preview_image.jpg",
        "anon-users/0d9-generated_image.jpg",
    ],
)
def test_what_upstream_names_is_a_path(path: str) -> None:
    assert is_media_path(path) and path_of(cache_name(path)) == path
    assert kind_of(path) is (Kind.VIDEO if path.endswith("mp4") else Kind.IMAGE)


@pytest.mark.parametrize(
    "path",
    [
        "", "image.jpg", "/users/a/b.jpg", "users/a/", "users//b.jpg", "users/../b.jpg", "users/./b.jpg", "users/.b",
        "users/a/content", "users/a/f-1/CONTENT", "users/a b/c.jpg", "users/a@b/c.jpg", "users/a/b.jpg?x", "users/ä/b",
        "users/a/b.jpg\n", "users\\a\\b.jpg", "users/%2e%2e/b.jpg", "a/" + "b" * MAX_PATH_CHARS, "users/a/b\0.jpg",
    ],
)  # fmt: skip
def test_anything_else_is_none(path: str) -> None:
    assert not is_media_path(path)


@given(paths, paths)
def test_paths_and_names_are_a_bijection(one: str, other: str) -> None:
    name = cache_name(one)
    assert path_of(name) == one and "/" not in name and not name.startswith(".") and len(name) < 255
    assert (name == cache_name(other)) == (one == other)


@given(st.text(max_size=40))
def test_a_name_means_the_one_path_that_gives_it_or_none(name: str) -> None:
    path = path_of(name)
    assert path is None or (is_media_path(path) and cache_name(path) == name)


@given(st.binary(max_size=40))
def test_any_bytes_have_a_type_or_none(head: bytes) -> None:
    kind = content_type_of(head)
    assert kind is None or kind.startswith(("image/", "video/"))


def test_a_signed_link_holds_until_its_end_and_for_its_path() -> None:
    settings = snapshot({"signed_media": True, "signed_media_hours": 2})
    links = MediaLinks("secret")
    now = 1_700_000_000.0
    link = links.make("users/a/b.jpg", "http://host", settings, now)
    base, _, signature = link.partition("?sig=")
    assert base == "http://host/images/users/a/b.jpg"
    ends_at = links.check("users/a/b.jpg", signature, settings, now)
    assert ends_at is not None and 2 * 3600 <= ends_at - now <= 3 * 3600
    assert links.check("users/a/b.jpg", "", snapshot({}), now) is None
    end, _, mac = signature.partition("-")
    wrong = (
        "",
        "x",
        f"{int(end) + 3600}-{mac}",
        f"{end}-{'0' * 32}",
        signature + "0",
        f"{end}-{mac.upper()}x",
    )
    for bad in wrong:
        with pytest.raises(LinkExpired):
            links.check("users/a/b.jpg", bad, settings, now)
    with pytest.raises(LinkExpired):
        links.check("users/a/c.jpg", signature, settings, now)
    with pytest.raises(LinkExpired):
        links.check("users/a/b.jpg", signature, settings, ends_at)
    with pytest.raises(LinkExpired):
        MediaLinks("other").check("users/a/b.jpg", signature, settings, now)


def shown(events: Iterable[Event]) -> str:
    out = embed(events, lambda path: f"u/{path}", lambda path: f"v/{path}")
    return "".join(event.text for event in out if isinstance(event, Text | Embedded))


PICTURE = "![Generated Image](u/a)"


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([Image("a"), Image("a")], f"{PICTURE}\n{PICTURE}"),
        ([Image("a"), Text("Here"), Text(" it is")], f"{PICTURE}\n\nHere it is"),
        ([Text("Here"), Image("a")], f"Here\n\n{PICTURE}"),
        ([Text("Here\n"), Image("a")], f"Here\n\n{PICTURE}"),
        ([Text("Here\n"), Text("\n"), Image("a")], f"Here\n\n{PICTURE}"),
        ([Image("a"), Text("\nHere")], f"{PICTURE}\n\nHere"),
        ([Image("a"), Text("\n\nHere"), Image("a")], f"{PICTURE}\n\nHere\n\n{PICTURE}"),
        ([Video("a")], '<video src="v/a" controls="controls"></video>'),
    ],
)
def test_media_stand_in_lines_of_their_own(events: list[Event], text: str) -> None:
    assert shown([*events, Finish()]) == text


def test_no_piece_is_empty() -> None:
    events: list[Event] = [Image("a"), Text("\n\n\nx"), Image("a"), Text("y"), Finish()]
    pieces = embed(events, str, str)
    assert all(event.text for event in pieces if isinstance(event, Text | Embedded))


def test_what_cannot_be_shown_is_left_out_unless_it_is_all() -> None:
    def url(path: str) -> str:
        if path == "bad":
            raise UpstreamFailed("it broke")
        return f"u/{path}"

    events: list[Event] = [Text("Here"), Image("bad"), Image("a"), Finish()]
    pieces = list(embed(events, url, url))
    assert [piece.text for piece in pieces[:-1] if isinstance(piece, Text | Embedded)] == [
        "Here",
        f"\n\n{PICTURE}",
    ]
    assert pieces[-1] == Finish()
    with pytest.raises(UpstreamFailed, match="it broke"):
        list(embed([Text("Here"), Image("bad"), Finish()], url, url))


def test_pictures_that_cannot_be_in_a_document_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert list(left_out([Image("a"), Text("{}"), Video("v"), Finish()])) == [Text("{}"), Finish()]
    assert "2 pictures or videos were left out" in caplog.text


def test_a_video_is_the_whole_answer_and_words_are_one_without() -> None:
    events: list[Event] = [Text("a"), Video("v"), Text("b"), Finish()]
    assert list(video_alone(events)) == [Video("v"), Finish()]
    assert list(video_alone([Text("a"), Text("b"), Finish()])) == [Text("a"), Text("b"), Finish()]
