"""The folder in which the workers of one gateway count: made by gunicorn's master, for itself alone, and removed with
it.

Each worker writes files of its own, of prometheus-client's format; whoever is scraped adds up all of them. What ended
workers had counted is kept in one file for all of them, however many there were. Gateways never meet: each master has a
folder of its own, and holds a lock on it for as long as one of its processes lives.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from prometheus_client.mmap_dict import MmapedDict

#: How gauges of several workers become one: the sum of those that live.
GAUGES: Final = "livesum"
#: Room for what a worker counts. The files are mapped into memory: on a full disk, writing to one that has not got its
#: space yet would end the worker.
ROOM_BYTES = {"counter": 256 * 1024, "histogram": 256 * 1024, f"gauge_{GAUGES}": 64 * 1024}

_NAME = "grok2api-metrics-"
_MASTER, _READING, _ENDED = "master", "reading", "ended"
#: A folder younger than this may be about to be locked.
_FRESH_S = 60.0
#: In memory, where there is such a place.
_MEMORY = Path("/dev/shm")  # nosec B108 # what is made in it has a name that nobody can guess, and is the owner's


class MetricsFolder:
    """The master's side. Its methods raise nothing of the file system's: counting is not worth a gateway."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        self._unmerged: set[int] = set()
        (path / _READING).touch()
        # Held by all processes that come of this one, until the last has ended.
        self._lock = (path / _MASTER).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    @classmethod
    def make(cls, places: Iterable[Path], workers: int) -> MetricsFolder | None:
        """In the first of the places that has room for so many workers; None: there is none.

        Folders that masters which were killed have left there are removed.
        """
        for place in places:
            _remove_forsaken(place)
            try:
                path = Path(tempfile.mkdtemp(prefix=_NAME, dir=place))
            except OSError:
                continue
            try:
                _fill(path / "room", sum(ROOM_BYTES.values()) * (workers + 1))
                (path / "room").unlink()
                return cls(path)
            except OSError:
                shutil.rmtree(path, ignore_errors=True)
        return None

    def begin(self, pid: int) -> bool:
        """Take the room for a worker, which calls this itself; False: there is none."""
        try:
            for kind, size in ROOM_BYTES.items():
                file = self.path / f"{kind}_{pid}.db"
                if not file.exists():  # one of an earlier worker with this number is gone on with
                    _fill(file, size)
        except OSError:
            return False
        return True

    def end(self, pid: int) -> None:
        """A worker has ended, however it did: its gauges vanish, its other numbers go into the file of all ended ones.

        While somebody is reading, that is left for later.
        """
        with suppress(OSError):
            (self.path / f"gauge_{GAUGES}_{pid}.db").unlink()
        self._unmerged.add(pid)
        with suppress(OSError), _locked(self.path, fcntl.LOCK_EX | fcntl.LOCK_NB):
            ended = {pid for pid in self._unmerged if not _lives(pid)}
            for kind in ("counter", "histogram"):
                self._merge(kind, ended)
            self._unmerged -= ended

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()

    def _merge(self, kind: str, pids: Iterable[int]) -> None:
        ended = self.path / f"{kind}_{_ENDED}.db"
        files = [self.path / f"{kind}_{pid}.db" for pid in pids]
        sums: defaultdict[str, float] = defaultdict(float)
        for file in (ended, *files):
            for key, value in _values(file):
                sums[key] += value
        new = self.path / f"{kind}.new"
        new.unlink(missing_ok=True)
        _fill(new, max(ROOM_BYTES[kind], sum(len(key.encode()) + 32 for key in sums) + 8))
        book = MmapedDict(str(new))
        for key, value in sums.items():
            book.write_value(key, value, 0.0)
        book.close()
        new.replace(ended)
        for file in files:
            file.unlink(missing_ok=True)


def places(wanted: Path | None, data_dir: Path) -> list[Path]:
    """Where a folder may be made, the best first. wanted: by the operator."""
    found = [_MEMORY]
    with suppress(OSError):
        found.append(Path(tempfile.gettempdir()))
    return [*([wanted] if wanted else []), *found, data_dir]


def is_metrics_folder(path: Path) -> bool:
    """Whether a master has made it; for workers."""
    return path.name.startswith(_NAME) and (path / _MASTER).exists()


@contextmanager
def files_of(path: Path) -> Iterator[list[Path]]:
    """The files of all workers, which are not merged meanwhile. Raises OSError."""
    with _locked(path, fcntl.LOCK_SH):
        yield [file for file in sorted(path.glob("*.db")) if _is_begun(file)]


def _is_begun(file: Path) -> bool:
    """Not one that a starting worker has just made, or of a gauge that has just gone."""
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def _values(file: Path) -> list[tuple[str, float]]:
    """Key and number; nothing of a file that is not there or that its worker had not begun or was killed in."""
    try:
        return [(key, value) for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file))]
    except (FileNotFoundError, RuntimeError, UnicodeDecodeError, struct.error):
        return []


def _fill(file: Path, size: int) -> None:
    """Zeros, so that the space is taken. Raises OSError when there is not enough."""
    try:
        with file.open("wb") as out:
            out.write(bytes(size))
    except OSError:
        file.unlink(missing_ok=True)
        raise


def _lives(pid: int) -> bool:
    """Whether the number of an ended worker is another process's by now, which may be a worker again."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    with (path / _READING).open("rb") as lock:
        fcntl.flock(lock, how)
        yield


def _remove_forsaken(place: Path) -> None:
    """Folders of masters that have no process left."""
    with suppress(OSError):
        for path in place.glob(f"{_NAME}*"):
            with suppress(OSError):
                status = path.lstat()
                if status.st_uid == os.getuid() and time.time() - status.st_mtime > _FRESH_S:
                    _remove_unless_held(path)


def _remove_unless_held(path: Path) -> None:
    """Raises OSError, also when it is held."""
    (path / _MASTER).touch()
    with (path / _MASTER).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
