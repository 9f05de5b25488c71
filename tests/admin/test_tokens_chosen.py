"""Which accounts the list's filters, the ids and the export choose, in which order."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from grok2api.accounts import Sort, Status
from tests.admin.answers import asked, listed, refused
from tests.gateway import Gateway

SECRETS = [f"sim-basic-ok-{kind}.quota.{20 + n}" for n, kind in enumerate("abcdef")]
LIMITED = "sim-basic-429-l.times.1"
DEAD = "sim-basic-401_invalid-d.times.1"
FAILING = "sim-basic-500-f.times.1"
EMPTY = "sim-basic-ok-e.quota.0"
SUPER = ["sim-super-ok-s", "sim-super-ok-t"]
ALL = [*SECRETS, LIMITED, DEAD, FAILING, EMPTY, *SUPER]

FIELDS: dict[Sort, Callable[[dict[str, Any]], float]] = {
    Sort.ADDED: lambda account: account["id"],
    Sort.LAST_USED: lambda account: account["last_used"] or 0,
    Sort.REMAINING: lambda account: (
        10**9 if account["remaining_queries"] < 0 else account["remaining_queries"]
    ),
    Sort.REQUESTS: lambda account: account["request_count"],
    Sort.FAILURES: lambda account: account["failed_count"],
    Sort.IN_FLIGHT: lambda account: account["in_flight"],
}


@pytest.fixture
def mixed(gateway: Gateway) -> Gateway:
    """Accounts in every status there is, some of them with tags, a note, or disabled."""
    gateway.set_accounts(ALL[:-2], SUPER)
    for secret in (LIMITED, DEAD, FAILING, SECRETS[0], SECRETS[1], SECRETS[1]):
        gateway.admin("/api/tokens/disable", {"tokens": ALL})
        gateway.admin("/api/tokens/enable", {"tokens": [secret]})
        gateway.chat("Hello")
    gateway.admin("/api/tokens/enable", {"tokens": ALL})
    gateway.admin("/api/tokens/refresh", {"tokens": [*SECRETS[:4], EMPTY]})
    gateway.admin("/api/tokens/tags", {"tokens": [SECRETS[4], LIMITED, SUPER[0]], "tags": ["eu", "日本"]})
    gateway.admin("/api/tokens/tags", {"tokens": [DEAD], "tags": ["EU west"]})
    gateway.admin("/api/tokens/note", {"tokens": [SECRETS[4], SUPER[1]], "note": "bought in May, 100% ☂"})
    gateway.admin("/api/tokens/disable", {"tokens": [SECRETS[5], LIMITED]})
    # Quotas of accounts that failed are read again in the background, which would change them under a test.
    until = time.monotonic() + 30
    while any(a["remaining_queries"] < 0 for a in listed(gateway) if a["token"] in (LIMITED, DEAD, FAILING)):
        assert time.monotonic() < until
        time.sleep(0.2)
    assert {account["status"] for account in listed(gateway)} == set(Status)
    return gateway


FILTERS: dict[str, Callable[[dict[str, Any]], bool]] = {
    **{f"status={status}": lambda account, status=status: account["status"] == status for status in Status},  # type: ignore[misc]
    "status=disabled": lambda account: account["disabled"],
    "token_type=sso": lambda account: account["token_type"] == "sso",
    "token_type=ssoSuper": lambda account: account["token_type"] == "ssoSuper",
    "tag=eu": lambda account: "eu" in account["tags"],
    "tag=%E6%97%A5%E6%9C%AC": lambda account: "日本" in account["tags"],
    "tag=e": lambda account: False,
    "q=Eu": lambda account: bool({"eu", "EU west"} & set(account["tags"])),
    "q=%E6%97%A5": lambda account: "日本" in account["tags"],
    "q=100%25": lambda account: "100%" in account["note"],
    "q=%20%E2%98%82%20": lambda account: "☂" in account["note"],
    "q=super-ok": lambda account: False,
    f"q={LIMITED}": lambda account: account["token"] == LIMITED,
    "q=_": lambda account: False,
    "tag=eu&status=disabled": lambda account: account["token"] == LIMITED,
    "tag=eu&token_type=sso&q=may": lambda account: account["token"] == SECRETS[4],
}


def exported(gateway: Gateway, query: str) -> list[dict[str, Any]]:
    answer = asked(gateway, "GET", f"/api/tokens/export{query}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="accounts.json"'
    document: list[dict[str, Any]] = orjson.loads(answer.content)
    return document


def names(accounts: list[dict[str, Any]]) -> list[str]:
    return [account["token"] for account in accounts]


def test_each_filter_chooses_what_the_accounts_show_in_list_and_export(mixed: Gateway) -> None:
    everything = listed(mixed)
    assert names(everything) == ALL
    for query, fits in FILTERS.items():
        expected = [account["token"] for account in everything if fits(account)]
        answer = mixed.get_admin(f"/api/tokens?{query}")
        assert (names(answer["data"]), answer["total"]) == (expected, len(expected)), query
        assert names(exported(mixed, f"?{query}")) == expected, query
        chosen = mixed.get_admin(f"/api/tokens/ids?{query}")
        ids = [account["id"] for account in everything if fits(account)]
        assert (chosen["data"], chosen["total"]) == (ids, len(ids)), query


def test_ids_are_those_of_all_that_fit_whatever_the_page_and_order(mixed: Gateway) -> None:
    ids = [account["id"] for account in listed(mixed)]
    for query in ("", "?page=2&page_size=1", "?sort=-request_count"):
        assert mixed.get_admin(f"/api/tokens/ids{query}") == {"success": True, "data": ids, "total": len(ids)}
    for query in ("status=good", "token_type=gold", "sort=luck", "page=0"):
        status, document = refused(mixed, "GET", f"/api/tokens/ids?{query}")
        assert status == 400 and query.split("=")[0] in document["error"]


def test_each_order_is_that_of_the_field_that_names_it(mixed: Gateway) -> None:
    everything = listed(mixed)
    for sort, key in FIELDS.items():
        for sign, backwards in (("", False), ("-", True)):
            expected = sorted(everything, key=lambda account: -key(account) if backwards else key(account))
            assert names(listed(mixed, f"?sort={sign}{sort}")) == names(expected), sign + sort
    assert set(FIELDS) == set(Sort)


@pytest.mark.parametrize("size", [1, 5, 12, 1000])
def test_pages_together_are_the_list(mixed: Gateway, size: int) -> None:
    seen: list[str] = []
    for page in range(1, len(ALL) // size + 2):
        answer = mixed.get_admin(f"/api/tokens?page={page}&page_size={size}&sort=-request_count")
        assert answer["total"] == len(ALL)
        seen += names(answer["data"])
    assert seen == names(listed(mixed, "?sort=-request_count"))
    assert mixed.get_admin(f"/api/tokens?page=10000000&page_size={size}")["data"] == []


def test_an_export_is_whole_whatever_the_page_and_has_every_field(mixed: Gateway) -> None:
    whole = exported(mixed, "?page=3&page_size=2&sort=-last_used")
    moving = ("cooldown_remaining",)
    assert [{name: value for name, value in one.items() if name not in moving} for one in whole] == [
        {name: value for name, value in one.items() if name not in moving} for one in listed(mixed)
    ]


def test_lines_are_what_adding_takes(mixed: Gateway) -> None:
    answer = asked(mixed, "GET", "/api/tokens/export?format=lines&token_type=sso")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="accounts.txt"'
    assert answer.text.splitlines() == ALL[:-2]
    mixed.admin("/api/tokens/delete", {"tokens": ALL})
    report = mixed.admin("/api/tokens/add", {"tokens": [answer.text], "token_type": "sso"})
    assert report == {"added": len(ALL) - 2, "duplicates": 0, "moved": 0, "invalid": 0}


def test_an_export_of_nothing_is_empty(gateway: Gateway) -> None:
    gateway.set_accounts()
    assert exported(gateway, "") == []
    assert asked(gateway, "GET", "/api/tokens/export?format=lines").content == b""


@pytest.mark.parametrize("query", ["format=xml", "status=good", "token_type=gold", "sort=luck"])
def test_a_wrong_parameter_of_an_export_is_named(gateway: Gateway, query: str) -> None:
    status, document = refused(gateway, "GET", f"/api/tokens/export?{query}")
    assert status == 400 and query.split("=")[0] in document["error"]


def test_ten_thousand_are_exported_quickly_and_all_of_them(gateway: Gateway) -> None:
    many = [f"account-{number:06}-of-many" for number in range(10_000)]
    gateway.set_accounts(many)
    for query in ("", "?q=of-many", "?status=unused"):
        began = time.monotonic()
        assert names(exported(gateway, query)) == many
        assert time.monotonic() - began < 10
    assert asked(gateway, "GET", "/api/tokens/export?format=lines").text.split() == many


def test_an_export_that_is_broken_off_hurts_nobody(gateway: Gateway) -> None:
    gateway.set_accounts([f"account-{number:06}-of-many" for number in range(5000)])
    for _ in range(4):
        asked_for = gateway.session.get(
            f"{gateway.url}/api/tokens/export", headers={"Authorization": f"Bearer {gateway.token}"},
            stream=True, timeout=30,
        )  # fmt: skip
        assert asked_for.raw.read(100).startswith(b'[{"id":')
        asked_for.close()
    assert len(exported(gateway, "")) == 5000


def test_named_accounts_are_exported_in_the_order_of_ids(mixed: Gateway) -> None:
    by_secret = {account["token"]: account["id"] for account in listed(mixed)}
    names = [SUPER[0], by_secret[SECRETS[1]], SECRETS[0], SECRETS[1], "nobody-at-all"]
    wanted = [SECRETS[0], SECRETS[1], SUPER[0]]
    answer = asked(mixed, "POST", "/api/tokens/export", {"tokens": names})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="accounts.json"'
    whole = {account["token"]: account for account in exported(mixed, "")}
    assert answer.json() == [
        whole[secret] | {"cooldown_remaining": one["cooldown_remaining"]}
        for secret, one in zip(wanted, answer.json(), strict=True)
    ]
    answer = asked(mixed, "POST", "/api/tokens/export", {"tokens": names, "format": "lines"})
    assert answer.headers["Content-Disposition"] == 'attachment; filename="accounts.txt"'
    assert answer.text.splitlines() == wanted
    noted = next(
        one for one in mixed.get_admin("/api/audit")["data"] if one["action"] == "tokens_export"
    )["detail"]  # fmt: skip
    ids = [str(by_secret[secret]) for secret in wanted]
    assert noted == {"form": "lines", "accounts": ids, "count": 3}
    assert asked(mixed, "POST", "/api/tokens/export", {"tokens": []}).json() == []


@pytest.mark.parametrize(
    ("body", "param"),
    [({}, "tokens"), ({"tokens": "all"}, "tokens"), ({"tokens": [], "format": "xml"}, "format"),
     ({"tokens": [], "format": ["json"]}, "format")],
)  # fmt: skip
def test_a_wrong_field_of_a_named_export_is_named(gateway: Gateway, body: dict[str, Any], param: str) -> None:
    status, document = refused(gateway, "POST", "/api/tokens/export", body)
    assert status == 400 and document["error"].startswith(param)
