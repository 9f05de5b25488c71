"""Stop sequences: where the answer ends does not depend on how it was split, and upstream is closed."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.errors import UpstreamFailed
from grok2api.events import Citation, Event, Finish, Reasoning, Text, ToolCall
from grok2api.services.filters.stop import stop_at
from tests.unit.grok_streams import PATIENT


class Source:
    """Upstream's events, one piece of text each; knows whether it was closed early."""

    def __init__(self, pieces: Sequence[str | Event], end: Event | None = None) -> None:
        self.pieces = pieces
        self.end = Finish() if end is None else end
        self.closed_after: int | None = None

    def events(self) -> Generator[Event, None, None]:
        given = 0
        try:
            for piece in self.pieces:
                given += 1
                yield Text(piece) if isinstance(piece, str) else piece
            yield self.end
        except GeneratorExit:
            self.closed_after = given
            raise


def stopped(pieces: Sequence[str | Event], *sequences: str) -> list[Event]:
    events = Source(pieces).events()
    return list(stop_at(events, sequences, events.close))


def text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def reference(text: str, sequences: Sequence[str]) -> str:
    """What is before the sequence that is complete first, and of those the longest."""
    for end in range(1, len(text) + 1):
        if ending := [s for s in sequences if text[:end].endswith(s)]:
            return text[: end - max(map(len, ending))]
    return text


@pytest.mark.parametrize(
    ("pieces", "sequences", "wanted"),
    [
        (["one two three"], ["two"], "one "),
        (["one t", "w", "o three"], ["two"], "one "),
        (["one t", "wice"], ["two"], "one twice"),
        (["STOP it"], ["STOP"], ""),
        (["a", "ab", "aabab"], ["aabab"], "aab"),
        (["abcd"], ["abcd", "bc"], "a"),
        (["xabc"], ["bc", "abc"], "x"),
        (["it ends with tw"], ["two"], "it ends with tw"),
        (["线一\n", "\n线二"], ["\n\n"], "线一"),
        (["never"], ["x"], "never"),
        (["\U0001f30a\u2028end"], ["\u2028"], "\U0001f30a"),
    ],
)
def test_an_answer_ends_before_the_first_sequence(
    pieces: list[str], sequences: list[str], wanted: str
) -> None:
    found = stopped(pieces, *sequences)
    assert (text_of(found), found[-1]) == (wanted, Finish("stop"))
    assert all(event.text for event in found if isinstance(event, Text))


@given(
    st.lists(st.text("abc", max_size=6), max_size=8),
    st.lists(st.text("abc", min_size=1, max_size=4), min_size=1, max_size=4),
)
@PATIENT
def test_every_split_ends_where_the_whole_text_would(pieces: list[str], sequences: list[str]) -> None:
    assert text_of(stopped([p for p in pieces if p], *sequences)) == reference("".join(pieces), sequences)


def test_upstream_is_closed_as_soon_as_the_sequence_is_complete() -> None:
    source = Source(["one ", "two ", "three ", "four"])
    events = source.events()
    assert text_of(list(stop_at(events, ["wo"], events.close))) == "one t"
    assert source.closed_after == 2


def test_only_what_may_become_a_sequence_is_held_back() -> None:
    relayed = stopped(["ab", "c", "x<", "<y"], "abcd", "<<<")
    assert [event for event in relayed if isinstance(event, Text)] == [Text("abcx"), Text("<<y")]


def test_thinking_and_citations_pass_what_is_held_back() -> None:
    found = stopped(["a<", Reasoning("<<"), Citation("https://example.org"), "b"], "<<")
    assert found == [Text("a"), Reasoning("<<"), Citation("https://example.org"), Text("<b"), Finish()]


def test_a_tool_call_parts_two_texts_and_stays_the_reason() -> None:
    call = ToolCall("call_1", "f", "{}")
    assert stopped(["a<", call, "<b"], "<<") == [Text("a"), Text("<"), call, Text("<b"), Finish()]
    assert stopped([call, "a<<b"], "<<") == [call, Text("a"), Finish("tool_calls")]


def test_what_is_held_back_comes_before_an_error() -> None:
    def failing() -> Iterator[Event]:
        yield Text("a<")
        raise UpstreamFailed("It broke.")

    seen: list[Event] = []
    with pytest.raises(UpstreamFailed):
        for event in stop_at(failing(), ["<<"], lambda: None):
            seen.append(event)
    assert seen == [Text("a"), Text("<")]


def test_a_long_sequence_costs_no_more_than_reading() -> None:
    text = "a" * 100_000
    assert text_of(stopped([text], "a" * 50_000 + "b")) == text
