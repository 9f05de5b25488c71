"""What comes of a scenario: rows of figures, by subject and round."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from benchmarks.targets import Target


@dataclass
class Row:
    """One figure: the rounds' values by subject. `whole`: of how many, for a count. `detail`: for whoever looks closer,
    not in the summary.
    """

    name: str
    unit: str
    values: dict[str, list[float]]
    target: Target | None = None
    whole: int = 0
    detail: bool = False

    def median(self, subject: str) -> float | None:
        values = self.values.get(subject)
        return statistics.median(values) if values else None

    @property
    def ratio(self) -> float | None:
        """The median of the rounds' ratios."""
        pairs = zip(self.values.get("gateway", []), self.values.get("nginx", []), strict=False)
        ratios = [ours / nginx for ours, nginx in pairs if nginx]
        return statistics.median(ratios) if ratios else None


@dataclass
class Result:
    scenario: str
    what: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    raw: dict[str, list[dict[str, object]]] = field(default_factory=dict)
