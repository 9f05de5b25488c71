"""docs/dependencies.md names what is pinned and what that brings along, and nothing else."""

from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.gateway import ROOT


def pinned(path: Path) -> dict[str, Requirement]:
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    found = [Requirement(line) for line in lines if line and not line.startswith("-r")]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def named(title: str) -> list[str]:
    """The packages in the first column of the table under a title."""
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    part = text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    cells = [line.split("|")[1] for line in part.splitlines() if line.startswith("| `")]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def brought_along(direct: dict[str, Requirement]) -> set[str]:
    """What is installed because of these and not pinned itself."""
    extras = {name: requirement.extras for name, requirement in direct.items()}
    waiting = list(extras)
    while waiting:
        name = waiting.pop()
        for requirement in map(Requirement, requires(name) or ()):
            needed = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras[name])
            )
            other = canonicalize_name(requirement.name)
            if needed and other not in extras:
                extras[other] = requirement.extras
                waiting.append(other)
    return set(extras) - set(direct)


def test_each_runtime_pin_has_its_line_and_nothing_else_has() -> None:
    assert named("At run time") == sorted(pinned(ROOT / "requirements.txt"))


def test_what_the_pins_bring_along_is_listed_and_nothing_else_is() -> None:
    assert named("Brought along") == sorted(brought_along(pinned(ROOT / "requirements.txt")))


def test_each_pin_for_development_is_listed_and_nothing_else_is() -> None:
    assert sorted(named("For development")) == sorted(pinned(ROOT / "requirements-dev.txt"))
