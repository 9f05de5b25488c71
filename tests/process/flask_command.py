"""`flask …` as an operator runs it: a process of its own in the checkout."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from flask import Flask

from grok2api.accounts import Account
from grok2api.env import Env
from grok2api.storage import open_store
from grok2api.storage.base import Store
from tests.gateway import ROOT, clean_environ

FLASK = str(Path(sys.executable).with_name("flask"))
POOLS = ("default", "heavy")


class Operator:
    """Runs commands over the SQLite file in `data_dir`, unless `environ` says otherwise."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self.path = data_dir / "grok2api.db"
        self.url = f"sqlite:///{self.path}"
        self.environ = clean_environ(GROK2API_DATA_DIR=str(data_dir), **environ)

    def try_(self, *words: object, given: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [FLASK, *map(str, words)],
            cwd=ROOT,
            env=self.environ | environ,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def run(self, *words: object, given: str = "", **environ: str) -> str:
        """Standard output of a command that must succeed."""
        done = self.try_(*words, given=given, **environ)
        assert done.returncode == 0, done
        assert "Traceback" not in done.stderr, done
        return done.stdout

    def refused(self, *words: object, given: str = "", status: int = 1, **environ: str) -> str:
        """What a command says that must fail, in its one line."""
        done = self.try_(*words, given=given, **environ)
        assert done.returncode == status, done
        lines = done.stderr.splitlines()
        assert len(lines) == 1, done
        return lines[0]


def store_at(url: str, key: str = "") -> Store:
    """The storage that a URL names, to be closed."""
    modes = {"sqlite": "file", "mysql": "mysql", "redis": "redis", "rediss": "redis"}
    env = Env(storage_mode=modes[url.partition(":")[0]], database_url=url, secret_key=key)
    return open_store(Flask("test"), env, POOLS)


def contents(url: str, key: str = "") -> tuple[Sequence[Account], dict[str, object]]:
    """All accounts and settings of a storage."""
    store = store_at(url, key)
    try:
        return store.accounts.walk(0, 1_000_000), store.settings.load().values
    finally:
        store.close()
