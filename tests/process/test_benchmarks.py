"""`python -m benchmarks --quick`: the scenarios measure something, and what comes of it is a table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.report import BEGIN, END
from benchmarks.scenarios import SCENARIOS
from tests.debian import need
from tests.full import every
from tests.gateway import ROOT


@pytest.mark.parametrize("scenario", every(len(SCENARIOS), ["S5", *sorted(set(SCENARIOS) - {"S5"})]))
def test_a_scenario_measures_gateway_and_nginx(scenario: str, tmp_path: Path) -> None:
    need("nginx", "nginx-light")
    figures, page = tmp_path / "figures.json", tmp_path / "page.md"
    page.write_text(f"# Kept\n\n{BEGIN}\nold\n{END}\n\nkept too\n")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--scenario", scenario]
    command += ["--json", str(figures), "--markdown", str(page)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (result,) = json.loads(figures.read_text())["results"]
    assert result["scenario"] == scenario
    assert result["rows"]
    for row in result["rows"]:
        ours = row["values"]["gateway"]
        assert len(ours) == 1
        if row["whole"]:
            assert ours == [row["whole"]] == row["values"]["nginx"], row
    head, _, rest = page.read_text("utf-8").partition(BEGIN)
    table, _, tail = rest.partition(END)
    assert (head, tail) == ("# Kept\n\n", "\n\nkept too\n")
    assert f"| {scenario}" in table
    assert "old" not in table
