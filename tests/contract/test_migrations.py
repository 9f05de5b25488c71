"""The SQL schema: made once, upgraded without loss, refused when it is not ours."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from grok2api.accounts import Outcome, Tier
from grok2api.env import Env
from grok2api.errors import ConfigurationError
from grok2api.storage.base import AdminSession
from grok2api.storage.sql.migrations import revisions
from grok2api.storage.sql.tables import Base
from tests.contract import workers
from tests.contract.dealings import (
    ANY,
    NOW,
    account,
    add,
    chosen,
    describe,
    set_quota,
    take,
    use,
    wanting,
)
from tests.contract.places import FilePlace, open_at
from tests.contract.upgrades import SCHEMAS, verify_upgraded
from tests.gateway import ROOT, clean_environ


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def refusal(env: Env) -> str:
    """The one line that the place is refused with."""
    with pytest.raises(ConfigurationError) as caught:
        open_at(env)
    message = str(caught.value)
    assert message and "\n" not in message
    return message


def test_a_fresh_database_equals_the_models(file: FilePlace) -> None:
    file.open()
    engine = create_engine(f"sqlite:///{file.path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()
    assert file.rows("SELECT version_num FROM alembic_version") == [(revisions()[-1],)]


def test_the_revisions_follow_each_other_as_they_are_numbered() -> None:
    script = ScriptDirectory(str(ROOT / "grok2api" / "storage" / "sql"))
    assert [one.revision for one in script.walk_revisions()] == revisions()[::-1] != []


def test_opening_again_changes_nothing(file: FilePlace) -> None:
    add(file.open(), 3)
    before = dump(file.path)
    file.open()
    assert dump(file.path) == before


def test_processes_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    file = FilePlace(tmp_path / "not" / "there" / "yet")
    workers.in_processes(4, workers.open_and_close, file.env)
    assert file.rows("SELECT version_num FROM alembic_version") == [(revisions()[-1],)]
    with closing(open_at(file.env)) as store:
        assert chosen(store) is None


@pytest.mark.parametrize("schema", sorted(SCHEMAS.glob("*.sql")), ids=lambda path: path.stem)
def test_an_older_database_is_upgraded_without_loss(file: FilePlace, schema: Path) -> None:
    file.path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(file.path)) as connection:
        connection.executescript(schema.read_text("utf-8"))
    store = file.open()
    assert file.rows("SELECT version_num FROM alembic_version") == [(revisions()[-1],)]
    verify_upgraded(store)


def test_there_is_a_dump_of_every_schema_but_the_newest() -> None:
    versions = ROOT / "grok2api" / "storage" / "sql" / "versions"
    revisions = sorted(path.name.split("_")[0] for path in versions.glob("0*.py"))
    dumps = [path.stem for path in SCHEMAS.glob("*.sql")]
    assert set(revisions[:-1]) <= set(dumps) <= set(revisions)


def test_a_newer_releases_database_is_refused_and_left_untouched(file: FilePlace) -> None:
    with closing(open_at(file.env)) as store:
        add(store, 1)
    with file.sql() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = dump(file.path)
    assert "newer release (schema 9999)" in refusal(file.env)
    assert dump(file.path) == before


def test_a_directory_in_place_of_the_file_is_refused(file: FilePlace) -> None:
    file.path.mkdir(parents=True)
    assert str(file.path) in refusal(file.env)


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a directory")
    assert "GROK2API_DATA_DIR" in refusal(Env(data_dir=tmp_path / "data"))


@pytest.mark.parametrize("content", [b"not a database " * 500, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_corrupt_file_is_refused_and_left_untouched(file: FilePlace, content: bytes) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    assert str(file.path) in refusal(file.env)
    assert file.path.read_bytes() == content


def test_a_database_of_something_else_is_refused(file: FilePlace) -> None:
    file.path.parent.mkdir()
    with file.sql() as connection:
        connection.execute("CREATE TABLE accounts (name TEXT)")
    before = dump(file.path)
    assert str(file.path) in refusal(file.env)
    assert dump(file.path) == before


@pytest.mark.parametrize("part", ["directory", "file"])
def test_what_cannot_be_written_to_is_refused(part: str) -> None:
    with TemporaryDirectory() as top:
        folder = Path(top) / "data"
        open_at(Env(data_dir=folder)).close()
        Path(top).chmod(0o755)
        (folder if part == "directory" else folder / "grok2api.db").chmod(
            0o555 if part == "directory" else 0o444
        )
        said = _as_nobody(folder)
        folder.chmod(0o755)
    assert "cannot be written to" in said and said.count("\n") == 1


#: Root may write anywhere, so another user tries.
_OPEN = """
import os, sys
from pathlib import Path
import grok2api.storage.sql.sqlite
from grok2api.env import Env
from grok2api.errors import ConfigurationError
from tests.contract.places import open_at
if os.geteuid() == 0:
    os.setuid(65534)
try:
    open_at(Env(data_dir=Path(sys.argv[1])))
except ConfigurationError as error:
    print(error)
"""


def _as_nobody(folder: Path) -> str:
    """What a user without rights is told when opening the place."""
    command = [sys.executable, "-c", _OPEN, str(folder)]
    ran = subprocess.run(command, cwd=ROOT, env=clean_environ(), capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def write_dump(path: Path, folder: Path) -> None:
    """How the dumps in `schemas/` are made: this release's schema with a little of everything in it."""
    file = FilePlace(folder)
    with closing(open_at(file.env)) as store:
        (basic,) = add(store, 1)
        (super_,) = add(store, 1, Tier.SUPER)
        describe(store, basic, "bought in May", ("may",))
        set_quota(store, [basic], "default", 10, now=NOW)
        use(store, Outcome.SUCCESS)
        use(store, Outcome.SUCCESS)
        use(store, Outcome.RATE_LIMITED, wanting(exclude=(basic,)))
        assert account(store, super_).failed_count == 1
        take(store, ANY)
        store.settings.save({"image_mode": "url", "stream_chunk_timeout": 120})
        store.settings.keep("session_key", "kept")
        store.sessions.create(AdminSession("d" * 64, "admin", "csrf", NOW, NOW))
    path.write_text("\n".join(dump(file.path)) + "\n", "utf-8")
    shutil.rmtree(folder)
