"""`flask storage copy`: everything from one storage to another, between all kinds of them."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote

import pytest
from werkzeug.security import check_password_hash, generate_password_hash

from grok2api.accounts import Account, Quota, Tier
from grok2api.client_keys import ClientKey
from grok2api.media import Kind, MediaItem
from grok2api.services.transfer import PAGE, REQUESTS_PAGE
from grok2api.storage.base import RESPONSE_MAX_BYTES, StoredResponse
from grok2api.storage.clients import RequestEntry
from grok2api.storage.oversight import AuditEntry, UsageCount
from tests.contract.dealings import NOW, add, take
from tests.contract.test_restore import at_rest, lived
from tests.full import every, only_full
from tests.gateway import ROOT
from tests.mariadb_server import MariaDbServer
from tests.process.flask_command import FLASK, Operator, contents, store_at
from tests.redis_server import RedisServer

SETTINGS: dict[str, object] = {
    "filtered_tags": "鍵,b",
    "show_thinking": False,
    "stream_chunk_timeout": 12.5,
}
OPEN_SESAME = generate_password_hash("open sesame")
OF_ANOTHER_RELEASE = SETTINGS | {"not_known_here": [1, None, {"a": "b"}]}


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """Over seven accounts that have seen something, a password and settings."""
    made = Operator(tmp_path / "data")
    store = store_at(made.url)
    lived(store)
    store.settings.save(SETTINGS | {"admin_password": OPEN_SESAME})
    store.close()
    return made


PASSWORD = "p@ss s3same/%"


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def responses(count: int) -> list[StoredResponse]:
    """Of two owners, one of them as large as can be."""
    ends = time.time() + 3600
    made = [
        StoredResponse(f"resp_{n:03}", "ab"[n % 2] * 64, f"body {n}".encode() * n, ends + n / 7)
        for n in range(count)
    ]
    made[-1] = replace(made[-1], body=os.urandom(RESPONSE_MAX_BYTES))
    return made


def responses_at(url: str, key: str = "") -> list[StoredResponse]:
    with closing(store_at(url, key)) as store:
        found = [one for page in store.responses.walk(10, time.time()) for one in page]
    return sorted(found, key=lambda one: one.id)


def media(count: int) -> list[MediaItem]:
    """In the order of their paths."""
    made = [
        MediaItem(
            f"users/{'Ab'[n % 2]}/generated/{n:06}/image.jpg", list(Kind)[n % 3 % 2], n % 9 + 1, NOW + n / 7
        )
        for n in range(count)
    ]
    return sorted(made, key=lambda one: one.path)


def media_at(url: str, key: str = "") -> list[MediaItem]:
    with closing(store_at(url, key)) as store:
        return list(store.media.walk("", 100_000))


def actions(count: int) -> list[AuditEntry]:
    """The oldest first; some are of the same moment."""
    return [
        AuditEntry(NOW + n // 3 / 7, "admin ☂", "192.0.2.1", f"action {n}", {"ids": ["a", "b"], "count": n})
        for n in range(count)
    ]


def counts(count: int) -> list[UsageCount]:
    """In the order of their spans, starts and names."""
    names, spans = ("failed", "requests"), (60, 900)
    return [
        UsageCount(span, span * n, name, n + 2**40)
        for span in spans
        for n in range(count // 4)
        for name in names
    ]


def records_at(url: str) -> tuple[list[AuditEntry], list[UsageCount]]:
    """The operators' actions, the oldest first, and the counts over time."""
    with closing(store_at(url)) as store:
        found = store.audit.page(0, 100_000)[0][::-1]
        return found, [one for page in store.usage.walk(1000) for one in page]


def keys(count: int) -> list[ClientKey]:
    """In the order of their ids."""
    return [
        ClientKey(
            2 * n + 3, f"key ☂ {n}", f"{n:064x}", "sk-…", NOW + n / 7, enabled=n % 3 > 0, models=("a", "☂")[: n % 3],
            expires_at=NOW + n if n % 2 else None, per_minute=n % 5, per_day=n % 4,
            last_used_at=NOW + n / 3 if n % 7 else None, request_count=n * n,
        )
        for n in range(count)
    ]  # fmt: skip


def requests(count: int) -> list[RequestEntry]:
    """The oldest first; some are of the same moment."""
    return [
        RequestEntry(NOW + n // 3 / 7, f"request-{n}", {"model": "☂", "s": n / 7, "events": [None, {"n": n}]})
        for n in range(count)
    ]


def clients_at(url: str) -> tuple[list[ClientKey], list[RequestEntry]]:
    """The clients' keys and the log of their requests, the oldest first."""
    with closing(store_at(url)) as store:
        return store.keys.all(), store.requests.recent(100_000)[::-1]


def many(count: int) -> list[Account]:
    """Accounts of all kinds of standing."""
    made = []
    for n in range(count):
        quota = Quota(
            n % 90 + 1 if n % 7 else None, NOW + n + 0.1 if n % 3 else None, NOW + n / 3 if n % 5 else None
        )
        made.append(
            Account(
                2 * n + 1, f"secret-of-{n:06}", Tier.SUPER if n % 4 == 0 else Tier.BASIC, NOW + n / 7,
                {"default": quota, "heavy": Quota()}, disabled=n % 11 == 0, note=f"note {n}", tags=("a", f"t{n % 9}"),
                expired_reason="blocked" if n % 13 == 0 else None, request_count=n * n, last_used_at=NOW - n / 3,
                checked_at=NOW - n / 7 if n % 2 else None,
            )
        )  # fmt: skip
    return made


def test_all_accounts_and_settings_are_copied_and_what_was_left_is_told(
    operator: Operator, tmp_path: Path
) -> None:
    accounts, settings = contents(operator.url)
    assert {"admin_password", *SETTINGS} == set(settings)
    assert check_password_hash(str(settings["admin_password"]), "open sesame")
    target = tmp_path / "deep" / "copy.db"
    said = operator.run("storage", "copy", operator.url, sqlite_url(target))
    assert contents(sqlite_url(target)) == (at_rest(list(accounts)), settings)
    assert target.stat().st_mode & 0o077 == 0
    assert "accounts: 7" in said and "settings: 4" in said and "in flight: 1" in said and "sessions" in said
    assert "secret" not in said and "sesame" not in said
    assert contents(operator.url) == (accounts, settings)


@pytest.mark.full
def test_thousands_of_accounts_go_round_through_all_kinds_of_storage(
    tmp_path: Path, operator: Operator, full: bool
) -> None:
    accounts, answers, pictures = many(10_000 if full else 4 * PAGE), responses(50), media(2 * PAGE + 1)
    done, counted = actions(2 * PAGE + 2), counts(2 * PAGE)
    given, logged = keys(250), requests(2 * REQUESTS_PAGE + 3)
    first = tmp_path / "first.db"
    with closing(store_at(sqlite_url(first))) as store:
        store.accounts.restore(accounts, keep_ids=True)
        store.settings.save(OF_ANOTHER_RELEASE)
        for answer in answers:
            store.responses.save(answer)
        store.media.add(pictures)
        store.audit.add(*done)
        store.usage.add(counted)
        store.keys.restore(given)
        store.requests.add(logged)
    with MariaDbServer() as mysql, RedisServer() as redis:
        way = [
            sqlite_url(first),
            mysql.url("copied"),
            redis.url(),
            sqlite_url(tmp_path / "last.db"),
        ]
        for source, target in pairwise(way):
            began = time.monotonic()
            said = operator.run("storage", "copy", source, target)
            assert time.monotonic() - began < 60, target  # some seconds
            assert f"accounts: {len(accounts)}\n" in said and "settings: 4 " in said
            assert "stored responses: 50\n" in said and responses_at(target) == answers
            assert "media in the index: 2001\n" in said and media_at(target) == pictures
            assert "actions of operators: 2002\n" in said and "counts over time: 2000\n" in said
            assert records_at(target) == (done, counted)
            assert "clients' keys: 250\n" in said and "logged requests: 403\n" in said
            assert clients_at(target) == (given, logged)
            copied, settings = contents(target)
            assert settings == OF_ANOTHER_RELEASE
            for one, other in zip(accounts, copied, strict=True):
                assert one == other
    with closing(store_at(way[-1])) as store:  # and it is a pool like any other
        assert take(store, at=NOW + 10**6).account_id in {one.id for one in accounts}
        assert min(add(store, 1, name="next")) > accounts[-1].id
        assert store.keys.add(given[0]).id > given[-1].id


def test_a_target_that_holds_something_is_kept_unless_told(operator: Operator, tmp_path: Path) -> None:
    before = contents(operator.url)
    target = sqlite_url(tmp_path / "target.db")
    with closing(store_at(target)) as store:
        store.settings.save({"log_level": "DEBUG"})
    assert "--overwrite" in operator.refused("storage", "copy", operator.url, target)
    assert contents(target) == ([], {"log_level": "DEBUG"})
    with closing(store_at(target)) as store:
        add(store, 9)
    assert "9 accounts, 1 settings and 0 keys" in operator.refused("storage", "copy", operator.url, target)
    operator.run("storage", "copy", operator.url, target, "--overwrite")
    assert contents(target) == (at_rest(list(before[0])), before[1])


def test_responses_of_the_target_are_forgotten_and_expired_ones_left(
    operator: Operator, tmp_path: Path
) -> None:
    (one,) = responses(1)
    target = sqlite_url(tmp_path / "target.db")
    with closing(store_at(operator.url)) as store:
        store.responses.save(one)
        store.responses.save(replace(one, id="resp_expired", expires_at=time.time() - 1))
    with closing(store_at(target)) as store:
        add(store, 1)
        store.responses.save(replace(one, id="resp_of_the_target"))
    assert "stored responses: 1\n" in operator.run("storage", "copy", operator.url, target, "--overwrite")
    with closing(store_at(target)) as store:
        assert list(store.responses.walk(10, 0)) == [[one]]


def test_the_targets_index_of_media_is_replaced(operator: Operator, tmp_path: Path) -> None:
    one, other = media(2)
    target = sqlite_url(tmp_path / "target.db")
    with closing(store_at(operator.url)) as store:
        store.media.add([one])
    with closing(store_at(target)) as store:
        add(store, 1)
        store.media.add([replace(one, account_id=99), other])
    said = operator.run("storage", "copy", operator.url, target, "--overwrite")
    assert "media in the index: 1\n" in said and media_at(target) == [one] == media_at(operator.url)


def test_the_targets_actions_and_counts_are_replaced_when_it_is_overwritten(
    operator: Operator, tmp_path: Path
) -> None:
    done, counted = actions(5), counts(8)
    target = sqlite_url(tmp_path / "target.db")
    with closing(store_at(operator.url)) as store:
        store.audit.add(*done)
        store.usage.add(counted)
    with closing(store_at(target)) as store:
        add(store, 1)
        store.audit.add(replace(done[0], action="of the target"))
        store.usage.add([*counted, UsageCount(60, 6000, "of the target", 1)])
    for _ in range(2):
        said = operator.run("storage", "copy", operator.url, target, "--overwrite")
        assert "actions of operators: 5\n" in said and "counts over time: 8\n" in said
        assert records_at(target) == (done, counted) == records_at(operator.url)


def test_what_a_target_without_accounts_has_counted_stays(operator: Operator, tmp_path: Path) -> None:
    done, counted = actions(3), counts(4)
    target = sqlite_url(tmp_path / "target.db")
    with closing(store_at(operator.url)) as store:
        store.audit.add(*done)
        store.usage.add(counted)
    of_the_target = replace(done[0], at=NOW - 1)
    with closing(store_at(target)) as store:
        store.audit.add(of_the_target)
        store.usage.add(counted[:1])
    operator.run("storage", "copy", operator.url, target)
    twice = counted[0]._replace(count=2 * counted[0].count)
    assert records_at(target) == ([of_the_target, *done], [twice, *counted[1:]])


def test_the_targets_keys_and_log_of_requests_are_replaced_when_it_is_overwritten(
    operator: Operator, tmp_path: Path
) -> None:
    given, logged = keys(3), requests(5)
    target = sqlite_url(tmp_path / "target.db")
    with closing(store_at(operator.url)) as store:
        store.keys.restore(given)
        store.requests.add(logged)
    with closing(store_at(target)) as store:
        store.keys.restore([replace(given[0], name="of the target")])
        store.requests.add([replace(logged[0], request_id="of-the-target")])
    said = operator.refused("storage", "copy", operator.url, target)
    assert "0 accounts, 0 settings and 1 keys" in said
    for _ in range(2):
        said = operator.run("storage", "copy", operator.url, target, "--overwrite")
        assert "clients' keys: 3\n" in said and "logged requests: 5\n" in said
        assert clients_at(target) == (given, logged) == clients_at(operator.url)


def test_keys_are_something_to_copy(operator: Operator, tmp_path: Path) -> None:
    source, target = sqlite_url(tmp_path / "source.db"), sqlite_url(tmp_path / "target.db")
    with closing(store_at(source)) as store:
        assert store.keys.add(keys(1)[0])
        used = store.keys.add(replace(keys(1)[0], per_minute=1))
        assert [bool(store.keys.take(used.id, NOW)) for _ in range(2)] == [False, True]
    operator.run("storage", "copy", source, target)
    assert clients_at(target) == clients_at(source)
    with closing(store_at(target)) as store:  # what was counted in its minute was of the moment
        assert store.keys.take(used.id, NOW) == 0.0


def test_failed_logins_are_not_copied(operator: Operator, tmp_path: Path) -> None:
    target = sqlite_url(tmp_path / "target.db")
    with closing(store_at(operator.url)) as store:
        while not store.logins.attempt("192.0.2.1", "admin", NOW):
            pass
    said = operator.run("storage", "copy", operator.url, target)
    assert "failed logins" in said.partition("Left:")[2]
    with closing(store_at(target)) as store:
        assert store.logins.attempt("192.0.2.1", "admin", NOW) == 0.0


def test_nothing_is_never_copied_over_something(operator: Operator, tmp_path: Path) -> None:
    before = contents(operator.url)
    empty = sqlite_url(tmp_path / "empty.db")
    store_at(empty).close()
    said = operator.refused("storage", "copy", empty, operator.url, "--overwrite")
    assert said.startswith("Error: SOURCE: ") and "nothing to copy" in said
    assert contents(operator.url) == before


def test_a_mistyped_source_is_not_made(operator: Operator, tmp_path: Path) -> None:
    missing, target = tmp_path / "missing.db", tmp_path / "target.db"
    assert str(missing) in operator.refused("storage", "copy", sqlite_url(missing), sqlite_url(target))
    assert not missing.exists() and not target.exists()


def test_the_same_place_is_refused_whatever_it_is_called(operator: Operator, tmp_path: Path) -> None:
    before = contents(operator.url)
    (tmp_path / "link").symlink_to(operator.path.parent)
    for other in (
        operator.path,
        operator.path.parent / ".." / "data" / "grok2api.db",
        tmp_path / "link" / "grok2api.db",
    ):
        said = operator.refused("storage", "copy", operator.url, sqlite_url(other), "--overwrite", "--yes")
        assert "the same place" in said
    assert contents(operator.url) == before


def test_the_same_server_by_two_names_is_refused(operator: Operator) -> None:
    with MariaDbServer() as mysql:
        url = mysql.url("copied")
        operator.run("storage", "copy", operator.url, "-", TARGET_DATABASE_URL=url)
        before = contents(url)
        same = url.replace("@127.0.0.1:", "@localhost:")
        said = operator.refused(
            "storage",
            "copy",
            "-",
            "-",
            "--overwrite",
            "--yes",
            SOURCE_DATABASE_URL=url,
            TARGET_DATABASE_URL=same,
        )
        assert "the same place" in said
        assert contents(url) == before


def test_a_password_is_never_shown_and_need_not_be_on_the_command_line(
    operator: Operator, tmp_path: Path
) -> None:
    before = contents(operator.url)
    with RedisServer(password=PASSWORD) as redis:
        done = operator.try_("storage", "copy", operator.url, redis.url())
        assert done.returncode == 0 and "TARGET_DATABASE_URL" in done.stderr
        again = operator.try_(
            "storage", "copy", operator.url, "-", "--overwrite", TARGET_DATABASE_URL=redis.url()
        )
        assert again.returncode == 0 and "Warning" not in again.stderr
        back = sqlite_url(tmp_path / "back.db")
        from_redis = operator.run("storage", "copy", "-", back, SOURCE_DATABASE_URL=redis.url())
        wrong = redis.url().replace(quote(PASSWORD, safe=""), "wr0ng-passw0rd")
        refused = operator.refused("storage", "copy", operator.url, "-", TARGET_DATABASE_URL=wrong)
    assert contents(back) == (at_rest(list(before[0])), before[1])
    said = "".join((done.stdout, done.stderr, again.stdout, again.stderr, from_redis, refused))
    assert "wr0ng" not in said
    assert not any(piece in said for piece in (PASSWORD, quote(PASSWORD, safe=""), "s3same"))
    assert "SOURCE_DATABASE_URL" in operator.refused("storage", "copy", "-", back)


@pytest.mark.parametrize(
    "password", every(2, ["s3same/x", "s3same?x", "s3same#x", "[s3same", "u@s3same/x", "4711/x"])
)
@pytest.mark.parametrize("scheme", ["mysql", "redis"])
def test_a_password_that_is_not_encoded_is_not_shown(operator: Operator, scheme: str, password: str) -> None:
    url = f"{scheme}://user:{password}@127.0.0.1:1/0"
    said = operator.refused("storage", "copy", operator.url, "-", TARGET_DATABASE_URL=url)
    assert said.startswith("Error: TARGET: ") and "ercent-encode" in said
    assert "s3same" not in said and "4711" not in said


def test_quota_pools_of_another_catalogue_are_copied_too(operator: Operator, tmp_path: Path) -> None:
    models = operator.path.parent / "models.toml"
    models.write_text('[models."x"]\nupstream_model = "x"\nupstream_mode = "X"\npool = "extra"\n')
    operator.run("accounts", "list")
    models.unlink()
    before = contents(operator.url)[0]
    assert {pool for account in before for pool in account.quotas} == {"default", "heavy", "extra"}
    target = sqlite_url(tmp_path / "target.db")
    operator.run("storage", "copy", operator.url, target)
    assert contents(target)[0] == at_rest(list(before))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("file.db", "sqlite:////path"),
        only_full("postgres://host/db", "sqlite:////path"),
        only_full("sqlite://host/file.db", "sqlite:////path"),
        only_full("sqlite://", "sqlite:////path"),
        only_full("sqlite:////tmp/never#this.db", "cannot be read"),
        ("sqlite:////tmp/never?this.db", "%3F for ?"),
        ("mysql://host:port/db", "cannot be read"),
        ("mysql://host", "mysql://user:password@host"),
    ],
)
def test_a_bad_url_is_one_line(operator: Operator, tmp_path: Path, url: str, says: str) -> None:
    for end, pair in (("SOURCE", (url, sqlite_url(tmp_path / "t.db"))), ("TARGET", (operator.url, url))):
        said = operator.refused("storage", "copy", *pair)
        assert said.startswith(f"Error: {end}: ") and says in said


def test_two_copies_to_one_target_do_not_mix(operator: Operator, tmp_path: Path) -> None:
    target = sqlite_url(tmp_path / "target.db")
    with closing(store_at(target)) as store:
        store.jobs.begin("storage_copy", "somebody", time.time())
        said = operator.refused("storage", "copy", operator.url, target)
        assert "Another copy" in said and "Try again" in said
    assert contents(target) == ([], {})


def test_broken_off_it_says_what_was_done(tmp_path: Path) -> None:
    source, target = tmp_path / "source.db", tmp_path / "target.db"
    accounts = many(20_000)
    with closing(store_at(sqlite_url(source))) as store:
        store.accounts.restore(accounts, keep_ids=True)
    operator = Operator(tmp_path / "data")
    command = [FLASK, "storage", "copy", sqlite_url(source), sqlite_url(target)]
    copying = subprocess.Popen(
        command, cwd=ROOT, env=operator.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=_hears_ctrl_c,
    )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while _count(target) == 0:
            assert time.monotonic() < until and copying.poll() is None
            time.sleep(0.01)
        os.kill(copying.pid, signal.SIGINT)
        out, err = copying.communicate(timeout=60)
    finally:
        copying.kill()
        copying.wait()
    assert copying.returncode == 1 and out == ""
    assert "Traceback" not in err
    told = re.search(
        r"Broken off: at least (\d+) of 20000 accounts, 0 stored responses, 0 media, 0 keys, no settings, 0 actions, "
        r"0 counts and 0 logged requests were copied",
        err,
    )
    assert told is not None, err
    assert _count(target) - PAGE <= int(told[1]) <= _count(target), "the page at hand may be stored already"
    assert 0 < _count(target) < 20_000
    assert "--overwrite" in operator.refused("storage", "copy", sqlite_url(source), sqlite_url(target))
    operator.run("storage", "copy", sqlite_url(source), sqlite_url(target), "--overwrite")
    assert contents(sqlite_url(target)) == (accounts, {})


def _hears_ctrl_c() -> None:
    """As on a terminal: what a script starts in the background ignores the signal, and its children too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _count(path: Path) -> int:
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        try:
            [(count,)] = connection.execute("SELECT count(*) FROM accounts")
        except sqlite3.OperationalError:  # there is no such table yet
            return 0
        return int(count)


def test_each_end_may_have_a_key_of_its_own(operator: Operator, tmp_path: Path) -> None:
    accounts, settings = contents(operator.url)
    first, second = sqlite_url(tmp_path / "1.db"), sqlite_url(tmp_path / "2.db")
    answers = responses(9)
    with closing(store_at(operator.url)) as store:
        for answer in answers:
            store.responses.save(answer)
    operator.run("storage", "copy", operator.url, first, TARGET_SECRET_KEY="the key of the first")
    operator.run(
        "storage", "copy", first, second, SOURCE_SECRET_KEY="the key of the first", TARGET_SECRET_KEY="other"
    )
    assert contents(operator.url) == (accounts, settings)  # still without a key
    rested = [replace(account, in_flight=0) for account in accounts]
    assert contents(first, "the key of the first") == contents(second, "other") == (rested, settings)
    assert responses_at(first, "the key of the first") == responses_at(second, "other") == answers
    said = operator.refused("storage", "copy", first, operator.url, "--overwrite", SOURCE_SECRET_KEY="wrong")
    assert said.startswith("Error: SOURCE: SECRET_KEY is not the key")
    assert contents(operator.url) == (accounts, settings)


def test_a_key_cannot_be_written_on_the_command_line(operator: Operator) -> None:
    done = operator.try_("storage", "copy", "--target-key", "x", operator.url, "sqlite:////tmp/never.db")
    assert done.returncode == 2 and "No such option" in done.stderr
    assert "$TARGET_SECRET_KEY" in operator.run("storage", "copy", "--help")
