"""How thinking is shown: inside `<think>`, beside the answer, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.errors import UpstreamFailed
from grok2api.events import (
    Citation,
    Embedded,
    Event,
    Finish,
    Moderated,
    Progress,
    Reasoning,
    Source,
    Sources,
    Started,
    Text,
    Thought,
    ToolCall,
)
from grok2api.services.filters.thinking import hide_thinking, lay_out_thinking, tag_thinking
from tests.unit.grok_streams import PATIENT

PAGE = Source("https://example.org/a", "Tides", "High water at noon.")
THINKING = (Reasoning, Sources, Progress)
WHOLE = [Thought("<think>"), Thought("\nOne"), Thought("\n"), Thought("</think>")]


def tagged(events: Iterable[Event]) -> str:
    told = tag_thinking(lay_out_thinking(events))
    return "".join(event.text for event in told if isinstance(event, Text | Thought))


def reasoned(events: Iterable[Event]) -> str:
    return "".join(event.text for event in lay_out_thinking(events) if isinstance(event, Reasoning))


def events() -> st.SearchStrategy[list[Event]]:
    """A good answer of any shape; its texts hold no tag of their own."""
    text = st.text(st.characters(codec="utf-8", exclude_characters="<>"), min_size=1, max_size=6)
    source = st.builds(Source, text, text, st.text(max_size=4))
    event = st.one_of(
        st.builds(Text, text),
        st.builds(Reasoning, text),
        st.builds(Reasoning, text.map(lambda t: " ".join(t.split()) or "x"), st.just(True)),
        st.builds(Sources, st.lists(source, min_size=1, max_size=3).map(tuple)),
        st.builds(Progress, st.just("image"), st.integers(0, 100)),
        st.builds(Citation, text),
        st.builds(Embedded, text),
        st.builds(Moderated, st.just("image")),
        st.just(Started()),
    )
    whole: st.SearchStrategy[list[Event]] = st.lists(event, max_size=12).map(lambda some: [*some, Finish()])
    return whole


def test_tags_are_pieces_of_their_own_and_no_call_has_a_line_break_before_it() -> None:
    """A client takes thinking for the answer unless a chunk is a tag and nothing else."""
    call = ToolCall("call_1", "f", "{}")
    assert list(tag_thinking([Reasoning("One"), Text("Yes"), Finish()])) == [*WHOLE, Text("\nYes"), Finish()]
    assert list(tag_thinking([Reasoning("One"), call, Finish()])) == [*WHOLE, call, Finish()]


def test_thinking_comes_first_and_is_closed() -> None:
    answer: list[Event] = [Reasoning("One"), Reasoning(" two"), Text("Yes"), Text("."), Finish()]
    assert tagged(answer) == "<think>\nOne two\n</think>\nYes."


def test_an_answer_without_thinking_has_no_tag() -> None:
    assert tagged([Text("Yes."), Finish()]) == "Yes."


def test_thinking_that_ends_the_answer_is_closed_before_the_end() -> None:
    kinds = [type(event) for event in tag_thinking([Started(), Reasoning("One"), Finish()])]
    assert kinds == [Started, *[Thought] * 5, Finish]
    assert tagged([Reasoning("One"), Finish()]) == "<think>\nOne\n</think>\n"


def test_thinking_may_start_again_and_loses_no_answer() -> None:
    answer: list[Event] = [Reasoning("One"), Text("Yes"), Reasoning("two"), Text(" and no"), Finish()]
    assert tagged(answer) == "<think>\nOne\n</think>\nYes<think>\ntwo\n</think>\n and no"


@pytest.mark.parametrize("visible", [Embedded("![](a.jpg)"), Moderated("image")])
def test_pictures_and_videos_stand_behind_the_thinking(visible: Event) -> None:
    told = list(tag_thinking([Reasoning("One"), visible, Finish()]))
    assert told == [*WHOLE, Thought("\n"), visible, Finish()]


def test_no_empty_lines_stand_beside_the_tags() -> None:
    answer: list[Event] = [Reasoning("a"), Text("Yes"), Reasoning("H", heading=True), Text("."), Finish()]
    assert tagged(answer) == "<think>\na\n</think>\nYes<think>\nH\n\n</think>\n."


def test_a_citation_does_not_interrupt_the_thinking() -> None:
    assert (
        tagged([Reasoning("One"), Citation("u"), Reasoning(" two"), Finish()])
        == "<think>\nOne two\n</think>\n"
    )


def test_thinking_is_closed_before_an_error_too() -> None:
    def failing() -> Iterator[Event]:
        yield Reasoning("One")
        raise UpstreamFailed("cut off")

    seen: list[Event] = []
    with pytest.raises(UpstreamFailed):
        for event in tag_thinking(failing()):
            seen.append(event)
    assert seen == [*WHOLE, Thought("\n")]


def test_who_stops_listening_gets_nothing_more() -> None:
    told = tag_thinking([Reasoning("One"), Text("x")])
    assert next(told) == Thought("<think>")
    told.close()  # type: ignore[attr-defined]
    assert list(told) == []


def test_headings_stand_in_lines_of_their_own() -> None:
    answer: list[Event] = [
        Reasoning("First", heading=True), Reasoning("a"), Reasoning("b"), Reasoning("Second", heading=True),
        Reasoning("c"), Finish(),
    ]  # fmt: skip
    assert reasoned(answer) == "First\n\nab\n\nSecond\n\nc"


def test_a_search_is_a_list_of_links() -> None:
    other = Source("https://example.org/b", "[B]\n\u2028tides", 'say "high"\nwater')
    bare = Source("https://example.org/c", "C")
    found = reasoned([Reasoning("Looking"), Sources((PAGE, other, bare)), Reasoning("Found"), Finish()])
    assert found == (
        'Looking\n\n- [Tides](https://example.org/a "High water at noon.")\n'
        "- [(B) tides](https://example.org/b \"say 'high' water\")\n"
        "- [C](https://example.org/c)\n\nFound"
    )


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.org/a_(b)", "https://example.org/a_%28b%29"),
        ("https://example.org/a b\n)<x>", "https://example.org/a%20b%0A%29%3Cx%3E"),
        ("https://example.org/?q=1&r=%20#z", "https://example.org/?q=1&r=%20#z"),
        ("https://example.org/潮", "https://example.org/潮"),
    ],
)
def test_no_address_can_end_its_link(url: str, target: str) -> None:
    assert reasoned([Sources((Source(url, "T"),)), Finish()]) == f"- [T]({target})\n\n"


def test_a_long_preview_is_shortened() -> None:
    line = reasoned([Sources((Source("u", "t", "x" * 5000),)), Finish()])
    assert line == f'- [t](u "{"x" * 200}")\n\n'


def test_progress_shows_as_thinking() -> None:
    answer: list[Event] = [Progress("video", 33), Progress("video", 100), Text("<video>"), Finish()]
    assert tagged(answer) == "<think>\nvideo: 33%\n\nvideo: 100%\n\n</think>\n<video>"


def test_reasoning_beside_the_answer_has_no_tags() -> None:
    answer: list[Event] = [
        Reasoning("H", heading=True),
        Reasoning("a"),
        Text("Yes"),
        Sources((PAGE,)),
        Text("."),
        Finish(),
    ]
    told = list(lay_out_thinking(answer))
    assert [event.text for event in told if isinstance(event, Text)] == ["Yes", "."]
    assert all(isinstance(event, Reasoning | Text | Finish) for event in told)
    assert "think>" not in reasoned(answer)


@given(events())
@PATIENT
def test_hidden_thinking_leaks_nothing_and_loses_nothing(answer: list[Event]) -> None:
    assert list(hide_thinking(answer)) == [event for event in answer if not isinstance(event, THINKING)]


@given(events())
@settings(PATIENT, max_examples=300)
def test_tags_are_always_balanced_and_the_rest_is_the_answer(answer: list[Event]) -> None:
    whole = tagged(answer)
    blocks = re.findall(r"<think>\n.*?\n</think>\n", whole, re.DOTALL)
    assert whole.count("<think>") == whole.count("</think>") == len(blocks)
    visible = re.sub(r"<think>\n.*?\n</think>\n", "", whole, flags=re.DOTALL)
    assert visible == "".join(event.text for event in answer if isinstance(event, Text))
    assert bool(blocks) == any(isinstance(event, THINKING) for event in answer)


@given(events())
@PATIENT
def test_laying_out_keeps_the_answer_and_never_makes_an_empty_piece(answer: list[Event]) -> None:
    told = list(lay_out_thinking(answer))
    assert [e for e in told if not isinstance(e, Reasoning)] == [
        e for e in answer if not isinstance(e, THINKING)
    ]
    assert all(event.text for event in tag_thinking(told) if isinstance(event, Text | Thought))
    for event in answer:
        if isinstance(event, Reasoning):
            assert event.text.strip("\n") in reasoned(answer)
