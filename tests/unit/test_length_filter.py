"""`max_tokens`: the visible answer is cut where its estimate would go beyond, and upstream is closed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.events import Event, Finish, Reasoning, Text, ToolCall
from grok2api.services.filters.length import limit_length
from grok2api.text_tokens import TokenCount
from tests.unit.grok_streams import PATIENT
from tests.unit.test_stop_filter import Source, text_of


def limited(pieces: list[str | Event], max_tokens: int) -> list[Event]:
    events = Source(pieces).events()
    return list(limit_length(events, max_tokens, events.close))


@pytest.mark.parametrize(
    ("pieces", "max_tokens", "wanted", "reason"),
    [
        (["abcd", "efgh"], 2, "abcdefgh", "stop"),
        (["abcd", "efghi"], 2, "abcdefgh", "length"),
        (["ab", "cd", "e"], 1, "abcd", "length"),
        (["你好世界"], 3, "你好世", "length"),
        (["你好", "世"], 3, "你好世", "stop"),
        (["привет"], 1, "пр", "length"),
        (["a你bc"], 2, "a你bc", "stop"),
        (["a你好"], 2, "a你", "length"),
    ],
)
def test_an_answer_is_cut_at_its_limit(
    pieces: list[str | Event], max_tokens: int, wanted: str, reason: str
) -> None:
    found = limited(pieces, max_tokens)
    assert (text_of(found), found[-1]) == (wanted, Finish(reason))
    assert all(event.text for event in found if isinstance(event, Text))


def test_thinking_and_tool_calls_are_not_counted() -> None:
    more: list[str | Event] = [
        Reasoning("long " * 50),
        "ab",
        ToolCall("call_1", "f", '{"a": "long long"}'),
        "cd",
    ]
    assert limited(more, 1)[-1] == Finish("stop")


def test_upstream_is_closed_when_the_answer_is_cut() -> None:
    source = Source(["abcd", "efgh", "ijkl", "mnop"])
    events = source.events()
    list(limit_length(events, 2, events.close))
    assert source.closed_after == 3


@given(st.lists(st.text(st.sampled_from("ab你é한"), max_size=5), max_size=10), st.integers(1, 6))
@PATIENT
def test_as_much_is_shown_as_fits_however_it_was_split(pieces: list[str], max_tokens: int) -> None:
    whole = "".join(pieces)
    shown = text_of(limited([piece for piece in pieces if piece], max_tokens))
    assert whole.startswith(shown)
    assert TokenCount(shown).tokens <= max_tokens
    if shown != whole:
        assert TokenCount(whole[: len(shown) + 1]).tokens > max_tokens
