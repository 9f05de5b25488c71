"""The table of settings: against itself, against `Snapshot`, and against the specification."""

from __future__ import annotations

import typing
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grok2api.errors import SettingError
from grok2api.settings import SETTINGS, Setting, Snapshot, Value, clean, snapshot
from tests.unit.grok_streams import PATIENT, json_values

#: name -> (scope, default), as the specification names them; the table holds those that exist so far.
SPECIFIED: dict[str, tuple[str, Value]] = {
    "admin_username": ("global", "admin"),
    "admin_password": ("global", "admin"),
    "log_level": ("global", "INFO"),
    "image_mode": ("global", "url"),
    "image_cache_max_size_mb": ("global", 512),
    "video_cache_max_size_mb": ("global", 1024),
    "base_url": ("global", ""),
    "api_key": ("grok", ""),
    "proxy_url": ("grok", ""),
    "stream_chunk_timeout": ("grok", 120),
    "stream_first_response_timeout": ("grok", 30),
    "stream_total_timeout": ("grok", 600),
    "cf_clearance": ("grok", ""),
    "x_statsig_id": (
        "grok",
        "ZTpUeXBlRXJyb3I6IENhbm5vdCByZWFkIHByb3BlcnRpZXMgb2YgdW5kZWZpbmVkIChyZWFkaW5nICdjaGlsZE5vZGVzJyk=",
    ),
    "filtered_tags": ("grok", "xaiartifact,xai:tool_usage_card,grok:render"),
    "show_thinking": ("grok", True),
    "temporary": ("grok", True),
    "thinking_format": ("grok", "think_tag"),
    "account_concurrency": ("grok", 8),
    "refresh_concurrency": ("grok", 10),
    "refresh_interval_minutes": ("grok", 60),
    "prompt_inline_limit": ("grok", 0),
    "strict_params": ("global", False),
    "enforce_max_tokens": ("global", True),
    "max_body_mb": ("global", 32),
    "cors_origins": ("global", ""),
    "signed_media": ("global", False),
    "metrics_public": ("global", False),
    "signed_media_hours": ("global", 24),
    "media_index_days": ("global", 90),
    "log_retention_days": ("global", 7),
    "audit_retention_days": ("global", 90),
}
BY_NAME = {setting.name: setting for setting in SETTINGS}
rows = pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)


def complaint(name: str, value: object) -> str:
    with pytest.raises(SettingError) as caught:
        clean(name, value)
    assert caught.value.name == name and "\n" not in caught.value.message
    assert caught.value.message.startswith(f"{name} ") and caught.value.message.endswith(".")
    return caught.value.message


# The table


@rows
def test_a_default_passes_its_own_cleaning_unchanged(row: Setting) -> None:
    assert clean(row.name, row.default) == row.default


@rows
def test_a_row_has_its_type_both_help_texts_and_both_bounds_or_none(row: Setting) -> None:
    assert isinstance(row.default, (int, float) if row.type is float else row.type)
    assert row.help.en and row.help.zh and not row.help.en.endswith(".")
    assert (row.min is None) == (row.max is None) == (row.type in (str, bool))
    assert not row.choices or row.default in row.choices
    assert row.type is str or (not row.choices and not row.secret and row.clean is None)


@rows
def test_names_scopes_and_defaults_are_the_specifications(row: Setting) -> None:
    if row.name == "user_agent":
        assert (
            row.scope == "grok" and isinstance(row.default, str) and row.default.startswith("Mozilla/5.0 (")
        )
    else:
        assert (row.scope, row.default) == SPECIFIED[row.name]
        assert isinstance(row.default, bool) == isinstance(SPECIFIED[row.name][1], bool)


def test_secrets_are_what_the_admin_api_never_shows() -> None:
    assert {row.name for row in SETTINGS if row.secret} == {"admin_password", "cf_clearance"}


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(SETTINGS)


def test_a_snapshots_fields_and_types_are_the_tables() -> None:
    types = typing.get_type_hints(Snapshot)
    assert [(field.name, types[field.name]) for field in fields(Snapshot)] == [
        (row.name, row.type) for row in SETTINGS
    ]


# Snapshots


def test_without_stored_values_a_snapshot_is_the_defaults() -> None:
    taken = snapshot({})
    assert {row.name: getattr(taken, row.name) for row in SETTINGS} == {
        row.name: row.default for row in SETTINGS
    }


def test_stored_values_are_laid_over_the_defaults_and_cleaned() -> None:
    taken = snapshot({"log_level": "DEBUG", "api_key": " key ", "of_a_later_release": 1})
    assert (taken.log_level, taken.api_key, taken.show_thinking) == ("DEBUG", "key", True)
    with pytest.raises(SettingError):
        snapshot({"log_level": "LOUD"})


# Cleaning


def test_an_unknown_name_is_an_error() -> None:
    assert complaint("show_thinkin", True) == "show_thinkin is not a setting."


@pytest.mark.parametrize("row", [row for row in SETTINGS if row.min is not None], ids=lambda row: row.name)
def test_bounds_are_inclusive_and_named(row: Setting) -> None:
    assert row.min is not None and row.max is not None
    number = int if row.type is int else float
    low, high = number(row.min), number(row.max)
    assert (clean(row.name, low), clean(row.name, high)) == (low, high)
    for value in (low - 1, high + 1, -(10**400), 10**400):
        words = complaint(row.name, value)
        assert f"{row.min:g}" in words and f"{row.max:g}" in words and row.unit in words


@rows
def test_a_value_of_another_type_is_refused(row: Setting) -> None:
    wrong: dict[type, tuple[object, ...]] = {
        bool: (0, 1, "true", None, [], {}),
        str: (0, True, None, [], {}, b"x"),
        int: ("8", True, None, 8.0, [], float("nan")),
        float: ("8", True, None, [], float("nan"), float("inf"), float("-inf")),
    }
    for value in wrong[row.type]:
        assert "must be" in complaint(row.name, value)


def test_a_time_may_have_a_fraction() -> None:
    assert clean("stream_chunk_timeout", 1.5) == 1.5


@pytest.mark.parametrize(
    ("name", "value", "cleaned"),
    [
        ("cf_clearance", "cf_clearance=abc.1-2_3", "abc.1-2_3"),
        ("cf_clearance", " abc \n", "abc"),
        ("cf_clearance", "a=1; cf_clearance=abc; b=2", "abc"),
        ("cf_clearance", "cf_clearance=abc=;", "abc="),
        ("cf_clearance", "abc=", "abc="),
        ("cf_clearance", "", ""),
        ("cf_clearance", "cf_clearance=", ""),
        ("x_statsig_id", " abc\r\n", "abc"),
        ("user_agent", " Mozilla/5.0 (X11) ", "Mozilla/5.0 (X11)"),
        ("api_key", "", ""),
        ("proxy_url", " http://user:pass@host:8080 ", "http://user:pass@host:8080"),
        ("proxy_url", "socks5h://[::1]:1080", "socks5h://[::1]:1080"),
        ("proxy_url", "https://host", "https://host"),
        ("proxy_url", "  ", ""),
        ("filtered_tags", " a , ,b,a,", "a,b"),
        ("filtered_tags", "", ""),
        ("cors_origins", "", ""),
        ("cors_origins", " , ", ""),
        ("cors_origins", "*", "*"),
        ("cors_origins", "https://a.example, *", "*"),
        ("cors_origins", "HTTPS://Chat.Example.COM/", "https://chat.example.com"),
        ("cors_origins", "https://a.example/chat/index.html", "https://a.example"),
        ("cors_origins", "https://a.example:443,http://a.example:80", "https://a.example,http://a.example"),
        ("cors_origins", "http://a:443, http://a:443/,http://b:08080", "http://a:443,http://b:8080"),
        ("cors_origins", "http://[::1]:3000,http://127.0.0.1", "http://[::1]:3000,http://127.0.0.1"),
        (
            "cors_origins",
            "app://obsidian.md,chrome-extension://abc",
            "app://obsidian.md,chrome-extension://abc",
        ),
        ("admin_username", " admin ", "admin"),
        ("admin_password", " p ", " p "),
    ],
)
def test_values_are_brought_into_their_one_form(name: str, value: str, cleaned: str) -> None:
    assert clean(name, value) == cleaned
    assert clean(name, cleaned) == cleaned


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("cf_clearance", "a b", "cf_clearance=VALUE"),
        ("cf_clearance", "a;b", "cf_clearance=VALUE"),
        ("cf_clearance", "é", "plain ASCII"),
        ("x_statsig_id", "a\nb", "on one line"),
        ("x_statsig_id", "a\x7fb", "on one line"),
        ("user_agent", "Mozilla\u2019", "plain ASCII"),
        ("api_key", "ключ", "plain ASCII"),
        ("proxy_url", "host:8080", "must look like"),
        ("proxy_url", "ftp://host", "must look like"),
        ("proxy_url", "http://", "must look like"),
        ("proxy_url", "http://host:port", "must look like"),
        ("proxy_url", "http://host:99999", "must look like"),
        ("proxy_url", "http://[::1", "must look like"),
        ("proxy_url", "http://ho st:1", "must look like"),
        ("proxy_url", "http://ho\nst:1", "must look like"),
        ("log_level", "debug", "one of DEBUG, INFO, WARNING, ERROR"),
        ("thinking_format", "", "one of think_tag, reasoning_content"),
        ("cors_origins", "chat.example", "not 'chat.example'"),
        ("cors_origins", "https://good.example, bad", "not 'bad'"),
        ("cors_origins", "https://", "scheme://host[:port]"),
        ("cors_origins", "https://*.example", "* or have the form"),
        ("cors_origins", "null", "not 'null'"),
        ("cors_origins", "https://a.example:0", "not 'https://a.example:0'"),
        ("cors_origins", "https://a.example:65536", "scheme://host[:port]"),
        ("cors_origins", "https://user@a.example", "scheme://host[:port]"),
        ("cors_origins", "https://a.example?x", "scheme://host[:port]"),
        ("cors_origins", "https://a.example\r\nX: y", "not 'https://a.example\\r\\nX: y'"),
        ("cors_origins", "https://例.example", "scheme://host[:port]"),
        ("admin_username", " ", "must not be empty"),
        ("admin_username", "n" * 256, "must have 255 characters at most"),
        ("admin_username", "a\nb", "must be one line"),
        ("admin_username", "a\0b", "must be one line"),
        ("admin_password", "p" * 1001, "must have 1000 characters at most"),
        ("filtered_tags", "a\0b", "must be one line"),
        ("filtered_tags", "a" * 4001, "must have 4000 characters at most"),
        ("user_agent", "a" * 4001, "must have 4000 characters at most"),
    ],
)
def test_a_bad_value_is_told_what_it_should_look_like(name: str, value: str, words: str) -> None:
    assert words in complaint(name, value)


@given(st.sampled_from(SETTINGS), json_values() | st.text())
@settings(PATIENT, max_examples=100)
def test_any_value_is_cleaned_once_and_for_all_or_refused(row: Setting, value: object) -> None:
    try:
        cleaned = clean(row.name, value)
    except SettingError as error:
        assert error.name == row.name
    else:
        assert clean(row.name, cleaned) == cleaned
        assert getattr(snapshot({row.name: value}), row.name) == cleaned


def test_what_was_stored_before_there_were_bounds_holds_on() -> None:
    """A key that is dropped would open what it closes."""
    stored = {"api_key": "k" * 5000, "admin_username": "a\nb"}
    settings = snapshot(stored)
    assert (settings.api_key, settings.admin_username) == (stored["api_key"], stored["admin_username"])
