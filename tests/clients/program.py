"""`Program` runs a client in its own environment; `Client` has it do one case against a gateway."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.gateway import ROOT, clean_environ

#: For one case. The first one also waits for the client to be imported.
ANSWER_S = 60.0
#: What would change a client, or have it call somebody else.
_THEIRS = ("OPENAI_", "LANGCHAIN_", "LANGSMITH_", "LITELLM_", "LLM_", "AI_", "PYTHON")


class Program:
    """A client that waits for cases, for use in a `with` statement. home: a folder that it may use as its own."""

    def __init__(self, command: Sequence[str], home: Path) -> None:
        self.log_path = home / "client.log"
        environ = {name: value for name, value in clean_environ().items() if not name.startswith(_THEIRS)}
        environ |= {"HOME": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "DO_NOT_TRACK": "1"}
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        self._unread = b""

    def ask(self, case: str, **asked: object) -> dict[str, Any]:
        """What the runner tells of one case."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"case": case, **asked}).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise RuntimeError(f"the client has ended:\n{self.log()}") from None
        answer: dict[str, Any] = json.loads(self._line(case))
        return answer

    def _line(self, case: str) -> bytes:
        assert self.process.stdout is not None
        until = time.monotonic() + ANSWER_S
        while b"\n" not in self._unread:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise TimeoutError(f"no answer to {case} in {ANSWER_S:.0f} s:\n{self.log()}")
            got = os.read(self.process.stdout.fileno(), 65536)
            if not got:
                raise RuntimeError(f"the client ended during {case}:\n{self.log()}")
            self._unread += got
        line, self._unread = self._unread.split(b"\n", 1)
        return line

    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace")[-6000:]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True)
class Failure:
    """What a client raised. classes: its own first, then those it derives from."""

    classes: tuple[str, ...]
    status: int | None
    code: str | None
    message: str
    traceback: str


@dataclass(frozen=True)
class Client:
    """A running client and the gateway that it is to speak to."""

    program: Program
    url: str
    key: str

    def sees(self, case: str, prompt: str = "", **asked: object) -> dict[str, Any]:
        """What it sees in a case that must succeed, and that it must not complain of."""
        seen = self.sees_and_says(case, prompt, **asked)
        assert seen.pop("warnings") == [], case
        return seen

    def sees_and_says(self, case: str, prompt: str = "", **asked: object) -> dict[str, Any]:
        """The same where it may complain, in `warnings`."""
        seen = self._ask(case, prompt, **asked)
        assert "error" not in seen, f"{case} failed:\n{seen['error']['traceback']}"
        return seen

    def fails(self, case: str, prompt: str = "", **asked: object) -> Failure:
        """What it raises in a case that must fail."""
        seen = self._ask(case, prompt, **asked)
        assert "error" in seen, f"{case} was to fail; it saw {seen}"
        error = seen["error"]
        return Failure(
            tuple(error["classes"]), error["status"], error["code"], error["message"], error["traceback"]
        )

    def _ask(self, case: str, prompt: str, **asked: object) -> dict[str, Any]:
        asked = {"url": self.url, "key": self.key, "model": "grok-4.1", "prompt": prompt} | asked
        return self.program.ask(case, **asked)
