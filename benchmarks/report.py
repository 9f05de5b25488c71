"""The results as tables for people, as a section of a Markdown file, and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.results import Result, Row

_HEADINGS = ("", "gateway", "nginx", "ratio", "target", "stretch", "")
_SUMMARY_HEADINGS = ("scenario", "figure", "gateway", "nginx", "ratio", "target", "stretch", "verdict")
#: Around the section of a Markdown file that is replaced.
BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def table(result: Result) -> str:
    """All of a scenario: a Markdown table that is also readable as it is; medians of the rounds, with their range."""
    lines = _table([_HEADINGS, *(_cells(row) for row in result.rows)], texts=1)
    notes = ["", *result.notes] if result.notes else []
    return "\n".join([f"{result.scenario}: {result.what}", "", *lines, *notes])


def summary(results: list[Result]) -> str:
    """One table of all scenarios, without details."""
    cells = [(result.scenario, *_cells(row)) for result in results for row in result.rows if not row.detail]
    return "\n".join(_table([_SUMMARY_HEADINGS, *cells], texts=2))


def replace_section(file: Path, section: str) -> None:
    """What is between the markers; a file without them gets them at its end."""
    text = file.read_text("utf-8") if file.exists() else ""
    before, begin, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    if not begin:
        before = f"{text.rstrip()}\n\n" if text.strip() else ""
    file.write_text(f"{before}{BEGIN}\n\n{section}\n\n{END}{after or chr(10)}", "utf-8")


def save(results: list[Result], machine: str, file: Path) -> None:
    documents = []
    for result in results:
        rows = [asdict(row) | {"ratio": row.ratio, "verdict": _verdict(row)} for row in result.rows]
        documents.append(asdict(result) | {"rows": rows})
    document = {"machine": machine, "results": documents}
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _table(lines: list[tuple[str, ...]], texts: int) -> list[str]:
    """The first `texts` columns are set to the left, numbers to the right."""
    widths = [max(3, *(len(line[column]) for line in lines)) for column in range(len(lines[0]))]
    rule = ["-" * width if column < texts else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    padded = [
        [
            cell.ljust(width) if column < texts else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in lines
    ]
    return ["| " + " | ".join(cells) + " |" for cells in (padded[0], rule, *padded[1:])]


def _cells(row: Row) -> tuple[str, ...]:
    name = f"{row.name}, {row.unit}" if row.unit else row.name
    ratio = f"{row.ratio:.1f} ×" if row.ratio is not None and row.unit else ""
    target, stretch = row.target.words() if row.target else ("", "")
    if row.whole:
        target = stretch = str(row.whole)
    return name, _value(row, "gateway"), _value(row, "nginx"), ratio, target, stretch, _verdict(row)


def _value(row: Row, subject: str) -> str:
    values = row.values.get(subject)
    median = row.median(subject)
    if not values or median is None:
        return "-"
    if row.whole:  # of a count the worst round counts
        return f"{min(values):g} of {row.whole}"
    spread = f" ({_number(min(values))}-{_number(max(values))})" if len(values) > 1 else ""
    return _number(median) + spread


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 1000 else f"{value:.0f}"


def _verdict(row: Row) -> str:
    median = row.median("gateway")
    if row.target is None or median is None:
        return ""
    if row.whole:
        return "met" if min(row.values["gateway"]) >= row.whole else "missed"
    return row.target.verdict(median, row.ratio)
