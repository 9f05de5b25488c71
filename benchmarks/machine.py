"""On what was measured, in one sentence."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from benchmarks.nginx import binary

_PACKAGES = ("gevent", "gunicorn", "requests", "urllib3")


def machine(rounds: int) -> str:
    today = datetime.datetime.now(tz=datetime.UTC).date()
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    return (
        f"Measured on {today.day} {today:%B %Y} on {os.cpu_count()} cores of {_processor()}, "
        f"{platform.system()} {_kernel()}, Python {platform.python_version()}, {packages}, nginx {_nginx()}; "
        f"{rounds} {'round' if rounds == 1 else 'rounds'}."
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _kernel() -> str:
    """Without what its builder added."""
    return platform.release().partition("-")[0]


def _nginx() -> str:
    said = subprocess.run([binary(), "-v"], capture_output=True, text=True, timeout=10).stderr
    match = re.search(r"nginx/(\S+)", said)
    return match[1] if match else "?"
