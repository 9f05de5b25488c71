"""Every recorded exchange is still the same, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway import Gateway
from tests.golden.case import CASES, SECTIONS, read_case
from tests.golden.play import play
from tests.simulator.client import Simulator


@pytest.mark.parametrize("path", sorted(CASES.glob("*.md")), ids=lambda path: path.stem)
def test_a_recorded_exchange(path: Path, gateway: Gateway, simulator: Simulator) -> None:
    case = read_case(path)
    for name, made in play(case, gateway, simulator).items():
        assert made == case.sections[name], f"{name}; python -m tests.golden {path.stem} writes it anew"


@pytest.mark.parametrize("missing", SECTIONS)
def test_a_file_without_one_of_its_sections_is_refused(missing: str, tmp_path: Path) -> None:
    path = tmp_path / "case.md"
    path.write_text("# A title\n\n" + "".join(f"## {name}\n\n" for name in SECTIONS if name != missing))
    with pytest.raises(ValueError, match="has the sections"):
        read_case(path)
