"""The estimate of text tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.text_tokens import TokenCount
from tests.unit.grok_streams import PATIENT


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("abcd", 1),
        ("abcde", 2),
        (" \n\t.", 1),
        ("你", 1),
        ("你好世界", 4),
        ("你好 ab", 3),
        ("ひらカナ", 4),
        ("안녕", 2),
        ("。「」！", 4),
        ("\U00020000", 1),
        ("привет", 3),
        ("é", 1),
        ("\U0001f30a\U0001f30a", 1),
        ("a" * 4000, 1000),
    ],
)
def test_texts_have_their_estimate(text: str, tokens: int) -> None:
    assert TokenCount(text).tokens == tokens


@given(st.lists(st.text(st.characters() | st.sampled_from("你好aé한"))))
@PATIENT
def test_how_a_text_is_cut_makes_no_difference(pieces: list[str]) -> None:
    count = TokenCount()
    for piece in pieces:
        count.add(piece)
    assert count.tokens == TokenCount("".join(pieces)).tokens


@given(st.text(), st.text())
@PATIENT
def test_more_text_is_never_fewer_tokens(text: str, more: str) -> None:
    whole = TokenCount(text + more).tokens
    assert whole >= TokenCount(text).tokens
    assert (whole == 0) == (text + more == "")
    assert whole <= len(text + more)
