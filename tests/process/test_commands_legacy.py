"""`flask storage import-legacy`: the older implementation's folder, as nasty as it comes."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path

import pytest
from werkzeug.security import check_password_hash

from grok2api.accounts import Account, Tier
from tests.full import only_full
from tests.process.flask_command import Operator, contents, store_at

TOKEN = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30."
NOW_MS = time.time() * 1000
TOKENS = {
    "ssoNormal": {
        f"{TOKEN}one": {
            "createdTime": 1_700_000_000_123, "remainingQueries": 42, "heavyremainingQueries": -1, "status": "active",
            "failedCount": 1, "lastFailureTime": 1_700_000_001_000, "lastFailureReason": "429", "tags": ["家", "b"],
            "note": "first", "cooldownUntil": None,
        },
        f" sso={TOKEN}two; ": {"status": "expired", "createdTime": "when?", "note": None},
        f"{TOKEN}three": None,
        f"{TOKEN}four": {"cooldownUntil": NOW_MS + 3_600_000, "status": "limited", "unknown": [[]]},
        "": {},
        "no token at all": {"note": "x"},
    },
    "ssoSuper": {f"{TOKEN}five": {"heavyremainingQueries": 17, "remainingQueries": -1}},
    "extra": 1,
}  # fmt: skip
SETTING_TOML = """
[global]
admin_password = "the old password"
base_url = "http://example.com"
log_level = "warning"
[grok]
show_thinking = "false"
stream_total_timeout = "900"
stream_chunk_timeout = "soon"
cf_clearance = "cf_clearance=very-secret-cookie"
"""


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path / "data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "old"
    made.mkdir()
    (made / "token.json").write_text("\ufeff" + json.dumps(TOKENS), "utf-8")
    (made / "setting.toml").write_text(SETTING_TOML)
    return made


def by_name(operator: Operator) -> dict[str, Account]:
    return {account.secret.removeprefix(TOKEN): account for account in contents(operator.url)[0]}


def test_accounts_and_settings_are_taken_and_the_rest_is_told(operator: Operator, folder: Path) -> None:
    said = operator.run("storage", "import-legacy", folder)
    accounts = by_name(operator)
    assert list(accounts) == ["one", "two", "three", "four", "five"]
    one = accounts["one"]
    assert (one.created_at, one.note, one.tags) == (1_700_000_000.123, "first", ("b", "家"))
    assert (one.failed_count, one.last_failure_at, one.last_failure_reason) == (1, 1_700_000_001.0, "429")
    assert one.quotas["default"].remaining == 42 and one.quotas["heavy"].remaining is None
    assert accounts["two"].expired_reason == "expired"
    cooling = accounts["four"].quotas["default"].cooldown_until
    assert cooling is not None and abs(cooling * 1000 - NOW_MS - 3_600_000) < 1
    assert accounts["five"].tier is Tier.SUPER and accounts["five"].quotas["heavy"].remaining == 17
    settings = contents(operator.url)[1]
    assert check_password_hash(str(settings.pop("admin_password")), "the old password")
    assert settings == {
        "base_url": "http://example.com",
        "log_level": "WARNING",
        "show_thinking": False,
        "stream_total_timeout": 900,
        "cf_clearance": "very-secret-cookie",
    }
    assert "5 accounts, 4 Basic and 1 Super: 5 added, 0 known already, 0 moved, 0 invalid." in said
    for left in ("createdTime", "unknown", "entry 5", "entry 6", "extra", "stream_chunk_timeout"):
        assert left in said
    assert TOKEN not in said and "very-secret" not in said and "old password" not in said


def test_twice_is_the_same_as_once(operator: Operator, folder: Path) -> None:
    operator.run("storage", "import-legacy", folder)
    before = contents(operator.url)
    assert "0 added, 5 known already" in operator.run("storage", "import-legacy", folder)
    assert contents(operator.url) == before
    operator.run("admin", "set-password", "--password", "a newer one")
    operator.run("storage", "import-legacy", folder)
    assert check_password_hash(str(contents(operator.url)[1]["admin_password"]), "a newer one")


def test_what_is_set_already_stays(operator: Operator, folder: Path) -> None:
    with closing(store_at(operator.url)) as store:
        store.settings.save({"log_level": "ERROR", "show_thinking": False})
    said = operator.run("storage", "import-legacy", folder)
    assert "set otherwise already stay: log_level." in said
    settings = contents(operator.url)[1]
    assert (settings["log_level"], settings["stream_total_timeout"]) == ("ERROR", 900)
    assert "taken" not in operator.run("storage", "import-legacy", folder)


@pytest.mark.parametrize(("missing", "count"), [("token.json", 0), ("setting.toml", 5)])
def test_either_file_may_be_missing(operator: Operator, folder: Path, missing: str, count: int) -> None:
    (folder / missing).unlink()
    assert f"{missing}: there is none." in operator.run("storage", "import-legacy", folder)
    accounts, settings = contents(operator.url)
    assert len(accounts) == count and bool(settings) == (missing == "token.json")


def test_a_folder_with_neither_is_refused(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "neither" in operator.refused("storage", "import-legacy", tmp_path / "empty")
    assert operator.try_("storage", "import-legacy", tmp_path / "nowhere").returncode == 2


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("token.json", b"{", "is not JSON"),
        ("token.json", b"[" * 200_000, "is not JSON"),
        ("token.json", b"\xff", "not a UTF-8 text"),
        ("setting.toml", b"[grok", "is not TOML"),
        only_full("setting.toml", b"\xff", "not a UTF-8 text"),
    ],
)
def test_when_one_file_cannot_be_read_nothing_is_taken(
    operator: Operator, folder: Path, name: str, content: bytes, says: str
) -> None:
    (folder / name).write_bytes(content)
    said = operator.refused("storage", "import-legacy", folder)
    assert name in said and says in said
    assert contents(operator.url) == ([], {})


def test_ten_thousand_are_taken_in_seconds(operator: Operator, tmp_path: Path) -> None:
    tokens = {f"{TOKEN}{n:05}": {"createdTime": NOW_MS, "tags": ["a"]} for n in range(10_000)}
    (tmp_path / "token.json").write_text(json.dumps({"ssoNormal": tokens}))
    began = time.monotonic()
    assert "10000 added" in operator.run("storage", "import-legacy", tmp_path)
    assert time.monotonic() - began < 60
