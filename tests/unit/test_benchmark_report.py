"""The table of results that `python -m benchmarks` prints and puts into a file."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report import BEGIN, END, replace_section, summary
from benchmarks.results import Result, Row
from benchmarks.targets import ALL, Target


def _cells(row: Row) -> list[str]:
    line = summary([Result("S9", "something", [row])]).splitlines()[-1]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_figure_has_its_median_its_range_and_the_median_of_the_ratios() -> None:
    row = Row("CPU", "µs", {"gateway": [30.0, 10.0, 20.0], "nginx": [3.0, 5.0, 4.0]}, Target(25, 15, 6, 4))
    assert _cells(row) == [
        "S9",
        "CPU, µs",
        "20.0 (10.0-30.0)",
        "4.00 (3.00-5.00)",
        "5.0 ×",
        "≤ 25, 6 ×",
        "≤ 15, 4 ×",
        "met",
    ]


def test_a_target_on_the_ratio_is_missed_by_the_ratio_alone() -> None:
    row = Row("CPU", "µs", {"gateway": [10.0], "nginx": [1.0]}, Target(25, 15, 6, 4))
    assert _cells(row)[-1] == "missed"


def test_of_a_count_the_worst_round_counts() -> None:
    row = Row("ended", "", {"gateway": [40.0, 39.0, 40.0], "nginx": [40.0] * 3}, ALL, whole=40)
    assert _cells(row) == ["S9", "ended", "39 of 40", "40 of 40", "", "40", "40", "missed"]


def test_details_are_not_in_the_summary() -> None:
    row = Row("load", "%", {"gateway": [1.0]}, detail=True)
    assert "load" not in summary([Result("S9", "something", [row])])


def test_the_section_is_replaced_and_all_else_kept(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text("# Title\n")
    replace_section(file, "first")
    replace_section(file, "second")
    assert file.read_text() == f"# Title\n\n{BEGIN}\n\nsecond\n\n{END}\n"
    file.write_text(file.read_text() + "\n## More\n")
    replace_section(file, "third")
    assert file.read_text() == f"# Title\n\n{BEGIN}\n\nthird\n\n{END}\n\n## More\n"
