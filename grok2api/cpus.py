"""How many processors this process may use: fewer than the machine has, when it is bound to some or in a container."""

from __future__ import annotations

import math
import os
from pathlib import Path


def usable_cpus(root: Path = Path("/")) -> int:
    """At least 1. root: where `proc` and `sys` lie."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = min(_quotas(root), default=math.inf)
    return max(1, min(bound, math.ceil(quota))) if quota < math.inf else bound


def _quotas(root: Path) -> list[float]:
    """What the groups of this process allow, and those above them, in processors."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        top = root / "sys/fs/cgroup" / ("cpu" if controllers else "")
        group = top / path.lstrip("/")
        # In a container the path may be that of the host, and the own group lie at the top.
        for folder in [group, *group.parents]:
            if folder.is_relative_to(top) and (quota := _quota(folder)):
                found.append(quota)
    return found


def _quota(folder: Path) -> float | None:
    """Of version 2 or 1 of Linux's control groups; None: no limit, or no such group."""
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            words = " ".join((folder / name).read_text() for name in names).split()
            quota, period = int(words[0]), int(words[1])
        except (OSError, ValueError, IndexError):  # "max": no limit
            continue
        if quota > 0 and period > 0:
            return quota / period
    return None
