"""Parameters of which short runs take some, and `--full` all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def only_full(*values: Any) -> Any:
    """One value, or one set of them, that only `--full` takes."""
    return pytest.param(*values, marks=pytest.mark.full)


def every(step: int, values: Iterable[Any]) -> list[Any]:
    """Every so many of them, from the first on; the others for `--full` only."""
    return [value if n % step == 0 else only_full(*_set(value)) for n, value in enumerate(values)]


def _set(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
