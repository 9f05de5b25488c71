"""Accounts as records: there and back exactly, and what is wrong is named without giving a secret away."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grok2api.accounts import DEFAULT_WINDOW_S, FULL_QUOTA, Account, Quota, Tier
from grok2api.services.account_records import (
    FORMAT,
    VERSION,
    BadRecord,
    from_record,
    read_file,
    to_record,
    write_file,
)

NOW = 1_700_000_000.0
SECRET = "a-secret-of-some-length"

_times = st.floats(0, 1e10, allow_nan=False)
_texts = st.text(st.characters(codec="utf-8"), max_size=60)
_counts = st.integers(0, 10**9)
_rests = st.one_of(st.just((None, None)), st.tuples(_counts, _times))
_quotas = st.builds(
    # an account that has no calls left always has a time when its window ends
    lambda remaining, ends, cooling, rest: Quota(
        remaining, NOW if remaining == 0 and ends is None else ends, cooling, *rest
    ),
    st.none() | st.integers(0, FULL_QUOTA),
    st.none() | _times,
    st.none() | _times,
    _rests,
)
_accounts = st.builds(
    Account,
    id=_counts,
    secret=st.from_regex(r"[A-Za-z0-9._~+/-]{8,60}={0,2}", fullmatch=True),
    tier=st.sampled_from(Tier),
    created_at=_times,
    quotas=st.dictionaries(st.sampled_from(["default", "heavy"]), _quotas),
    disabled=st.booleans(),
    expired_reason=st.none() | _texts,
    strikes=_counts,
    failed_count=_counts,
    last_failure_at=st.none() | _times,
    last_failure_reason=st.none() | _texts,
    tags=st.lists(_texts.map(str.strip).filter(bool), max_size=4).map(tuple),
    note=_texts,
    last_used_at=st.none() | _times,
    request_count=st.integers(0, 2**63 - 1),
    in_flight=_counts,
    checked_at=st.none() | _times,
)


@given(st.lists(_accounts, max_size=4))
def test_all_that_is_known_comes_back_but_for_the_requests_in_flight(accounts: list[Account]) -> None:
    content = b"".join(write_file(accounts))
    assert read_file(content, NOW + 1) == ([replace(one, in_flight=0) for one in accounts], [])
    assert json.loads(content)["version"] == VERSION


def test_no_field_of_an_account_is_forgotten() -> None:
    account = Account(1, SECRET, Tier.SUPER, NOW, {"default": Quota()})
    record = to_record(account)
    assert {*record, "in_flight"} == {field.name for field in fields(Account)}
    assert set(record["quotas"]["default"]) == {field.name for field in fields(Quota)}


def test_a_secret_is_enough_and_is_cleaned() -> None:
    assert from_record({"secret": f" sso={SECRET}; "}, NOW) == Account(0, SECRET, Tier.BASIC, NOW)


def test_nothing_left_without_an_end_is_nothing_left_for_a_window_from_now() -> None:
    quotas = {
        "default": {"remaining": 0, "cooldown_until": NOW + 5},
        "heavy": {"remaining": 0, "window_ends_at": 3},
    }
    account = from_record({"secret": SECRET, "created_at": 1.0, "quotas": quotas}, NOW)
    assert account.quotas["default"] == Quota(0, NOW + DEFAULT_WINDOW_S, NOW + 5)
    assert account.quotas["heavy"] == Quota(0, 3.0)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"secret": None}, "secret is not an sso cookie"),
    ({"secret": "two words"}, "secret is not an sso cookie"),
    ({"tier": "gold"}, "tier must be one of basic, super"),
    ({"tier": ["basic"]}, "tier must be"),
    ({"created_at": "yesterday"}, "created_at must be a time"),
    ({"created_at": None}, "created_at must be a time"),
    ({"created_at": 1_700_000_000_000}, "created_at must be a time"),  # milliseconds
    ({"last_used_at": -1}, "last_used_at must be a time"),
    ({"last_used_at": True}, "last_used_at must be a time"),
    ({"disabled": 1}, "disabled must be true or false"),
    ({"strikes": -1}, "strikes must be a whole number"),
    ({"strikes": 1.5}, "strikes must be a whole number"),
    ({"request_count": True}, "request_count must be a whole number"),
    ({"request_count": 10**400}, "request_count must be a whole number"),
    ({"note": 7}, "note must be a text"),
    ({"note": "x" * 2001}, "note must be a text of at most 2000"),
    ({"expired_reason": "x" * 65}, "expired_reason must be a text of at most 64"),
    ({"tags": "a,b"}, "tags must be a list"),
    ({"tags": [" a"]}, "tags must have 1 to 64"),
    ({"tags": [""]}, "tags must have 1 to 64"),
    ({"quotas": []}, "quotas must be an object"),
    ({"quotas": {"default": 80}}, "quotas.default must be an object"),
    ({"quotas": {"default": {"remaining": -1}}}, "quotas.default.remaining must be a whole number"),
    ({"quotas": {"heavy": {"rest_requests": 3}}}, "quotas.heavy must have rest_requests and rest_until"),
    ({"quotas": {"heavy": {"left": 3}}}, "quotas.heavy.left is not a known field"),
    ({"colour": "red"}, "colour is not a known field"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_what_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRecord) as caught:
        from_record({"secret": SECRET} | change, NOW)
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_bad_record_does_not_keep_the_others_out() -> None:
    records: list[object] = [{"secret": SECRET}, {"tier": "basic"}, "text", None, {"secret": SECRET + "2"}]
    content = json.dumps({"format": FORMAT, "version": 1, "accounts": records}).encode()
    accounts, problems = read_file(content, NOW)
    assert [one.secret for one in accounts] == [SECRET, SECRET + "2"]
    assert problems == [
        "account 2: secret is missing",
        "account 3: is not an object",
        "account 4: is not an object",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"a": "\\ud800"}', "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b"[]", "is not an export"),
        (b'{"format": "other"}', "is not an export"),
        (b'{"ssoNormal": {}}', "import-legacy"),
        (b'{"format": "grok2api-accounts", "version": 2, "accounts": []}', "version 2"),
        (b'{"format": "grok2api-accounts", "version": 1}', "accounts is not a list"),
        (b'{"format": "grok2api-accounts", "version": 1, "accounts": {}}', "accounts is not a list"),
    ],
)
def test_what_is_no_export_is_said(content: bytes, message: str) -> None:
    with pytest.raises(BadRecord, match=message):
        read_file(content, NOW)
