"""Programs that the tests need, from Debian's packages."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path
from tempfile import gettempdir

import pytest

_LOCK = Path(gettempdir()) / "grok2api-tests-apt.lock"
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"))


def need(binary: str, package: str) -> str:
    """The path of a program. When it is missing and we are root on Debian, its package is installed; where that
    is impossible, the test is skipped, which CI takes as a failure."""
    found = shutil.which(binary, path=_PATH)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        with _LOCK.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # several processes run the tests
            found = shutil.which(binary, path=_PATH) or _install(binary, package)
    if found is None:
        pytest.skip(f"{binary} IS MISSING. Install it: sudo apt-get install {package}")
    return found


def _install(binary: str, package: str) -> str | None:
    # The package's own service is not wanted: RUNLEVEL=1 keeps invoke-rc.d from starting it.
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
    ):
        subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=600)
    return shutil.which(binary, path=_PATH)
