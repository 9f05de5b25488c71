"""What the kernel says about processes: CPU time, memory, children, how busy a core was."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


_USABLE = sorted(os.sched_getaffinity(0))  # at import: before this process is pinned itself
#: The core of the subject and the one of everything else; the same one where there is only one.
SUBJECT_CORE, LOAD_CORE = _USABLE[0], _USABLE[-1]
#: Both, for a subject that needs more than one and then shares the load's.
BOTH_CORES = frozenset((SUBJECT_CORE, LOAD_CORE))


def cpu_s(pids: Iterable[int]) -> float:
    """User and system time of all threads, also ended ones, to the nanosecond."""
    # The clock that clock_getcpuclockid(3) gives for a process.
    return sum(time.clock_gettime_ns((~pid << 3) | 2) for pid in pids) / 1e9


def rss_bytes(pids: Iterable[int]) -> int:
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES for pid in pids)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def core_busy_s(core: int) -> float:
    """Seconds that a core has not idled since the machine started; in steps of 10 ms."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            values = [int(value) for value in fields[:8]]
            return (sum(values) - values[3] - values[4]) / _TICKS_PER_S
    return 0.0


class Usage:
    """CPU time from now on. Made and asked in the process that makes the load."""

    def __init__(self, subject: list[int], loaders: list[int]) -> None:
        self._subject, self._loaders = subject, [*loaders, os.getpid()]
        theirs, here = _affinity(subject), os.sched_getaffinity(0)
        self._shared = bool(theirs & here)
        self._cores = theirs | here if self._shared else theirs
        self._before = self._now()

    def shares(self, seconds: float) -> dict[str, float]:
        """`subject_s`: its CPU time. `load_core`: share of a core that the load took.

        `disturbed`: share of the subject's cores that went to neither the subject nor a load that shares them.
        """
        subject, load, busy = (
            after - before for after, before in zip(self._now(), self._before, strict=True)
        )
        others = busy - subject - (load if self._shared else 0.0)
        disturbed = max(others, 0.0) / seconds / len(self._cores)
        return {"subject_s": subject, "load_core": load / seconds, "disturbed": disturbed}

    def _now(self) -> tuple[float, float, float]:
        busy = sum(core_busy_s(core) for core in self._cores)
        return cpu_s(self._subject), cpu_s(self._loaders), busy


def _affinity(pids: list[int]) -> set[int]:
    return {core for pid in pids for core in os.sched_getaffinity(pid)}
