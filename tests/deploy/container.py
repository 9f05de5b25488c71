"""The image as a running container; see image.py beside this."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tests.debian import need
from tests.deploy.image import command_of, environment, user, value_of
from tests.gateway import ROOT, free_port

START_S = 60.0


class Container:
    """For use in a `with` statement. folder: an empty one; its `data` and `logs` are the volumes, `output` is what was
    printed. environ: beside that of the image."""

    def __init__(self, folder: Path, **environ: str) -> None:
        unshare = [need("unshare", "util-linux"), "--mount", "--pid", "--fork", "--kill-child"]
        if os.geteuid() != 0 or subprocess.run([*unshare, "true"], capture_output=True).returncode:
            pytest.skip("MOUNT AND PID NAMESPACES CANNOT BE MADE. Run the tests as root")
        self.data, self.logs, self.output = folder / "data", folder / "logs", folder / "output"
        self.data.mkdir()
        self.logs.mkdir()
        self.url = f"http://127.0.0.1:{free_port()}"
        self._more = environ | {"PORT": self.url.rpartition(":")[2]}
        pairs = [f"{name}={value}" for name, value in self._more.items()]
        command = [*unshare, sys.executable, "-m", "tests.deploy.image", str(self.data), str(self.logs)]
        with self.output.open("wb") as output:
            self._process = subprocess.Popen([*command, *pairs], cwd=ROOT, stdout=output, stderr=output)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()  # and with it process 1, and with that all of the container
            self._process.wait()
        if error is not None:
            error.add_note(f"The container printed:\n{self.output.read_text('utf-8', 'replace')[-4000:]}")

    def pid(self) -> int:
        """Of its process 1, as this machine numbers it."""
        parent = self._process.pid
        (child,) = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return int(child)

    def execute(self, command: Sequence[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command in it, as `docker exec` would."""
        uid, gid = user()
        inside = [need("nsenter", "util-linux"), f"--target={self.pid()}", "--mount", "--pid", "--root"]
        inside += ["--wd", f"--setuid={uid}", f"--setgid={gid}", "env", "-i"]
        pairs = [f"{name}={value}" for name, value in (environment() | self._more).items()]
        return subprocess.run(
            [*inside, *pairs, *command], input=stdin, capture_output=True, text=True, timeout=60
        )

    def wait_healthy(self) -> None:
        until = time.monotonic() + START_S
        check = command_of("HEALTHCHECK")
        while time.monotonic() < until and self._process.poll() is None:
            if self._listens() and self.execute(check).returncode == 0:
                return
            time.sleep(0.1)
        raise RuntimeError("the container does not get healthy")

    def _listens(self) -> bool:
        """Before that it is not yet made."""
        listening = f":{int(self.url.rpartition(':')[2]):04X} 00000000:0000 0A"
        return listening in Path("/proc/net/tcp").read_text()

    def stop(self, timeout_s: float = 30) -> int:
        """As `docker stop`. Its exit status."""
        os.kill(self.pid(), signal.Signals[value_of("STOPSIGNAL")])
        return self._process.wait(timeout_s)
