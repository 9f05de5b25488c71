"""The older implementation's files: what is taken, and what is left out with a remark."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given

from grok2api.accounts import (
    DEFAULT_WINDOW_S,
    RATE_LIMITED_S,
    Account,
    Quota,
    Status,
    Tier,
    status_of,
)
from grok2api.services.account_records import from_record, to_record
from grok2api.services.legacy_accounts import read_accounts
from grok2api.services.legacy_settings import read_settings
from grok2api.settings import SETTINGS, clean
from tests.unit.grok_streams import PATIENT, json_values

NOW = 1_700_000_000.0
NOW_MS = 1_700_000_000_000
TOKEN = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.abc"


def one(entry: object, group: str = "ssoNormal") -> tuple[Account, list[str]]:
    accounts, remarks = read_accounts({group: {TOKEN: entry}}, NOW)
    [account] = accounts
    return account, remarks


def test_a_whole_entry_is_taken() -> None:
    entry = {
        "createdTime": NOW_MS - 5_500, "remainingQueries": 66, "heavyremainingQueries": 3, "status": "active",
        "failedCount": 2, "lastFailureTime": NOW_MS - 1, "lastFailureReason": "HTTP 500", "tags": ["b", "a"],
        "note": "my note", "cooldownUntil": NOW_MS + 60_000,
    }  # fmt: skip
    assert one(entry, "ssoSuper") == (
        Account(
            0, TOKEN, Tier.SUPER, NOW - 5.5,
            {"default": Quota(66, cooldown_until=NOW + 60), "heavy": Quota(3)},
            failed_count=2, last_failure_at=NOW - 0.001, last_failure_reason="HTTP 500",
            tags=("b", "a"), note="my note",
        ),
        [],
    )  # fmt: skip


UNKNOWN = Account(0, TOKEN, Tier.BASIC, NOW, {"default": Quota()})


@pytest.mark.parametrize(
    "entry",
    [
        {},
        None,
        dict.fromkeys(
            (
                "createdTime", "remainingQueries", "heavyremainingQueries", "status", "failedCount",
                "lastFailureTime", "lastFailureReason", "tags", "note", "cooldownUntil",
            )
        ),
        {"remainingQueries": -1, "heavyremainingQueries": -1, "status": "active", "failedCount": 0, "tags": []},
        {"createdTime": 0, "cooldownUntil": 0, "lastFailureTime": -1, "cooldownRequests": None} | {"note": ""},
    ],
)  # fmt: skip
def test_what_is_missing_null_or_minus_one_is_unknown(entry: object) -> None:
    account, remarks = one(entry)
    assert account == UNKNOWN
    assert len(remarks) == ("cooldownRequests" in entry if isinstance(entry, dict) else 0)


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        ({"status": "expired"}, Status.EXPIRED),
        ({"status": "EXPIRED", "lastFailureReason": "401 " + "x" * 300}, Status.EXPIRED),
        ({"status": "limited", "lastFailureTime": NOW_MS - 60_000}, Status.COOLING),
        ({"status": "limited", "lastFailureTime": NOW_MS - 7200_000}, Status.UNUSED),
        ({"status": "limited", "remainingQueries": 0}, Status.EXHAUSTED),
        ({"status": "limited", "remainingQueries": 0, "lastFailureTime": NOW_MS - 72_000_000}, Status.UNUSED),
        ({"status": "active", "cooldownUntil": NOW_MS + 1}, Status.COOLING),
        ({"status": "active", "cooldownUntil": NOW_MS - 1}, Status.UNUSED),
        ({"status": "active", "remainingQueries": 5}, Status.ACTIVE),
        ({"status": "active", "remainingQueries": "5"}, Status.ACTIVE),
    ],
)
def test_the_status_is_as_it_was(entry: dict[str, object], status: Status) -> None:
    account, remarks = one(entry)
    assert status_of(account, NOW) is status
    assert [line for line in remarks if "cut to" not in line] == []


def test_how_long_a_limit_lasts() -> None:
    limited, _ = one({"status": "limited", "lastFailureTime": NOW_MS - 60_000})
    assert limited.quotas["default"].cooldown_until == NOW - 60 + RATE_LIMITED_S
    empty, _ = one({"remainingQueries": 0, "lastFailureTime": NOW_MS - 60_000})
    assert empty.quotas["default"] == Quota(0, NOW - 60 + DEFAULT_WINDOW_S)


WRONG = [
    ("createdTime", "long ago"), ("createdTime", 1_700_000_000), ("createdTime", 1e300), ("createdTime", True),
    ("remainingQueries", "many"), ("remainingQueries", [80]), ("remainingQueries", float("nan")),
    ("heavyremainingQueries", {}), ("failedCount", "x"), ("failedCount", float("inf")), ("lastFailureTime", "x"),
    ("lastFailureReason", 401), ("tags", "a,b"), ("tags", [7]), ("tags", ["x" * 65]), ("note", ["x"]),
    ("cooldownUntil", "soon"), ("status", 3), ("status", "confused"), ("colour", "red"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_has_the_wrong_type_is_left_out_with_a_remark(name: str, value: object) -> None:
    account, remarks = one({name: value})
    assert account == UNKNOWN
    [remark] = remarks
    assert name.rstrip("s") in remark and remark.startswith("ssoNormal, eyJ0….abc: ")


def test_long_texts_are_cut_and_halves_of_characters_replaced() -> None:
    account, remarks = one(
        {"note": "n" * 3000, "lastFailureReason": "r" * 300, "tags": ["\ud800", " a ", "a", ""]}
    )
    assert (len(account.note), len(account.last_failure_reason or "")) == (2000, 255)
    assert account.tags == ("?", "a")
    assert len(remarks) == 2


def test_secrets_are_cleaned_and_none_is_taken_twice() -> None:
    accounts, remarks = read_accounts(
        {
            "ssoNormal": {
                f"sso={TOKEN}; sso-rw=x": {"note": "1"},
                f" {TOKEN} ": {"note": "2"},
                "": {},
                "två ord": {},
            },
            "ssoSuper": {TOKEN: {"note": "3"}, "another-token": None, "third-token": "odd"},
            "version": 3,
        },
        NOW,
    )
    assert [(account.secret, account.tier, account.note) for account in accounts] == [
        (TOKEN, Tier.SUPER, "3"),
        ("another-token", Tier.SUPER, ""),
        ("third-token", Tier.SUPER, ""),
    ]
    assert [line.partition(":")[0] for line in remarks] == [
        "version is not known; left out",
        "ssoNormal, eyJ0….abc",
        "ssoNormal, entry 3",
        "ssoNormal, entry 4",
        "ssoSuper, eyJ0….abc",
        "ssoSuper, …",
    ]
    assert TOKEN not in "".join(remarks)


def test_a_mere_list_of_tokens_is_taken_too() -> None:
    accounts, remarks = read_accounts({"ssoNormal": [TOKEN, 7], "ssoSuper": "x"}, NOW)
    assert accounts == [UNKNOWN]
    assert len(remarks) == 2


@PATIENT
@given(json_values())
def test_whatever_it_holds_it_is_read_and_can_be_stored(value: Any) -> None:
    entry = dict.fromkeys(("createdTime", "remainingQueries", "note", "tags", "status", "failedCount"), value)
    documents: list[object] = [
        value,
        {"ssoNormal": value},
        {"ssoNormal": {TOKEN: value}},
        {"ssoNormal": {TOKEN: entry}, "ssoSuper": {"another-token": {"cooldownUntil": value}}},
    ]
    for document in documents:
        accounts, remarks = read_accounts(document, NOW)
        for account in accounts:
            assert from_record(to_record(account), NOW) == account
        "\n".join(remarks).encode()


SETTING_TOML = """
[global]
base_url = "http://localhost:8000"
admin_username = "root"
admin_password = "open sesame"
log_level = "debug"
max_body_mb = "64"

[grok]
api_key = ""
proxy_url = "socks5://127.0.0.1:1080"
cf_clearance = "cf_clearance=abc"
stream_chunk_timeout = 90
stream_total_timeout = "900"
stream_first_response_timeout = -1
show_thinking = "false"
temporary = 0
filtered_tags = ["a", "b"]
x_statsig_id = 7
dynamic_statsig = true
max_body_mb = 12

[other]
x = 1
"""


def test_known_settings_are_taken_in_their_own_type() -> None:
    found = read_settings(tomllib.loads(SETTING_TOML))
    assert found.values == {
        "admin_username": "root",
        "base_url": "http://localhost:8000",
        "log_level": "DEBUG",
        "max_body_mb": 64,
        "proxy_url": "socks5://127.0.0.1:1080",
        "cf_clearance": "abc",
        "stream_chunk_timeout": 90,
        "stream_total_timeout": 900,
        "show_thinking": False,
        "temporary": False,
        "filtered_tags": "a,b",
    }
    assert found.password == "open sesame"
    left = "\n".join(found.remarks)
    for name in ("stream_first_response_timeout", "x_statsig_id", "dynamic_statsig", "[other]"):
        assert name in left
    assert "[grok] max_body_mb" in left  # of the other scope
    assert len(found.remarks) == 5
    assert "sesame" not in left


def test_the_default_password_is_left_out() -> None:
    found = read_settings({"global": {"admin_password": "admin"}})
    assert found.password is None and len(found.remarks) == 1
    assert read_settings({"global": {"admin_password": ["x"]}}).password is None


def test_a_password_is_taken_to_the_character() -> None:
    assert read_settings({"global": {"admin_password": " spaces "}}).password == " spaces "


@pytest.mark.parametrize("document", [{}, {"global": 7, "grok": []}, {"global": {"": None}}])
def test_odd_tables_are_remarks(document: dict[str, object]) -> None:
    found = read_settings(document)
    assert (found.values, found.password) == ({}, None)
    assert len(found.remarks) == len(document)


@PATIENT
@given(json_values())
def test_whatever_a_value_is_only_clean_ones_are_taken(value: Any) -> None:
    for setting in SETTINGS:
        found = read_settings({setting.scope: {setting.name: value}})
        assert all(clean(name, taken) == taken for name, taken in found.values.items())
        assert len(found.values) + (found.password is not None) + len(found.remarks) <= 1
