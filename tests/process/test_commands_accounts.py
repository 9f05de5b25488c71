"""`flask accounts export` and `import`."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from grok2api.accounts import Account, Tier
from tests.contract.dealings import NOW
from tests.contract.test_restore import at_rest, lived
from tests.gateway import ROOT
from tests.process.flask_command import FLASK, Operator, contents, store_at


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """Over seven accounts that have seen something."""
    made = Operator(tmp_path / "data")
    store = store_at(made.url)
    lived(store)
    store.close()
    return made


def test_an_export_is_imported_with_all_that_is_known(operator: Operator, tmp_path: Path) -> None:
    before, _ = contents(operator.url)
    file = tmp_path / "accounts.json"
    assert operator.run("accounts", "export", file) == ""
    assert file.stat().st_mode & 0o777 == 0o600
    other = Operator(tmp_path / "other")
    other.run("accounts", "add", given="something-else\n")  # so that the ids are others
    assert other.run("accounts", "import", file) == "7 added, 0 known already, 0 moved, 0 invalid.\n"
    after, _ = contents(other.url)
    assert [replace(one, id=0) for one in after[1:]] == [replace(one, id=0) for one in at_rest(list(before))]
    assert other.run("accounts", "import", file) == "0 added, 7 known already, 0 moved, 0 invalid.\n"


def test_standard_output_and_input_do_as_well(operator: Operator, tmp_path: Path) -> None:
    exported = operator.run("accounts", "export")
    assert len(json.loads(exported)["accounts"]) == 7
    other = Operator(tmp_path / "other")
    assert other.run("accounts", "import", "-", given="\ufeff" + exported).startswith("7 added")


def test_a_file_that_exists_is_kept_unless_told(operator: Operator, tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    file.write_text("precious")
    assert "--force" in operator.refused("accounts", "export", file)
    assert file.read_text() == "precious"
    operator.run("accounts", "export", file, "--force")
    assert len(json.loads(file.read_text())["accounts"]) == 7
    assert file.stat().st_mode & 0o077 == 0
    assert "no ordinary file" in operator.refused("accounts", "export", "/dev/null", "--force")
    assert "nowhere" in operator.refused("accounts", "export", tmp_path / "nowhere" / "file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accounts.json", "data"]


def test_lines_by_tier(operator: Operator, tmp_path: Path) -> None:
    everyone = operator.run("accounts", "export", "--format", "lines").split()
    supers = operator.run("accounts", "export", "--format", "lines", "--tier", "super")
    assert len(everyone) == 7 and supers == "super-000000\n"
    other = Operator(tmp_path / "other")
    assert other.run("accounts", "import", "-", "--super", given=supers).startswith("1 added")
    assert contents(other.url)[0][0].tier is Tier.SUPER
    assert other.try_("accounts", "import", "-", "--super", given="{}").returncode == 2


def test_bad_records_are_named_and_left_out(operator: Operator, tmp_path: Path) -> None:
    good = {"secret": "a-good-new-secret", "created_at": NOW}
    records = [good, *({"secret": "a-bad-new-secret", "tier": "gold"} for _ in range(30))]
    file = tmp_path / "mixed.json"
    file.write_text(json.dumps({"format": "grok2api-accounts", "version": 1, "accounts": records}))
    done = operator.try_("accounts", "import", file)
    assert done.returncode == 1
    assert done.stdout == "1 added, 0 known already, 0 moved, 30 invalid.\n"
    lines = done.stderr.splitlines()
    assert lines[0].endswith("mixed.json: account 2: tier must be one of basic, super; left out")
    assert lines[-1] == "… and 10 more"
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [("{", "is not JSON"), ("[]", "is not an export"), ('{"ssoNormal": {"x": {}}}', "import-legacy")],
)
def test_what_is_no_export_is_one_line(operator: Operator, content: str, says: str) -> None:
    assert says in operator.refused("accounts", "import", "-", given=content)
    assert len(contents(operator.url)[0]) == 7


def test_bytes_that_are_no_text_are_one_line(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"\xff\xfe\x00")
    assert "not a UTF-8 text" in operator.refused("accounts", "import", tmp_path / "noise")


@pytest.mark.parametrize("words", [("export",), ("export", "--format", "lines"), ("list",), ("add",)])
def test_a_full_disk_behind_standard_output_is_one_line(operator: Operator, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [FLASK, "accounts", *words], cwd=ROOT, env=operator.environ, stdin=subprocess.DEVNULL, stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "Error: Reading or writing failed (No space left on device).\n"


def test_a_reader_that_has_seen_enough_is_no_error(operator: Operator) -> None:
    with closing(store_at(operator.url)) as store:
        store.accounts.add([f"one-of-many-{n:05}" for n in range(3000)], Tier.BASIC, NOW)
    for command in ("export", "list"):
        with subprocess.Popen(
            [FLASK, "accounts", command],
            cwd=ROOT,
            env=operator.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as running:
            assert running.stdout is not None and running.stderr is not None
            assert running.stdout.readline()
            running.stdout.close()
            assert running.stderr.read() == b""


def test_lines_that_hold_no_secret_are_named_by_their_numbers(operator: Operator) -> None:
    lines = ["good-secret-number-1", "", "my password!", "good-secret-number-2", *["not a secret"] * 30]
    for command in (("add",), ("import", "-")):
        done = operator.try_("accounts", *command, given="\r\n".join(lines))
        assert done.returncode == 1 and done.stdout.endswith("31 invalid.\n")
        said = done.stderr.splitlines()
        assert said[0] == "<stdin>: line 3: is not an sso cookie; left out"
        assert said[-1] == "… and 11 more"
        assert "password" not in done.stderr


def test_an_export_is_not_added_as_lines(operator: Operator, tmp_path: Path) -> None:
    before = contents(operator.url)
    file = tmp_path / "token.json"
    file.write_text(json.dumps({"ssoNormal": {"a-secret": {"tags": ["not-a-secret"]}}}, indent=2))
    assert "accounts import" in operator.refused("accounts", "add", file)
    assert "import-legacy" in operator.refused("accounts", "import", file)
    assert contents(operator.url) == before


def test_what_is_listed_cannot_take_over_the_terminal(operator: Operator) -> None:
    account = Account(0, "of-somebody-else", Tier.BASIC, NOW, last_failure_reason="\x1b]0;x\x07\r\nhello")
    with closing(store_at(operator.url)) as store:
        store.accounts.restore([account])
    listed = operator.run("accounts", "list")
    assert "hello" in listed and not any(control in listed for control in "\x1b\x07\r")
