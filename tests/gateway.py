"""The gateway as real processes, for tests: `Gateway` runs `python -m grok2api` and speaks to it."""

from __future__ import annotations

import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import requests

from grok2api.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
START_S = 30.0
#: As containers and systemd start it; `make run` looks at everything first, which takes as long as a worker's start.
DEPLOYED = ("-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app")
BY_HAND = ("-m", "grok2api")
#: A change of settings is promised to hold everywhere within a second.
SETTINGS_FRESH_S = 1.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environ(**values: str) -> dict[str, str]:
    """This process's environment without what would change the gateway, plus `values`."""
    ours: tuple[str, ...] = ("GROK2API_", "STORAGE_", "DATABASE_URL", "SECRET_KEY", "ADMIN_PASSWORD")
    ours += ("HOST", "PORT", "WEB_CONCURRENCY", "WORKER_CONNECTIONS", "GUNICORN_", "TRUSTED_PROXIES", "LOG_")
    ours += ("FLASK_", "PROMETHEUS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | values


class Gateway:
    """Two workers over SQLite in `data_dir`, unless told otherwise; for use in a `with` statement. command: of Python.

    Everything that it logs is in `log_path`.
    """

    def __init__(
        self,
        data_dir: Path,
        upstream_url: str,
        *,
        workers: int = 2,
        command: Sequence[str] = DEPLOYED,
        **environ: str,
    ) -> None:
        self.data_dir = data_dir
        self.port = int(environ.pop("PORT", "") or free_port())
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = data_dir.parent / f"gateway-{self.port}.log"
        self.environ = clean_environ(
            GROK2API_DATA_DIR=str(data_dir),
            GROK2API_UPSTREAM_URL=upstream_url,
            GROK2API_ASSETS_URL=upstream_url,
            PORT=str(self.port),
            WEB_CONCURRENCY=str(workers),
            **environ,
        )
        self.session = requests.Session()
        self.session.trust_env = False
        self.token = ""
        self._changed: dict[str, object] = {}
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command], cwd=ROOT, env=self.environ, stdout=log, stderr=log
            )
        try:
            self._wait_ready()
        except BaseException:
            self.kill()
            raise

    def _wait_ready(self) -> None:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                if self.session.get(f"{self.url}/health", timeout=5).ok:
                    return
            except (requests.ConnectionError, requests.Timeout):
                time.sleep(0.05)
        raise RuntimeError(f"the gateway did not start:\n{self.log()}")

    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace")

    def worker_pids(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def stop(self, timeout_s: float = 30.0) -> int:
        """SIGTERM: streams are finished first. Returns the exit status."""
        self.session.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=timeout_s)

    def kill(self) -> None:
        """End it at once; streams break."""
        self.session.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.kill()
        if error is not None:
            error.add_note(f"The gateway logged:\n{self.log()[-6000:]}")

    # --- as its users ---

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        return self.session.post(self.url + path, json=body, headers=headers, timeout=60)

    def admin(self, path: str, body: Any) -> Any:
        """POST to the admin API as the operator; the answer's `data`."""
        if not self.token:
            login = self.post("/api/login", {"username": "admin", "password": "admin"})
            self.token = login.json()["token"]
        answer = self.post(path, body, Authorization=f"Bearer {self.token}")
        assert answer.ok, answer.text
        return answer.json().get("data")

    def get_admin(self, path: str) -> Any:
        """GET from the admin API as the operator; the whole answer."""
        if not self.token:
            self.admin("/api/settings", {})
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.session.get(self.url + path, headers=headers, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def kill_worker(self, chance: random.Random) -> None:
        """kill -9 one of the workers; gunicorn starts another."""
        if pids := self.worker_pids():
            os.kill(chance.choice(pids), signal.SIGKILL)

    def set_accounts(self, basic: Sequence[str] = (), super_: Sequence[str] = ()) -> None:
        """Have exactly these accounts, as new, but that the schedule leaves them alone: what it finds makes failures
        forgotten."""
        self.sql("DELETE FROM accounts")
        for secrets, kind in ((basic, "sso"), (super_, "ssoSuper")):
            if secrets:
                self.admin("/api/tokens/add", {"tokens": list(secrets), "token_type": kind})
        self.sql(f"UPDATE accounts SET checked_at = {time.time() - 60}")

    def set_settings(self, **values: object) -> None:
        """Change settings for this test; they hold on every worker when this returns."""
        self._save_settings(values)
        self._changed.update(values)
        time.sleep(SETTINGS_FRESH_S)

    def _save_settings(self, values: Mapping[str, object]) -> None:
        scopes = {setting.name: setting.scope for setting in SETTINGS}
        document: dict[str, dict[str, object]] = {"global_config": {}, "grok_config": {}}
        for name, value in values.items():
            document[f"{scopes[name]}_config"][name] = value
        self.admin("/api/settings", document)

    def restore_settings(self) -> None:
        """Put what `set_settings` changed back to its defaults."""
        if self._changed:
            defaults = {setting.name: setting.default for setting in SETTINGS}
            self._save_settings({name: defaults[name] for name in self._changed})
            self._changed.clear()
            time.sleep(SETTINGS_FRESH_S)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement on the database file, from outside."""
        connection = sqlite3.connect(self.data_dir / "grok2api.db", timeout=10)
        try:
            connection.execute("PRAGMA foreign_keys=ON")
            with connection:
                return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def chat(
        self, prompt: str, *, stream: bool = False, model: str = "grok-4.1", **more: Any
    ) -> requests.Response:
        """POST /v1/chat/completions with one user message; a streamed response is to be read and closed."""
        body = {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": stream, **more}
        return self.session.post(f"{self.url}/v1/chat/completions", json=body, stream=stream, timeout=60)

    def answer(self, prompt: str, **more: Any) -> str:
        """The text of a chat's answer, which must succeed."""
        response = self.chat(prompt, **more)
        assert response.status_code == 200, response.text
        text: str = response.json()["choices"][0]["message"]["content"]
        return text


def events(response: requests.Response) -> list[Any]:
    """The data of a stream's events, parsed strictly: JSON objects, and "[DONE]". Comments are left out."""
    found: list[Any] = []
    for block in response.content.decode("utf-8").split("\n\n")[:-1]:
        if block.startswith(":"):
            continue
        assert block.startswith("data: "), block
        assert "\n" not in block, block
        data = block.removeprefix("data: ")
        found.append(data if data == "[DONE]" else orjson.loads(data))
    return found


def text_of(found: Sequence[Any]) -> str:
    """The answer's text in a stream's events."""
    deltas = [c["delta"] for chunk in found if isinstance(chunk, dict) for c in chunk.get("choices", ())]
    return "".join(delta.get("content") or "" for delta in deltas)
