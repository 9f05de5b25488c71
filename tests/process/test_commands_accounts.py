"""`flask accounts export` and `import`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from grok2api.accounts import Tier
from tests.contract.dealings import NOW
from tests.contract.test_restore import at_rest, lived
from tests.process.flask_command import Operator, contents, store_at


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
