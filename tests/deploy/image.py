"""The Dockerfile without an engine: its last stage is carried out in namespaces of this machine.

`python -m tests.deploy.image DATA LOGS NAME=VALUE…`, started by root as process 1 of its own mount and pid namespaces,
makes a root file system of what the stage's COPY brings and its RUN does, makes it read-only but for /tmp and the two
volumes, and becomes the stage's CMD, as its USER and with its ENV. For the base image stand /usr and /etc of this
machine, for the packages that the first stage installs the virtual environment that runs this.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dockerfile_parse import DockerfileParser

from tests.gateway import ROOT

DOCKERFILE = ROOT / "Dockerfile"
#: What the base image has set.
_BASE_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"


class Step(NamedTuple):
    instruction: str
    value: str


def last_stage() -> list[Step]:
    """Its instructions, without FROM and comments; lines that go on are joined."""
    parsed = DockerfileParser(str(DOCKERFILE), env_replace=False).structure
    steps = [Step(one["instruction"], one["value"]) for one in parsed if one["instruction"] != "COMMENT"]
    starts = [number for number, step in enumerate(steps) if step.instruction == "FROM"]
    return steps[starts[-1] + 1 :]


def value_of(instruction: str) -> str:
    """Of the one instruction of this name in the last stage."""
    (value,) = (step.value for step in last_stage() if step.instruction == instruction)
    return value


def command_of(instruction: str) -> list[str]:
    """CMD or HEALTHCHECK, which have to be in exec form."""
    command: list[str] = json.loads(re.sub(r"^.*?(?=\[)", "", value_of(instruction)))
    return command


def environment() -> dict[str, str]:
    found = {"PATH": _BASE_PATH}
    for step in last_stage():
        if step.instruction == "ENV":
            for pair in shlex.split(step.value):
                name, _, value = pair.partition("=")
                found[name] = value.replace("$PATH", found["PATH"])
    return found


def user() -> tuple[int, int]:
    uid, gid = value_of("USER").split(":")
    return int(uid), int(gid)


def volumes() -> list[str]:
    found: list[str] = json.loads(value_of("VOLUME"))
    return found


# --- the context: what .dockerignore lets in ---


def ignored(path: str) -> bool:
    """Whether a file of the checkout is kept from the build. The last pattern that fits it, or a folder above it,
    decides."""
    result = False
    parts = path.split("/")
    above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip()
        if pattern and not pattern.startswith("#"):
            expression = _expression(pattern.removeprefix("!").strip("/"))
            if any(expression.fullmatch(one) for one in above):
                result = not pattern.startswith("!")
    return result


def _expression(pattern: str) -> re.Pattern[str]:
    """`*` is anything within a name, `**/` any folders."""
    words = re.split(r"(\*\*/|\*)", pattern)
    return re.compile("".join({"**/": "(?:.*/)?", "*": "[^/]*"}.get(word, re.escape(word)) for word in words))


def context() -> Iterator[str]:
    """Its files, as paths below the checkout."""
    for folder, names, files in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        names[:] = [name for name in names if name not in (".git", ".venv")]
        yield from (path for name in files if not ignored(path := str(here / name)))


def copy(words: list[str], workdir: str, root: Path) -> None:
    """COPY of files, or of folders that end in a slash, from the context."""
    *sources, target = words
    place = root / (Path(workdir) / target).relative_to("/")
    files = list(context())
    for source in sources:
        folder = source.rstrip("/") + "/"
        found = [path for path in files if path == source or path.startswith(folder)]
        assert found, f"COPY {source}: the context has no such file"
        for path in found:
            to = place / (path.removeprefix(folder) if path.startswith(folder) else Path(path).name)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, to)


# --- inside ---


def _mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def _bind(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    _mount("--bind", source, target)
    _mount("-o", "remount,bind,ro", target)


def _base(root: Path) -> None:
    """This machine's programs, in place of the base image."""
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", root)
    for name in ("bin", "sbin", "lib", "lib64"):
        if (link := Path("/", name)).is_symlink():
            (root / name).symlink_to(link.readlink())
        elif link.is_dir():
            _bind(link, root / name)
    _bind(Path("/usr"), root / "usr")
    shutil.copytree("/etc", root / "etc", symlinks=True, ignore_dangling_symlinks=True)
    for name in ("null", "zero", "random", "urandom"):
        (root / "dev").mkdir(exist_ok=True)
        (root / "dev" / name).touch()
        _mount("--bind", f"/dev/{name}", root / "dev" / name)
    for name in ("proc", "tmp", "var/log"):
        (root / name).mkdir(parents=True)
    _mount("-t", "proc", "proc", root / "proc")
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", root / "tmp")  # now: the checkout may lie in /tmp
    # Python itself, and the virtual environment where its scripts say that it is.
    for prefix in {Path(sys.prefix).resolve(), Path(sys.prefix), Path(sys.base_prefix)}:
        if not prefix.is_relative_to("/usr"):
            _bind(prefix, root / prefix.relative_to("/"))


def _carry_out(root: Path) -> str:
    """The stage's steps; the folder that it ends in."""
    workdir = "/"
    for step in last_stage():
        if step.instruction == "WORKDIR":
            workdir = step.value
            (root / workdir.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif step.instruction == "RUN":
            line = f"cd {shlex.quote(workdir)} && {step.value}"
            subprocess.run(["chroot", root, "/bin/sh", "-c", line], env=environment(), check=True)
        elif step.instruction == "COPY":
            words = shlex.split(step.value)
            if words[0].startswith("--from="):
                assert words[1] == words[2] == "/opt/venv", step
                _bind(Path(sys.prefix).resolve(), root / "opt" / "venv")
            else:
                copy(words, workdir, root)
    return workdir


def main(data: str, logs: str, *more: str) -> None:
    root = Path(data).parent / "root"
    root.mkdir()
    _base(root)
    workdir = _carry_out(root)
    for source, volume in zip((data, logs), volumes(), strict=True):
        place = root / volume.lstrip("/")
        shutil.copystat(place, source)
        os.chown(source, place.stat().st_uid, place.stat().st_gid)  # as a new volume takes them over
        _mount("--bind", source, place)
    _mount("-o", "remount,ro", root)
    uid, gid = user()
    command = command_of("CMD")
    environ = environment() | dict(pair.split("=", 1) for pair in more)
    os.chroot(root)  # from here on this file's checkout is out of sight
    os.chdir(workdir)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    os.execvpe(command[0], command, environ)


if __name__ == "__main__":
    main(*sys.argv[1:])
