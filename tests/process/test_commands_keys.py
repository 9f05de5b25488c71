"""SECRET_KEY: nothing that is secret can be read in the file, wrong keys are refused, and keys are changed."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from werkzeug.security import check_password_hash

from grok2api.accounts import Tier
from grok2api.storage.base import StoredResponse
from grok2api.storage.vault import Vault
from tests.full import only_full
from tests.gateway import Gateway
from tests.process.flask_command import Operator, contents, store_at
from tests.simulator.client import Simulator

KEY, OTHER = "a key of the operator's", "another key altogether"
SECRETS = [f"sim-basic-ok-secret{n:05}" for n in range(400)]
CLEARANCE = "cloudflare-says-this-is-clear"
ANSWER = b"what the model has answered, and nobody else is to read"


def fill(operator: Operator, key: str = "", *, by_command: bool = False) -> None:
    if by_command:
        operator.run("accounts", "add", given="\n".join(SECRETS), SECRET_KEY=key)
    store = store_at(operator.url, key)
    if not by_command:
        store.accounts.add(SECRETS, Tier.BASIC, time.time())
    store.settings.save({"cf_clearance": CLEARANCE})
    store.responses.save(StoredResponse("resp_1", "owner", ANSWER, time.time() + 3600))
    store.close()


def answer(operator: Operator, key: str) -> bytes | None:
    """The body of the response that is stored there, if there is one."""
    with closing(store_at(operator.url, key)) as store:
        found = store.responses.get("resp_1", "owner", time.time())
    return found.body if found is not None else None


def readable(folder: Path) -> list[str]:
    """Which files of the database hold a secret or an answer in clear."""
    needles = [SECRETS[0], SECRETS[-1], "sim-basic-ok-secret001", CLEARANCE, *in_base64(ANSWER)]
    return [
        path.name
        for path in sorted(folder.iterdir())
        if any(needle.encode() in path.read_bytes() for needle in needles)
    ]


def in_base64(content: bytes) -> list[str]:
    """It and what it may look like within base64, whatever comes before."""
    texts = [base64.b64encode(b"." * before + content).decode()[4:-4] for before in range(3)]
    return [content.decode(), *texts]


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def everything_is_there(operator: Operator, key: str) -> None:
    accounts, settings = contents(operator.url, key)
    assert [account.secret for account in accounts] == SECRETS
    assert settings == {"cf_clearance": CLEARANCE}


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path / "data")


def test_with_a_key_from_the_start_nothing_can_be_read(operator: Operator) -> None:
    fill(operator, KEY, by_command=True)
    assert readable(operator.path.parent) == []
    everything_is_there(operator, KEY)
    assert answer(operator, KEY) == ANSWER


def test_nothing_can_be_read_while_a_gateway_writes(tmp_path: Path, simulator: Simulator) -> None:
    with Gateway(tmp_path / "data", simulator.url, SECRET_KEY=KEY) as gateway:
        gateway.admin("/api/tokens/add", {"tokens": SECRETS, "token_type": "sso"})
        gateway.set_settings(cf_clearance=CLEARANCE)
        assert gateway.answer("Hello")
        names = {path.name for path in gateway.data_dir.iterdir()}
        assert "grok2api.db-wal" in names
        assert readable(gateway.data_dir) == []
    assert SECRETS[0] not in gateway.log() and CLEARANCE not in gateway.log()


def test_a_key_set_later_encrypts_what_is_there(operator: Operator) -> None:
    fill(operator)
    assert readable(operator.path.parent) != []
    assert "400 accounts" in operator.run("accounts", "list", SECRET_KEY=KEY)
    assert readable(operator.path.parent) == []
    everything_is_there(operator, KEY)
    assert answer(operator, KEY) is None


@pytest.mark.parametrize("old", ["", OTHER])
def test_no_old_copy_of_a_secret_stays_in_the_files(operator: Operator, old: str) -> None:
    """Not of accounts that were deleted either, nor where an older release deleted them; before the storage is
    closed as well as after."""
    secrets = [f"long-secret-{n:04}-{'x' * (n % 7 * 40)}" for n in range(1000)]
    store = store_at(operator.url, old)
    store.accounts.add(secrets, Tier.BASIC, 1.0)
    sealed = [bytes(row[0], "ascii") for row in rows(operator, "SELECT secret FROM accounts")]
    ids = store.accounts.find(secrets[::2])
    store.accounts.delete(list(ids.values()))
    with closing(sqlite3.connect(operator.path)) as older:
        older.execute("PRAGMA secure_delete=OFF")
        older.execute("PRAGMA foreign_keys=ON")
        older.execute("DELETE FROM accounts WHERE id > 800")
        older.commit()
    store.reseal(Vault(KEY))
    for closed in (False, True):
        if closed:
            store.close()
        content = b"".join(path.read_bytes() for path in operator.path.parent.iterdir())
        assert [one for one in secrets if one.encode() in content] == []
        assert [one for one in sealed if one in content] == []
    left = contents(operator.url, KEY)[0]
    assert [account.secret for account in left] == secrets[1:800:2]


def rows(operator: Operator, query: str) -> list[tuple[str]]:
    with closing(sqlite3.connect(operator.path)) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize("environ", [{}, {"SECRET_KEY": OTHER}, only_full({"SECRET_KEY": KEY.upper()})])
def test_a_wrong_or_missing_key_is_refused_and_nothing_touched(
    operator: Operator, environ: dict[str, str]
) -> None:
    fill(operator, KEY)
    before = digests(operator.path.parent)
    for words in (("accounts", "list"), ("accounts", "add"), ("storage", "rekey", "--none")):
        said = operator.refused(*words, given=SECRETS[0], status=4, **environ)
        assert said.startswith("grok2api: SECRET_KEY is not")
    assert digests(operator.path.parent) == before
    everything_is_there(operator, KEY)


def test_another_key_takes_the_place_of_the_first(operator: Operator) -> None:
    fill(operator, KEY)
    said = operator.run("storage", "rekey", SECRET_KEY=KEY, NEW_SECRET_KEY=f" {OTHER} ")
    assert "Restart" in said and OTHER not in said
    everything_is_there(operator, OTHER)
    assert answer(operator, OTHER) is None
    assert "is not the key" in operator.refused("accounts", "list", status=4, SECRET_KEY=KEY)
    added = operator.run("accounts", "add", given=SECRETS[0], SECRET_KEY=OTHER)
    assert added.startswith("0 added, 1 known already")
    assert readable(operator.path.parent) == []


def test_encryption_can_be_begun_and_ended(operator: Operator) -> None:
    fill(operator)
    operator.run("storage", "rekey", NEW_SECRET_KEY=KEY)
    assert readable(operator.path.parent) == []
    everything_is_there(operator, KEY)
    assert "without SECRET_KEY" in operator.run("storage", "rekey", "--none", SECRET_KEY=KEY)
    everything_is_there(operator, "")


def test_what_makes_no_sense_is_refused(operator: Operator) -> None:
    fill(operator, KEY)
    assert "present key" in operator.refused("storage", "rekey", SECRET_KEY=KEY, NEW_SECRET_KEY=f"{KEY} ")
    assert "empty" in operator.refused("storage", "rekey", SECRET_KEY=KEY, NEW_SECRET_KEY="  ")
    assert operator.try_("storage", "rekey", "--none", SECRET_KEY=KEY, NEW_SECRET_KEY=OTHER).returncode == 2
    assert operator.try_("storage", "rekey", "--new-key", OTHER, SECRET_KEY=KEY).returncode == 2
    everything_is_there(operator, KEY)


def test_the_new_key_is_read_from_a_pipe(operator: Operator) -> None:
    fill(operator)
    assert "do not match" in operator.refused("storage", "rekey", given=f"{OTHER}\n{KEY}\n")
    assert "there was none" in operator.refused("storage", "rekey", given="\n")
    everything_is_there(operator, "")
    operator.run("storage", "rekey", given=f"{OTHER}\n")
    everything_is_there(operator, OTHER)
    operator.run("admin", "set-password", given="open sesame\r\n", SECRET_KEY=OTHER)
    hashed = contents(operator.url, OTHER)[1]["admin_password"]
    assert check_password_hash(str(hashed), "open sesame")


def test_a_weak_key_is_warned_of(operator: Operator) -> None:
    fill(operator)
    done = operator.try_("storage", "rekey", NEW_SECRET_KEY="short")
    assert done.returncode == 0 and "Warning" in done.stderr
    everything_is_there(operator, "short")
