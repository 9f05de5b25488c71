"""What is aimed for. Absolute limits hold on a quiet machine, those on the ratio to nginx on any."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """`low`: smaller is better. `limit` and `ratio` (to nginx) must both be met, where given."""

    limit: float
    stretch: float
    ratio: float | None = None
    stretch_ratio: float | None = None
    low: bool = True

    def verdict(self, value: float, ratio: float | None) -> str:
        if self._meets(value, ratio, self.stretch, self.stretch_ratio):
            return "stretch met"
        return "met" if self._meets(value, ratio, self.limit, self.ratio) else "missed"

    def words(self) -> tuple[str, str]:
        return _words(self.limit, self.ratio, self.low), _words(self.stretch, self.stretch_ratio, self.low)

    def _meets(self, value: float, ratio: float | None, limit: float, ratio_limit: float | None) -> bool:
        if value > limit if self.low else value < limit:
            return False
        return ratio_limit is None or (ratio is not None and ratio <= ratio_limit)


def _words(limit: float, ratio: float | None, low: bool) -> str:
    words = f"{'≤' if low else '≥'} {limit:g}"
    return words if ratio is None else f"{words}, {ratio:g} ×"


S1_CPU = Target(60, 30, ratio=12, stretch_ratio=6)
S1_RATE = Target(15_000, 30_000, low=False)
S2A_CPU = Target(180, 130, ratio=7.5, stretch_ratio=5.5)
S2A_P50 = Target(1.2, 0.8)
S2A_P99 = Target(15, 5)
S2A_FIRST = Target(40, 20)
S2B_FIRST = Target(4000, 1000)
S2C_P50 = Target(5, 1.5)
S2C_P99 = Target(200, 80)
MEMORY = Target(60, 45)
GIVEN_BACK = Target(50, 90, low=False)
"""Percent."""
S3_CPU = Target(2600, 1600)
S4_P50 = Target(4, 3)
S4_GROWTH = Target(1.1, 1.03)
S5_CPU = Target(650, 400)
ALL = Target(1, 1, low=False)
"""Of a share: every single one."""
