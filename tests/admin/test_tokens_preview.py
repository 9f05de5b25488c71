"""POST /api/tokens/add with `preview`: what adding would report, and which lines hold no secret."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grok2api.account_secrets import clean_secret, invalid_lines
from tests.admin.answers import listed, refused
from tests.gateway import Gateway

BASIC, SUPER = ["sim-basic-ok-one", "sim-basic-ok-two"], ["sim-super-ok-one", "sim-super-ok-two"]

#: What is pasted -> numbers of the lines without a secret.
PASTES: dict[str, tuple[list[str], list[int]]] = {
    "nothing": ([], []),
    "blank lines": (["", "\n \n\t\n"], []),
    "new ones": (["account-001", "account-002\naccount-003"], []),
    "the same twice in one line each": (["account-001\naccount-001"], []),
    "the same twice in two values and two forms": (["account-001", "sso=account-001; sso-rw=x"], []),
    "known ones": (BASIC, []),
    "known ones, twice": (BASIC + BASIC, []),
    "ones of the other kind": (SUPER, []),
    "ones of the other kind, twice": ([*SUPER, *SUPER, SUPER[0]], []),
    "everything": (
        ["account-001\n?\n\naccount-001", SUPER[0], "нет", BASIC[0], f"sso={SUPER[0]}", "Cookie: a=b; sso=account-004"],
        [2, 6],
    ),
    "only what is none": (["?", "x", "a b c"], [1, 2, 3]),
    "more than are named": (["?\n" * 15], list(range(1, 11))),
    "a file of Windows": (["account-001\r\n?\r\naccount-002\r\n"], [2]),
    "ten thousand": (["\n".join(f"account-{n:05}" for n in range(10_000))], []),
}  # fmt: skip


@pytest.fixture
def known(gateway: Gateway) -> Gateway:
    gateway.set_accounts(BASIC, SUPER)
    return gateway


@pytest.mark.parametrize("kind", ["sso", "ssoSuper"])
@pytest.mark.parametrize("name", PASTES)
def test_a_preview_is_what_adding_then_reports_and_changes_nothing(
    known: Gateway, name: str, kind: str
) -> None:
    values, wrong = PASTES[name]
    before = listed(known)
    would = known.admin("/api/tokens/add", {"tokens": values, "token_type": kind, "preview": True})
    assert [(one["id"], one["token_type"]) for one in listed(known)] == [
        (one["id"], one["token_type"]) for one in before
    ]
    assert would.pop("invalid_lines") == wrong
    assert len(would.pop("invalid_reasons")) == len(wrong)
    assert 0 <= would.pop("repeated") <= would["duplicates"]
    assert known.admin("/api/tokens/add", {"tokens": values, "token_type": kind}) == would
    again = known.admin("/api/tokens/add", {"tokens": values, "token_type": kind, "preview": True})
    assert (again["added"], again["moved"]) == (0, 0)
    assert again["duplicates"] == would["added"] + would["duplicates"] + would["moved"]


def test_a_preview_says_why_lines_are_none_and_what_is_only_repeated(known: Gateway) -> None:
    values = [
        "account-001\naccount-001\n" + BASIC[0],
        "short\na,b,account-002\n" + "x" * 4097 + "\nsso=\nx=y=z-x=y=z",
    ]
    would = known.admin("/api/tokens/add", {"tokens": values, "token_type": "sso", "preview": True})
    assert (would["added"], would["duplicates"], would["repeated"]) == (1, 2, 1)
    assert would["invalid_lines"] == [4, 5, 6, 7, 8]
    assert would["invalid_reasons"] == ["too_short", "characters", "too_long", "too_short", "characters"]


@pytest.mark.parametrize("preview", [False, None])
def test_false_and_null_are_no_preview(known: Gateway, preview: Any) -> None:
    body = {"tokens": ["account-001"], "token_type": "sso", "preview": preview}
    assert known.admin("/api/tokens/add", body)["added"] == 1
    assert len(listed(known)) == 5


@pytest.mark.parametrize(
    "more",
    [
        {"tokens": "x"}, {"tokens": [1]}, {"token_type": "gold"}, {"token_type": None}, {"preview": 1},
        {"preview": "true"},
    ],
)  # fmt: skip
def test_a_wrong_body_of_a_preview_is_400(known: Gateway, more: dict[str, Any]) -> None:
    body: dict[str, Any] = {"tokens": [], "token_type": "sso", "preview": True}
    assert refused(known, "POST", "/api/tokens/add", body | more)[0] == 400


LINES = st.sampled_from(["", " ", "?", "account-001", "sso=account-002", "x y", "\t", "account-003 "])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(LINES, max_size=6), max_size=6), st.integers(0, 12))
def test_the_lines_that_are_named_hold_no_secret_and_the_others_do(
    values: list[list[str]], most: int
) -> None:
    pasted = ["\n".join(lines) for lines in values]
    lines = [line for value in pasted for line in value.splitlines()]
    wrong = [n for n, line in enumerate(lines, 1) if line.strip() and clean_secret(line) is None]
    assert [number for number, _ in invalid_lines(pasted, most)] == wrong[:most]
