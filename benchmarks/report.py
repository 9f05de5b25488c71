"""The results as tables for people and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.scenarios import Result, Row

_HEADINGS = ("", "gateway", "nginx", "ratio", "target", "stretch", "")


def table(result: Result) -> str:
    """A Markdown table that is also readable as it is; medians of the rounds, with their range."""
    lines = [_HEADINGS, *(_cells(row) for row in result.rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    rule = ["-" * width if not column else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    rule = [mark if len(mark) > 2 else "---" for mark in rule]
    text = [_line(lines[0], widths), "| " + " | ".join(rule) + " |"]
    text += [_line(line, widths) for line in lines[1:]]
    return "\n".join(
        [f"{result.scenario}: {result.what}", "", *text, *([""] if result.notes else []), *result.notes]
    )


def save(results: list[Result], file: Path) -> None:
    documents = []
    for result in results:
        rows = [asdict(row) | {"ratio": row.ratio, "verdict": _verdict(row)} for row in result.rows]
        documents.append(asdict(result) | {"rows": rows})
    file.write_text(json.dumps({"results": documents}, indent=1, ensure_ascii=False) + "\n")


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    padded = [
        cell.rjust(max(width, 3)) if column else cell.ljust(max(width, 3))
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "| " + " | ".join(padded) + " |"


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
