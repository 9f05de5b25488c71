"""The processors that a process may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from grok2api.cpus import usable_cpus


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of one with 16 processors, bound to none."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)))
    (tmp_path / "proc/self").mkdir(parents=True)
    return tmp_path


def group(root: Path, line: str, **files: str) -> None:
    """The process is in the group of this line, and `folder__file=text` lie under /sys/fs/cgroup."""
    with (root / "proc/self/cgroup").open("a") as cgroup:
        cgroup.write(line + "\n")
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def test_without_groups_all_that_it_is_bound_to_count(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert usable_cpus(machine) == 16
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 7})
    assert usable_cpus(machine) == 3


@pytest.mark.parametrize(
    ("quota", "cpus"),
    [("max 100000", 16), ("400000 100000", 4), ("150000 100000", 2), ("10000 100000", 1), ("9900000 100000", 16),
     ("", 16), ("x y", 16), ("100000 0", 16)],
)  # fmt: skip
def test_a_quota_of_version_2_counts(machine: Path, quota: str, cpus: int) -> None:
    group(machine, "0::/", cpu_dot_max=quota)
    assert usable_cpus(machine) == cpus


def test_the_least_of_the_groups_above_counts(machine: Path) -> None:
    group(machine, "0::/a/b", a__cpu_dot_max="300000 100000", a__b__cpu_dot_max="max 100000")
    assert usable_cpus(machine) == 3


def test_in_a_container_the_own_group_may_lie_at_the_top(machine: Path) -> None:
    group(machine, "0::/docker/0123abcd", cpu_dot_max="200000 100000")
    assert usable_cpus(machine) == 2


@pytest.mark.parametrize(("quota", "cpus"), [("-1", 16), ("500000", 5)])
def test_a_quota_of_version_1_counts(machine: Path, quota: str, cpus: int) -> None:
    group(machine, "3:memory:/x")
    group(
        machine,
        "2:cpu,cpuacct:/x",
        cpu__x__cpu_dot_cfs_quota_us=quota,
        cpu__x__cpu_dot_cfs_period_us="100000",
    )
    group(machine, "0::/")
    assert usable_cpus(machine) == cpus


def test_this_machine_has_some() -> None:
    assert 1 <= usable_cpus() <= (os.cpu_count() or 1)
