"""The tag filter: its rules by example, and against a second implementation that reads the whole text."""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterable
from typing import NamedTuple
from unittest import mock

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from grok2api.events import Citation, Event, Finish, Reasoning, Source, Sources, Started, Text
from grok2api.services.filters import tags
from grok2api.services.filters.tags import TagFilter, filter_tags

NAMES = ("xaiartifact", "xai:tool_usage_card", "grok:render")
RENDER = '<grok:render card_id="05ab01" card_type="c"><argument name="citation_id">3</argument></grok:render>'
CARD = (
    "<xai:tool_usage_card>\n  <xai:tool_usage_card_id>t-1</xai:tool_usage_card_id>\n"
    '  <xai:tool_args><![CDATA[{"query":"a < b"}]]></xai:tool_args>\n</xai:tool_usage_card>'
)
PYTHON = '<xaiArtifact artifact_id="r-1" title="demo.py" contentType="text/python">'


def streamed(tokens: Iterable[str], names: Iterable[str] = NAMES) -> str:
    tag_filter = TagFilter(frozenset(names))
    return "".join([*map(tag_filter.feed, tokens), tag_filter.end()])


def assert_filtered(text: str, expected: str, names: Iterable[str] = NAMES) -> None:
    """The same as a whole and character by character."""
    assert streamed([text], names) == expected
    assert streamed(text, names) == expected


# Removed elements


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"the tide{RENDER}, and", "the tide, and"),
        (f"{CARD}after", "after"),
        (f"a{RENDER}{RENDER}b{CARD}c", "abc"),
        ("a<GROK:Render>x</grok:RENDER>b", "ab"),
        ("a<grok:render/>b<grok:render x='1' />c", "abc"),
        ("a<grok:render\n\tx='1'\r\n>y</grok:render \n>b", "ab"),
        ("a<grok:render x='>'>y</grok:render>b", "ab"),
        ("""a<grok:render x="'>" y='"<b>'>y</grok:render>b""", "ab"),
        ("a<grok:render x='</grok:render>'>y</grok:render>b", "ab"),
        ("a<grok:render>1<grok:render>2</grok:render>3</grok:render>b", "ab"),
        ("a<grok:render>1<grok:render/>2</grok:render>b", "ab"),
        ("a<grok:render>1<xai:tool_usage_card>2</grok:render>b", "ab"),
        ("a<grok:render>1</xai:tool_usage_card>2</grok:render>b", "ab"),
        ("a<grok:render>1 < 2 <grok:rend </grok:rende> <</grok:render>b", "ab"),
        ("a<grok:render><![CDATA[ <b> ]] </grok:render>b", "ab"),
        ("a<grok:render><![CDATA[</grok:render>b", "ab"),
        ("a<grok:render>never closed <b>", "a"),
        ("a<grok:render>never closed </grok:render", "a"),
        ("a<grok:render><grok:render 'x</grok:render>b", "ab"),
        ("<<grok:render>x</grok:render>", "<"),
        ("<grok:render <grok:render>x</grok:render>", "<grok:render "),
        ("<grok:render 'x <grok:render>y</grok:render>z", "<grok:render 'x z"),
    ],
)
def test_a_listed_element_goes_with_what_it_encloses(text: str, expected: str) -> None:
    assert_filtered(text, expected)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "<",
        "a < b, a<b, a <= b, 1 << 2, <3",
        "<b>bold</b> <br/>",
        "< grok:render>",
        "<grok:renderer>x</grok:renderer>",
        "<xai:tool_usage_card_id>t-1</xai:tool_usage_card_id>",
        "<grok:render",
        "<grok:rend",
        "a <grok:render card_id='1' ",
        "a <grok:render card_id='>",
        "a <grok:render card_id=1 < 2>",
        "</grok:render>",
        "a</xai:tool_usage_card>b</xaiArtifact>c",
        "<gro\N{KELVIN SIGN}:render>",
        "<grok:render\N{NO-BREAK SPACE}>",
    ],
)
def test_anything_less_than_a_listed_opening_tag_is_text(text: str) -> None:
    assert_filtered(text, text)


# Unwrapped elements


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <xaiArtifact>body</xaiArtifact> b", "a body b"),
        ("a <XAIARTIFACT id='1'>\nbody\n</xaiartifact> b", "a \nbody\n b"),
        ("a<xaiArtifact/>b", "ab"),
        ('a<xaiArtifact contentType="text/python"/>b', "ab"),
        ("a<xaiArtifact>1<xaiArtifact>2</xaiArtifact>3</xaiArtifact>4</xaiArtifact>", "a1234</xaiArtifact>"),
        (f"<xaiArtifact>1{RENDER}2{CARD}3</xaiArtifact>4", "1234"),
        ("<xaiArtifact>1</grok:render>2</xaiArtifact>", "1</grok:render>2"),
        ("<xaiArtifact>never <closed", "never <closed"),
        ("<xaiArtifact>never closed</xaiArti", "never closed</xaiArti"),
        ("<xaiArtifact>1<grok:render></xaiArtifact>2", "1"),
    ],
)
def test_an_artifact_is_unwrapped(text: str, expected: str) -> None:
    assert_filtered(text, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Here:\n{PYTHON}print(1)\n</xaiArtifact>\nDone.", "Here:\n````python\nprint(1)\n````\nDone."),
        (f"Here:\n{PYTHON}\nprint(1)\n</xaiArtifact>\nDone.", "Here:\n````python\nprint(1)\n````\nDone."),
        (f"Here: {PYTHON}print(1)</xaiArtifact> Done.", "Here: \n````python\nprint(1)\n````\n Done."),
        (f"{PYTHON}\r\nprint(1)\r\n</xaiArtifact>\r\nDone.", "````python\r\nprint(1)\r\n````\r\nDone."),
        (f"{PYTHON}a ``` b</xaiArtifact>", "````python\na ``` b\n````"),
        (f"{PYTHON}</xaiArtifact>", "````python\n````"),
        (f"{PYTHON}1{RENDER}2</xaiArtifact>", "````python\n12\n````"),
        (f"{PYTHON}1</xaiArtifact>{PYTHON}2</xaiArtifact>", "````python\n1\n````\n````python\n2\n````"),
        (f"{PYTHON}1{PYTHON}2</xaiArtifact>3</xaiArtifact>4", "````python\n123\n````\n4"),
        (f"<xaiArtifact>1{PYTHON}2</xaiArtifact>3</xaiArtifact>4", "1\n````python\n2\n````\n34"),
        (f"{PYTHON}never closed", "````python\nnever closed\n````"),
        (f"{PYTHON}never closed\n<grok:render>", "````python\nnever closed\n````"),
        (PYTHON, "````python\n````"),
    ],
)
def test_an_artifact_with_a_content_type_is_fenced(text: str, expected: str) -> None:
    assert_filtered(text, expected)


@pytest.mark.parametrize(
    ("attribute", "label"),
    [
        ('contentType="text/python"', "python"),
        ("CONTENTTYPE='text/x-python'", "python"),
        ("contenttype = text/x-python", "python"),
        ('contentType="x-python"', "python"),
        ('contentType="x-pythonsrc"', "python"),
        ('contentType="python"', "python"),
        ('contentType="Application/JSON; charset=utf-8"', "json"),
        ('contentType="text/x-c++src"', "c++"),
        ('contentType="image/svg+xml"', "svg+xml"),
        ('title="a > b" contentType="text/html" contentType="text/css"', "html"),
    ],
)
def test_the_content_type_names_the_fence(attribute: str, label: str) -> None:
    assert_filtered(f"<xaiArtifact {attribute}>x</xaiArtifact>", f"````{label}\nx\n````")


@pytest.mark.parametrize(
    "attribute",
    [
        "contentType",
        'contentType=""',
        'contentType=" "',
        'contentType="text/"',
        'contentType="text/`x"',
        'contentType="text/markdown"',
        'contentType="text/x-markdown"',
        'contentType="text/plain; charset=utf-8"',
        'title="contentType=text/python"',
        "\"contentType='text/python'\"",
        'myContentType="text/python"',
    ],
)
def test_prose_and_no_content_type_make_no_fence(attribute: str) -> None:
    assert_filtered(f"<xaiArtifact {attribute}>x</xaiArtifact>", "x")


def test_an_artifact_is_removed_from_nothing_when_it_is_not_listed() -> None:
    assert_filtered(f"{PYTHON}1{RENDER}</xaiArtifact>", f"{PYTHON}1</xaiArtifact>", ["grok:render"])


# What is held back


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_attributes_beyond_the_limit_make_no_tag(quote: str) -> None:
    longest = quote + "x" * (tags.ATTRIBUTES_MAX - 2 * len(quote) - 1) + quote
    assert streamed([f"<grok:render {longest}>y</grok:render>z"]) == "z"
    text = f"<grok:render {longest} >y</grok:render>z"
    assert streamed([text]) == text
    assert streamed(text[at : at + 100] for at in range(0, len(text), 100)) == text


def test_an_unclosed_quote_is_held_to_the_limit_only() -> None:
    tag_filter = TagFilter(frozenset(NAMES))
    text = '<grok:render a="' + "x" * (tags.ATTRIBUTES_MAX - len(' a="') - 1)
    assert tag_filter.feed(text) == ""
    assert tag_filter.feed("x") == text + "x"  # no room is left for the quote's end
    assert tag_filter.held == ""


def test_a_removed_element_accumulates_nothing() -> None:
    tag_filter = TagFilter(frozenset(NAMES))
    tag_filter.feed("<grok:render>")
    for _ in range(100):
        assert tag_filter.feed("x < y " * 100) == ""
        assert tag_filter.held == ""
    tag_filter.feed("</grok")
    assert tag_filter.held == "</grok"
    assert tag_filter.feed(":render>z") == "z"


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("a <", "<"),
        ("a <g", "<g"),
        ("a <x", "<x"),
        ("a <b", ""),
        ("a </", ""),
        ("a </grok:render", ""),
        ("a <grok:render", "<grok:render"),
        ("a <grok:render ", "<grok:render "),
        ("a <grok:render a=1 <", "<"),
        ("a <grok:renderer", ""),
        ("<xaiArtifact></", "</"),
        ("<xaiArtifact></XAIart", "</XAIart"),
        ("<xaiArtifact></grok", ""),
        ("<grok:render></g", "</g"),
        ("<grok:render></x", ""),
        ("<grok:render><x", ""),
    ],
)
def test_no_more_is_held_back_than_may_become_a_tag(text: str, held: str) -> None:
    tag_filter = TagFilter(frozenset(NAMES))
    tag_filter.feed(text)
    assert tag_filter.held == held


def test_after_the_end_no_element_is_open() -> None:
    tag_filter = TagFilter(frozenset(NAMES))
    for unfinished in (
        "<grok:render>x",
        "<grok:render><grok:render>",
        f"{PYTHON}x",
        "<xaiArtifact><grok:render x",
    ):
        tag_filter.feed(unfinished)
        tag_filter.end()
        assert tag_filter.idle
        assert tag_filter.feed("a</xaiArtifact></grok:render>b") == "a</xaiArtifact></grok:render>b"


# Events


def filtered(*events: Event, names: tuple[str, ...] = NAMES) -> list[Event]:
    return list(filter_tags(events, names))


def test_events_without_markup_pass_as_the_same_objects() -> None:
    events: list[Event] = [
        Started(),
        Reasoning("Looking up", heading=True),
        Reasoning("think"),
        Sources((Source("https://example.org", "t"),)),
        Text("a"),
        Text(" > b"),
        Citation("https://example.org"),
        Finish("length"),
    ]
    passed = list(filter_tags(iter(events), frozenset(NAMES)))
    assert [id(event) for event in passed] == [id(event) for event in events]


@pytest.mark.parametrize("names", [(), ("",), (" ", "")])
def test_without_names_everything_passes_untouched(names: tuple[str, ...]) -> None:
    events: list[Event] = [Reasoning(CARD), Text(RENDER), Text("<"), Text("grok:render>"), Finish()]
    assert filtered(*events, names=names) == events


def test_names_are_trimmed_and_compared_without_case() -> None:
    assert filtered(Text(f"a{RENDER}b{CARD}"), names=(" Grok:RENDER ", "")) == [Text(f"ab{CARD}")]
    assert filtered(Text("<xaiArtifact>b"), names=("xaiArtifact",)) == [Text("b")]


def test_no_event_has_an_empty_text() -> None:
    assert filtered(Text(""), Text(RENDER), Reasoning(CARD), Text("<grok"), Text(":render>"), Finish()) == [
        Finish()
    ]


def test_thinking_and_text_are_filtered_apart() -> None:
    events = (
        Reasoning("a<xai:tool_usage_card>"),
        Text("b"),
        Reasoning("c</xai:tool_usage_card>d"),
        Text("e"),
    )
    assert filtered(*events) == [Reasoning("a"), Text("b"), Reasoning("d"), Text("e")]


def test_a_removed_element_in_thinking_goes_on_after_text_even_in_its_closing_tag() -> None:
    events = (Reasoning("a<grok:render>x</grok:"), Text("b"), Reasoning("render>c"), Finish())
    assert filtered(*events) == [Reasoning("a"), Text("b"), Reasoning("c"), Finish()]


def test_headings_are_not_filtered_and_do_not_end_a_tag() -> None:
    heading = Reasoning("<grok:render>", heading=True)
    assert filtered(Reasoning("a<grok:"), heading, Reasoning("render>b"), Finish()) == [
        Reasoning("a"),
        heading,
        Finish(),
    ]


def test_other_events_pass_at_once_and_held_back_text_stays_held() -> None:
    cited = Citation("https://example.org")
    assert filtered(Text("a<grok:ren"), cited, Text("der>b</grok:render>c"), Finish()) == [
        Text("a"),
        cited,
        Text("c"),
        Finish(),
    ]
    assert filtered(Text("a<grok:ren"), cited, Text("t>"), Finish()) == [
        Text("a"),
        cited,
        Text("<grok:rent>"),
        Finish(),
    ]


def test_text_ends_what_thinking_holds_back() -> None:
    assert filtered(Reasoning("a <"), Text("b"), Reasoning("grok:render>c"), Finish()) == [
        Reasoning("a "),
        Reasoning("<"),
        Text("b"),
        Reasoning("grok:render>c"),
        Finish(),
    ]


def test_thinking_does_not_end_what_text_holds_back() -> None:
    assert filtered(Text("a<grok:"), Reasoning("b"), Text("render>c</grok:render>d"), Finish()) == [
        Text("a"),
        Reasoning("b"),
        Text("d"),
        Finish(),
    ]


def test_text_ends_the_fence_of_thinking() -> None:
    assert filtered(Reasoning(f"{PYTHON}x"), Text("b"), Reasoning("y</xaiArtifact>z"), Finish()) == [
        Reasoning("````python\nx"),
        Reasoning("\n````"),
        Text("b"),
        Reasoning("\nyz"),
        Finish(),
    ]


def test_what_is_held_back_comes_before_the_finish() -> None:
    assert filtered(Text("a <"), Reasoning("b <"), Finish()) == [
        Text("a "),
        Reasoning("b "),
        Reasoning("<"),
        Text("<"),
        Finish(),
    ]


def test_what_is_held_back_comes_at_the_end_without_a_finish() -> None:
    assert filtered(Text("a <")) == [Text("a "), Text("<")]
    assert filtered(Text(f"a\n{PYTHON}x")) == [Text("a\n````python\nx"), Text("\n````")]


def test_a_body_without_markup_passes_as_the_same_objects() -> None:
    body = [Text("a"), Text("\nb")]
    passed = filtered(Text("<xaiArtifact>"), *body, Text("</xaiArtifact>"))
    assert [id(event) for event in passed] == [id(event) for event in body]


def test_a_fence_knows_the_text_that_passed_without_it() -> None:
    assert filtered(Text("a\n"), Text(PYTHON)) == [Text("a\n"), Text("````python"), Text("\n````")]
    assert filtered(Text("a"), Text(PYTHON)) == [Text("a"), Text("\n````python"), Text("\n````")]
    events = (Text("x<"), Text("b"), Text(f"{PYTHON}1</xaiArtifact>"), Text("2"), Text("3"))
    assert "".join(event.text for event in filtered(*events) if isinstance(event, Text)) == (
        "x<b\n````python\n1\n````\n23"
    )


# A second implementation, on the whole text


class Tag(NamedTuple):
    name: str
    closing: bool
    attributes: str
    end: int


def lowered(text: str) -> str:
    return "".join(char.lower() if char in string.ascii_uppercase else char for char in text)


def tag_at(text: str, start: int, names: Iterable[str]) -> Tag | None:
    """The complete tag of one of `names` that begins at `start`."""
    if text[start] != "<":
        return None
    closing = text[start + 1 : start + 2] == "/"
    for name in names:
        begin = start + 1 + closing
        end = begin + len(name)
        if lowered(text[begin:end]) != name or text[end : end + 1] not in tuple(" \t\n\r\f\v/>"):
            continue
        quote = ""
        for at in range(end, min(len(text), end + tags.ATTRIBUTES_MAX + 1)):
            char = text[at]
            if quote:
                quote = "" if char == quote else quote
            elif char in "\"'":
                quote = char
            elif char == ">":
                return Tag(name, closing, text[end:at], at + 1)
            elif char == "<":
                return None
        return None
    return None


class Reference:
    """Recursive descent; `pieces`: shown characters, and fence lines as tuples of one."""

    def __init__(self, text: str, names: Iterable[str]) -> None:
        self.text = text
        self.names = list(names)
        self.pieces: list[str | tuple[str]] = []
        self.content(0, inside="", fenced=False)

    def content(self, at: int, inside: str, fenced: bool) -> int:
        while at < len(self.text):
            tag = tag_at(self.text, at, self.names)
            if tag is None or (tag.closing and tag.name != inside):
                self.pieces.append(self.text[at])
                at += 1
            elif tag.closing:
                return tag.end
            elif tag.attributes.endswith("/"):
                at = tag.end
            elif tag.name == "xaiartifact":
                at = self.artifact(tag, fenced)
            else:
                at = self.after_removed(tag)
        return at

    def artifact(self, tag: Tag, fenced: bool) -> int:
        label = tags._fence_label(tag.attributes)  # has examples of its own above
        if fenced or not label:
            return self.content(tag.end, tag.name, fenced)
        self.pieces.append((f"````{label}",))
        end = self.content(tag.end, tag.name, True)
        self.pieces.append(("````",))
        return end

    def after_removed(self, opening: Tag) -> int:
        at = opening.end
        while at < len(self.text):
            tag = tag_at(self.text, at, [opening.name])
            if tag is None or (not tag.closing and tag.attributes.endswith("/")):
                at += 1
            elif tag.closing:
                return tag.end
            else:
                at = self.after_removed(tag)
        return at

    def __str__(self) -> str:
        shown, after_fence = "", False
        for piece in self.pieces:
            if isinstance(piece, tuple):
                shown += "\n" * (shown[-1:] not in ("", "\n", "\r")) + piece[0]
            else:
                shown += "\n" * (after_fence and piece not in "\n\r") + piece
            after_fence = isinstance(piece, tuple)
        return shown


SHORT_NAMES = ("r", "re", "g:r", "xaiartifact")
FRAGMENTS = [
    *["<", ">", "/", "</", "/>", '"', "'", "=", " ", "\n", "\r\n", "a", "`", "e", "ſ", "İ"],
    *["r", "R", "re", "Re", "g", ":", "G:r", "xai", "xaiArtifact", "XAIARTIFACT", "artifact"],
    *[
        "<r",
        "<R>",
        "<re>",
        "<g:R ",
        "</r>",
        "</RE>",
        "</g:r\n>",
        "<r/>",
        "<r x='>'>",
        '<re x="<r>"',
        "<b>",
        "</b>",
    ],
    *[
        "<xaiArtifact>",
        "<xaiartifact ",
        "</xaiArtifact>",
        "<XaiArtifact contentType='text/x-cSRC'>",
        "</xaiArt",
    ],
    *["<xaiartifact contenttype=text/plain>", ' contentType="json"', "<![CDATA[", "]]>"],
]
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)
# With the small limits, texts of this size reach it.
LIMITS = st.sampled_from([8192, 8192, 25, 5, 0])
PROPERTY = settings(max_examples=500, deadline=None)


@st.composite
def split_texts(draw: st.DrawFn) -> tuple[str, list[str]]:
    text = draw(TEXTS)
    if draw(st.booleans()):
        return text, list(text)
    places = sorted({0, len(text), *draw(st.lists(st.integers(0, len(text)), max_size=12))})
    return text, [text[start:end] for start, end in itertools.pairwise(places)]


def limited(limit: int) -> mock._patch[int]:
    return mock.patch.object(tags, "ATTRIBUTES_MAX", limit)


@PROPERTY
@given(split_texts(), LIMITS)
def test_the_split_makes_no_difference(split: tuple[str, list[str]], limit: int) -> None:
    text, tokens = split
    with limited(limit):
        whole = streamed([text], SHORT_NAMES)
        assert streamed(tokens, SHORT_NAMES) == whole
        events = list(filter_tags(map(Text, tokens), SHORT_NAMES))
        thoughts = list(filter_tags(map(Reasoning, tokens), SHORT_NAMES))
    assert "".join(event.text for event in events if isinstance(event, Text) and event.text) == whole
    assert "".join(event.text for event in thoughts if isinstance(event, Reasoning)) == whole
    assert Text("") not in events


@PROPERTY
@given(TEXTS, LIMITS)
def test_it_equals_the_second_implementation(text: str, limit: int) -> None:
    with limited(limit):
        assert streamed([text], SHORT_NAMES) == str(Reference(text, SHORT_NAMES))


@PROPERTY
@given(split_texts())
def test_text_without_a_complete_opening_tag_is_unchanged(split: tuple[str, list[str]]) -> None:
    text, tokens = split
    found = (tag_at(text, at, SHORT_NAMES) for at in range(len(text)))
    if any(tag and not tag.closing for tag in found):
        tokens = [token.replace(">", ")") for token in tokens]
    assert streamed(tokens, SHORT_NAMES) == "".join(tokens)


def may_become_tag(held: str, names: Iterable[str]) -> bool:
    """Whether some continuation makes the whole of `held` the beginning of a tag of one of `names`."""
    closings = ('"', "'", "")
    whole = [held + quote + ">" for quote in closings]
    # Within the name, the missing rest of a name; after it, the end of a quoted value or nothing.
    for name in names:
        for slash in ("", "/"):
            start = f"<{slash}{name}"
            if start.startswith(lowered(held)):
                whole.append(start + ">")
    return any((tag := tag_at(text, 0, names)) is not None and tag.end == len(text) for text in whole)


@PROPERTY
@given(TEXTS, LIMITS)
def test_what_is_held_back_may_still_become_a_tag(text: str, limit: int) -> None:
    tag_filter = TagFilter(frozenset(SHORT_NAMES))
    shown = ""
    with limited(limit):
        for at, char in enumerate(text, 1):
            shown += tag_filter.feed(char)
            held = tag_filter.held
            assert not held or (text[:at].endswith(held) and may_become_tag(held, SHORT_NAMES))
            # Nothing else is kept: what is shown is all there is to show of the text before.
            before = str(Reference(text[: at - len(held)], SHORT_NAMES))
            assert before in (shown, shown + "\n````", shown + "````")


@PROPERTY
@given(TEXTS, st.integers(0, 30))
def test_the_limit_bounds_what_is_held_back(text: str, limit: int) -> None:
    assume("<" in text)
    longest = max(map(len, SHORT_NAMES))
    with limited(limit):
        tag_filter = TagFilter(frozenset(SHORT_NAMES))
        for char in text:
            tag_filter.feed(char)
            assert len(tag_filter.held) <= len("</") + longest + limit
