"""How the writes of /api/tokens name accounts, and what they take about them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.admin.answers import listed, refused, secrets
from tests.gateway import Gateway

A, B, S = "sim-basic-ok-a", "sim-basic-ok-b", "sim-super-ok-s"

#: The writes that name accounts, each with what else it needs.
WRITES: dict[str, dict[str, Any]] = {
    "delete": {}, "tags": {"tags": ["x"]}, "note": {"note": "x"}, "uncool": {}, "disable": {}, "enable": {},
    "refresh": {},
}  # fmt: skip


@pytest.fixture
def three(gateway: Gateway) -> Gateway:
    gateway.set_accounts([A, B], [S])
    return gateway


@pytest.mark.parametrize("write", [*WRITES, "test"])
def test_a_single_account_that_is_not_there_is_a_404(three: Gateway, write: str) -> None:
    for naming in (
        {"token": "nobody-at-all"},
        {"token": 999_999},
        {"token": ""},
        {"token": S, "token_type": "sso"},
    ):
        status, document = refused(three, "POST", f"/api/tokens/{write}", naming | WRITES.get(write, {}))
        assert (status, document["code"]) == (404, "not_found")
    assert len(listed(three)) == 3


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize(
    "naming",
    [
        {}, {"tokens": A}, {"tokens": {}}, {"tokens": [None]}, {"tokens": [True]}, {"tokens": [1.5]},
        {"tokens": [[A]]}, {"token": [A]}, {"token": False}, {"token": A, "tokens": [B]},
        {"tokens": [A], "token_type": "gold"}, {"tokens": [A], "token_type": 1},
    ],
)  # fmt: skip
def test_a_wrong_way_of_naming_is_a_400(three: Gateway, write: str, naming: dict[str, Any]) -> None:
    before = listed(three)
    status, document = refused(three, "POST", f"/api/tokens/{write}", naming | WRITES[write])
    assert status == 400 and "token" in document["error"]
    assert listed(three) == before


def test_a_test_is_of_a_single_account(three: Gateway) -> None:
    assert refused(three, "POST", "/api/tokens/test", {"tokens": [A]})[0] == 400


def test_names_that_mean_none_are_counted_and_blank_ones_are_not(three: Gateway) -> None:
    names = ["nobody-at-all", "нет", "short", "", "  \n", 0, -5, 999_999, "0", 2**31, 2**63, 2**64 - 1]
    assert three.admin("/api/tokens/delete", {"tokens": names}) == {"deleted": 0, "not_found": 10}
    assert secrets(three) == [A, B, S]


def test_an_account_named_twice_is_found_once(three: Gateway) -> None:
    id_ = listed(three)[0]["id"]
    names = [A, f" sso={A}; path=/", id_, str(id_), A]
    assert three.admin("/api/tokens/delete", {"tokens": names}) == {"deleted": 1, "not_found": 0}
    assert three.admin("/api/tokens/delete", {"tokens": [id_, B]}) == {"deleted": 1, "not_found": 1}
    assert secrets(three) == [S]


def test_a_deleted_account_may_come_back_under_another_id(three: Gateway) -> None:
    first = listed(three, f"?q={B}")[0]["id"]
    three.admin("/api/tokens/delete", {"token": B})
    three.admin("/api/tokens/add", {"tokens": [B], "token_type": "sso"})
    assert listed(three, f"?q={B}")[0]["id"] > first
    assert three.admin("/api/tokens/disable", {"tokens": [first]}) == {"changed": 0, "not_found": 1}


def test_every_change_of_an_account_names_it_by_id_as_well(three: Gateway) -> None:
    id_ = listed(three)[1]["id"]
    one = {"changed": 1, "not_found": 0}
    assert three.admin("/api/tokens/tags", {"token": id_, "token_type": "sso", "tags": ["x"]}) == one
    assert three.admin("/api/tokens/note", {"token": str(id_), "note": "n"}) == one
    assert three.admin("/api/tokens/disable", {"token": id_}) == one
    account = listed(three)[1]
    assert (account["tags"], account["note"], account["disabled"]) == (["x"], "n", True)
    assert three.admin("/api/tokens/test", {"token": id_})["valid"] is True


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([" eu ", "", "  ", "eu"], ["eu"]),
        (["日本", "Ünïcode ✓", "عربى"], ["Ünïcode ✓", "عربى", "日本"]),
        (["👩‍👩‍👧", "क्‍ष"], ["क्‍ष", "👩‍👩‍👧"]),
        (["\u3000wide\u3000", "in\u3000side"], ["in\u3000side", "wide"]),
        (["EU", "eu", "é", "e", "e\u0301"], ["EU", "e", "eu", "e\u0301", "é"]),
        (["🦊" * 64], ["🦊" * 64]),
        (["%", "_", "'", '"', "\\", "<b>"], ['"', "%", "'", "<b>", "\\", "_"]),
        ([], []),
    ],
)
def test_tags_are_trimmed_and_kept_as_they_are(three: Gateway, given: list[str], kept: list[str]) -> None:
    three.admin("/api/tokens/tags", {"tokens": [A], "tags": ["before"]})
    assert three.admin("/api/tokens/tags", {"tokens": [A, S], "tags": given}) == {
        "changed": 2,
        "not_found": 0,
    }
    assert [sorted(account["tags"]) for account in listed(three)] == [sorted(kept), [], sorted(kept)]
    assert three.get_admin("/api/tokens/tags/all")["data"] == sorted(kept)


@pytest.mark.parametrize(
    "tags",
    [
        None, "eu", {}, [5], [None], ["x" * 65], ["a\0b"], ["a\nb"], ["a\x7fb"], ["a\u2028b"],
        [str(number) for number in range(33)],
    ],
)  # fmt: skip
def test_wrong_tags_are_a_400_and_change_nothing(three: Gateway, tags: Any) -> None:
    three.admin("/api/tokens/tags", {"tokens": [A], "tags": ["before"]})
    status, document = refused(three, "POST", "/api/tokens/tags", {"tokens": [A], "tags": tags})
    assert status == 400 and "tags" in document["error"]
    assert listed(three)[0]["tags"] == ["before"]


def test_tags_are_added_beside_the_others_and_removed_alone(three: Gateway) -> None:
    def tagged() -> list[list[str]]:
        return [account["tags"] for account in listed(three)]

    three.admin("/api/tokens/tags", {"tokens": [A], "tags": ["old"], "mode": "set"})
    both = {"changed": 2, "not_found": 0}
    assert three.admin("/api/tokens/tags", {"tokens": [A, S], "tags": [" eu ", "eu"], "mode": "add"}) == both
    assert tagged() == [["eu", "old"], [], ["eu"]]
    assert three.admin("/api/tokens/tags", {"tokens": [A, S], "tags": ["eu", "x"], "mode": "remove"}) == both
    assert tagged() == [["old"], [], []]


def test_a_wrong_mode_of_tags_is_a_400_and_changes_nothing(three: Gateway) -> None:
    many = [str(number) for number in range(31)]
    three.admin("/api/tokens/tags", {"tokens": [A], "tags": many})
    for more in (
        {"tags": ["x"], "mode": "merge"}, {"tags": ["x"], "mode": 1}, {"tags": ["x"], "mode": ""},
        {"tags": [], "mode": "add"}, {"tags": [" "], "mode": "remove"}, {"tags": ["x", "y"], "mode": "add"},
    ):  # fmt: skip
        status, document = refused(three, "POST", "/api/tokens/tags", {"tokens": [A, B], **more})
        assert status == 400 and document["error"], more
    assert [len(account["tags"]) for account in listed(three)] == [31, 0, 0]
    three.admin("/api/tokens/tags", {"tokens": [A, B], "tags": ["x", "30"], "mode": "add"})
    assert [len(account["tags"]) for account in listed(three)] == [32, 2, 0]


@pytest.mark.parametrize(
    "note", ["", "bought ☂ 日本", "two\nlines\tand more\r\n", "🦊" * 2000, "'; DROP TABLE accounts"]
)
def test_a_note_is_kept_as_it_is(three: Gateway, note: str) -> None:
    three.admin("/api/tokens/note", {"token": A, "note": "before"})
    three.admin("/api/tokens/note", {"token": A, "note": note})
    assert listed(three)[0]["note"] == note


@pytest.mark.parametrize("note", [None, 5, ["x"], "x" * 2001, "a\0b", "a\x1bb", "a\u2028b"])
def test_a_wrong_note_is_a_400_and_changes_nothing(three: Gateway, note: Any) -> None:
    three.admin("/api/tokens/note", {"token": A, "note": "before"})
    status, document = refused(three, "POST", "/api/tokens/note", {"token": A, "note": note})
    assert status == 400 and "note" in document["error"]
    assert listed(three)[0]["note"] == "before"


def test_what_was_done_is_logged_without_a_secret(three: Gateway) -> None:
    at = len(three.log())
    for write, more in WRITES.items():
        if write != "delete":
            three.admin(f"/api/tokens/{write}", {"tokens": [A, S]} | more)
    three.admin("/api/tokens/test", {"token": B})
    three.get_admin("/api/tokens/export")
    three.admin("/api/tokens/delete", {"tokens": [A, S]})
    logged = three.log()[at:]
    for line in (
        "tokens_tags accounts=", "tokens_note accounts=", "tokens_uncool accounts=", "tokens_disable accounts=",
        "tokens_enable accounts=", "tokens_refresh accounts=", "tokens_test accounts=", "result=valid",
        "count=2 failed=0", "tokens_export form=json", "tokens_delete accounts=",
    ):  # fmt: skip
        assert line in logged, line
    assert "admin from 127.0.0.1: tokens_delete" in logged
    assert not [secret for secret in (A, B, S) if secret in logged]


def test_ten_thousand_are_changed_and_deleted_in_seconds(gateway: Gateway) -> None:
    many = [f"account-{number:06}-of-many" for number in range(10_000)]
    gateway.set_accounts(many)
    assert gateway.admin("/api/tokens/disable", {"tokens": many}) == {"changed": 10_000, "not_found": 0}
    assert gateway.get_admin("/api/tokens?status=disabled&page_size=1")["total"] == 10_000
    assert gateway.admin("/api/tokens/delete", {"tokens": [*many, "nobody-at-all"]}) == {
        "deleted": 10_000,
        "not_found": 1,
    }
    assert listed(gateway) == []
