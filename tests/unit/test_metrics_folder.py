"""The folder in which a gateway's workers count: what ended ones counted stays, and gateways leave each other alone."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.multiprocess import MultiProcessCollector

from grok2api.metrics_folder import MetricsFolder, files_of, is_metrics_folder, places
from tests.gateway import ROOT, clean_environ

#: A worker's life: it counts, says so, and ends when it is told, or is killed.
WORKER = """
import os, sys
from pathlib import Path
from grok2api.catalogue import Catalogue
from grok2api.services.metrics import Metrics
metrics = Metrics(Catalogue(), Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]))
for _ in range(int(sys.argv[1])):
    metrics.answer("/v1/chat/completions", "grok-4.1", "ok", 0.3, 4.0)
metrics.stream_began()
print("counted", flush=True)
sys.stdin.readline()
"""
#: A master that is killed.
MASTER = """
import os, sys
from pathlib import Path
from grok2api.metrics_folder import MetricsFolder
folder = MetricsFolder.make([Path(sys.argv[1])], 1)
print(folder.path, flush=True)
sys.stdin.readline()
os._exit(9)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[MetricsFolder]:
    made = MetricsFolder.make([tmp_path], 2)
    assert made is not None
    yield made
    made.remove()
    assert not made.path.exists()


class Worker:
    """A process that counts so many answers and has a stream open."""

    def __init__(self, folder: MetricsFolder, answers: int) -> None:
        environ = clean_environ(PROMETHEUS_MULTIPROC_DIR=str(folder.path))
        command = [sys.executable, "-c", WORKER, str(answers)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=ROOT, env=environ, stdin=pipe, stdout=pipe)
        self.pid = self.process.pid
        assert self.process.stdout is not None and self.process.stdout.readline() == b"counted\n"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def counted(folder: MetricsFolder) -> tuple[float, float, float]:
    """Answers, the same by the histogram, and open streams."""
    with files_of(folder.path) as files:
        families = MultiProcessCollector.merge([str(file) for file in files])
    found = {
        sample.name: sample.value
        for family in families
        for sample in family.samples
        if sample.labels.get("le", "+Inf") == "+Inf"
        and sample.name.split("_", 1)[1] in ("requests_total", "answer_seconds_count", "streams_open")
    }
    answers, timed = found.get("grok2api_requests_total", 0), found.get("grok2api_answer_seconds_count", 0)
    return answers, timed, found.get("grok2api_streams_open", 0)


def test_what_killed_workers_counted_stays_in_one_file_but_their_gauges(folder: MetricsFolder) -> None:
    workers = [Worker(folder, 3), Worker(folder, 4)]
    assert counted(folder) == (7, 7, 2)
    workers[0].kill()
    folder.end(workers[0].pid)
    assert counted(folder) == (7, 7, 1)
    workers[1].kill()
    folder.end(workers[1].pid)
    assert counted(folder) == (7, 7, 0)
    assert {file.name for file in folder.path.glob("*.db")} == {"counter_ended.db", "histogram_ended.db"}


def test_many_short_lives_do_not_fill_it(folder: MetricsFolder) -> None:
    worker = Worker(folder, 5)
    worker.kill()
    lived = {
        kind: (folder.path / f"{kind}_{worker.pid}.db").read_bytes() for kind in ("counter", "histogram")
    }
    folder.end(worker.pid)
    for pid in range(2**22 + 1, 2**22 + 101):  # no process has such a number
        for kind, content in lived.items():  # every other one was killed before it had begun
            (folder.path / f"{kind}_{pid}.db").write_bytes(content if pid % 2 else b"")
        folder.end(pid)
    assert counted(folder) == (255, 255, 0)
    assert {file.name for file in folder.path.glob("*.db")} == {"counter_ended.db", "histogram_ended.db"}
    assert sum(file.stat().st_size for file in folder.path.iterdir()) < 2**20


def test_while_somebody_reads_nothing_is_merged(folder: MetricsFolder) -> None:
    first, second = Worker(folder, 3), Worker(folder, 4)
    with files_of(folder.path) as files:
        first.kill()
        folder.end(first.pid)
        assert all(file.exists() for file in files if not file.name.startswith("gauge"))
    assert counted(folder) == (7, 7, 1)
    second.kill()
    folder.end(second.pid)
    assert counted(folder) == (7, 7, 0) and len(list(folder.path.glob("*.db"))) == 2


def test_a_number_that_a_living_process_has_by_now_is_left_alone(folder: MetricsFolder) -> None:
    worker = Worker(folder, 3)
    folder.end(worker.pid)  # as if it were a new one, with the number of an ended one
    assert (folder.path / f"counter_{worker.pid}.db").exists()
    assert counted(folder)[:2] == (3, 3)
    worker.kill()


def test_room_is_taken_before_it_is_needed(folder: MetricsFolder) -> None:
    assert folder.begin(1234)
    sizes = {file.name: file.stat() for file in folder.path.glob("*_1234.db")}
    assert set(sizes) == {"counter_1234.db", "histogram_1234.db", "gauge_livesum_1234.db"}
    assert all(status.st_blocks * 512 >= status.st_size >= 65536 for status in sizes.values())
    assert counted(folder) == (0, 0, 0)


def test_without_room_there_is_none(tmp_path: Path, folder: MetricsFolder) -> None:
    full = Path("/dev/full")  # a file, not a folder: as good as a place that takes nothing
    assert MetricsFolder.make([full, tmp_path / "missing"], 1) is None
    made = MetricsFolder.make([full, tmp_path], 1)
    assert made is not None and made.path.parent == tmp_path
    made.remove()
    assert not made.begin(1) and folder.begin(1)
    made.end(1)  # nor does that fail


def test_folders_of_killed_masters_are_removed_and_no_others(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", MASTER, str(tmp_path)]
    masters = [
        subprocess.Popen(command, cwd=ROOT, env=clean_environ(), stdin=pipe, stdout=pipe, text=True)
        for _ in range(2)
    ]
    paths = [Path(master.stdout.readline().strip()) for master in masters if master.stdout is not None]
    masters[0].communicate("\n")
    (tmp_path / "grok2api-metrics-not-ours").symlink_to(tmp_path)
    long_ago = time.time() - 3600
    assert all(is_metrics_folder(path) for path in paths)
    made = MetricsFolder.make([tmp_path], 1)
    assert made is not None and all(path.exists() for path in paths), "they are too young to be sure"
    for path in paths:
        os.utime(path, (long_ago, long_ago))
    other = MetricsFolder.make([tmp_path], 1)
    assert other is not None
    assert [path.exists() for path in (*paths, made.path, other.path)] == [False, True, True, True]
    assert (tmp_path / "grok2api-metrics-not-ours").is_symlink()
    for master in masters[1:]:
        master.communicate("\n")
    made.remove()
    other.remove()


def test_the_operators_place_comes_first(tmp_path: Path) -> None:
    assert places(tmp_path, Path("/data"))[0] == tmp_path
    assert places(None, Path("/data"))[-1] == Path("/data") and tmp_path not in places(None, Path("/data"))
    assert not is_metrics_folder(tmp_path)


def test_the_lock_of_readers_is_shared(folder: MetricsFolder) -> None:
    with (
        files_of(folder.path),
        files_of(folder.path),
        (folder.path / "reading").open("rb") as lock,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (folder.path / "reading").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
