"""One kind's cached files on disk, shared by all workers of a machine: who writes a file, which goes when there is no
room, and what they come to.

Everything here blocks; the cache runs it in threads. All that workers agree on is locked with `flock`, which ends with
the process that holds it, so that a killed one leaves nothing behind that stands in the way:

- `tmp/NAME.part` is locked by whoever downloads the file, and renamed to `KIND/NAME` when it is whole; a part that
  nobody holds is rubbish;
- a cached file is locked (shared) by those that serve it, and one that is locked is never removed;
- `KIND.size` holds the bytes that the files come to, is locked while files come or go, and is counted anew each time
  some have to go, so that adding a file needs no look at the others.

When a file was last used is its access time, set here; its modification time is when the picture or video was made,
which is the same on every node.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from grok2api.media import HEAD_BYTES, Kind, cache_name, content_type_of, path_of
from grok2api.services.media_files import OpenFile

#: What is freed beyond what is needed, so that the next files need no look at all of them.
_SPARE = 0.1
_STALE_PART_S = 60.0


class NoRoom(OSError):
    """The file is larger than the limit, or all that stands in its way is in use."""


class Files(NamedTuple):
    """How many files, and the bytes that they come to."""

    number: int
    size: int


class Part:
    """A file that is being written, by nobody else. Close it; unless it was admitted it is gone then."""

    def __init__(self, fd: int, path: Path) -> None:
        self._fd = fd
        self._path = path
        self.size = 0

    @property
    def file(self) -> BinaryIO:
        """To read what was written; closing it leaves the part open."""
        os.lseek(self._fd, 0, os.SEEK_SET)
        return os.fdopen(self._fd, "rb", closefd=False)

    def restart(self) -> None:
        os.ftruncate(self._fd, 0)
        os.lseek(self._fd, 0, os.SEEK_SET)
        self.size = 0

    def write(self, piece: bytes, at: int) -> None:
        """at: bytes of the file before the piece. After an error the same piece may be written again."""
        rest = memoryview(piece)[self.size - at :]
        while rest:
            written = os.write(self._fd, rest)
            self.size += written
            rest = rest[written:]

    def rename(self, target: Path, modified_at: float) -> None:
        """Make it a cached file, which from then on is merely held as one that is being served."""
        os.fsync(self._fd)
        os.fchmod(self._fd, 0o644)
        os.utime(self._fd, (time.time(), modified_at))
        self._path.rename(target)
        self._path = target
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def close(self) -> None:
        if self._fd < 0:
            return
        if self._path.suffix == ".part":
            with suppress(OSError):
                self._path.unlink()
        os.close(self._fd)
        self._fd = -1


class MediaFolder:
    """root: the cache's folder, made when it is first needed. Methods raise OSError."""

    def __init__(self, root: Path, kind: Kind) -> None:
        self._root = root
        self._kind = kind
        self._folder = root / kind
        self._parts = root / "tmp"

    def open(self, path: str) -> OpenFile | None:
        """The cached file of a media path, which counts as used now; None: it is not here."""
        name = cache_name(path)
        try:
            fd = os.open(self._folder / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            status = os.fstat(fd)
            content_type = content_type_of(os.pread(fd, HEAD_BYTES, 0))
            if not stat.S_ISREG(status.st_mode) or not status.st_nlink or content_type is None:
                os.close(fd)
                return None
            with suppress(OSError):  # a disk that is full or read-only serves all the same
                os.utime(fd, (time.time(), status.st_mtime))
        except OSError:  # somebody is removing it
            os.close(fd)
            return None
        return OpenFile(
            file=io.FileIO(fd, "rb"),
            size=status.st_size,
            content_type=content_type,
            etag=f"{hashlib.sha256(path.encode()).hexdigest()[:16]}-{status.st_size:x}",
            modified_at=min(status.st_mtime, time.time()),  # clocks differ, and are set back
            name=f"{self._kind}/{name}",
        )

    def begin(self, path: str) -> Part | None:
        """Write the file of a media path; None: somebody does."""
        for folder in (self._folder, self._parts):
            folder.mkdir(parents=True, exist_ok=True)
        part = self._parts / f"{self._kind}-{cache_name(path)}.part"
        fd = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(fd, part):
                return Part(fd, part)
        except BlockingIOError:
            pass
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)  # another one's, or one that was renamed or removed just before it was locked
        return None

    def admit(self, part: Part, path: str, limit: int, modified_at: float) -> None:
        """Make a whole file one of the cache, within `limit` bytes of all. Raises NoRoom."""
        with self._total() as total:
            if total.value is None or total.value + part.size > limit:
                total.value = self._make_room(part.size, limit)
            replaces = (
                self.size_of(path) is not None
            )  # a damaged file, of which nobody knows what was counted
            part.rename(self._folder / cache_name(path), modified_at)
            total.value = self.files().size if replaces else total.value + part.size

    def free(self, size: int) -> bool:
        """On a disk that is full, remove some of the files, of which `size` bytes may come; whether any went.

        A tenth of all, or what is needed if that is less than half: others may be filling the disk.
        """
        if not self._folder.exists():
            return False
        with self._total() as total:
            before = self.files().size
            share = size if size <= before // 2 else 0
            total.value = self._shrink(before - max(share, int(before * _SPARE), 1))
        return total.value < before

    def trim(self, limit: int) -> bool:
        """Keep to a limit that may have changed, and remove what killed workers left. Whether it is kept to: files in
        use stay."""
        if not self._root.exists():
            return True
        with self._total() as total:
            total.value = self._shrink(limit)
        now = time.time()
        for part in self._parts.glob(f"{self._kind}-*.part"):
            with suppress(OSError):
                if now - part.stat().st_mtime > _STALE_PART_S:
                    _remove(part)
        return total.value <= limit

    def clear(self) -> Files:
        """Remove all files that are not in use; what was removed."""
        try:
            self._folder.stat()
        except FileNotFoundError:
            return Files(0, 0)
        with self._total() as total:
            before = self.files()
            total.value = self._shrink(0)
            after = self.files()
        return Files(before.number - after.number, before.size - after.size)

    def files(self) -> Files:
        """All cached files, counted."""
        sizes = [size for _, size, _ in self._scan()]
        return Files(len(sizes), sum(sizes))

    def size_of(self, path: str) -> int | None:
        """Bytes of a cached file; None: it is not here."""
        try:
            return (self._folder / cache_name(path)).lstat().st_size
        except OSError:
            return None

    def _make_room(self, size: int, limit: int) -> int:
        if size > limit:
            raise NoRoom(f"a file of {size} bytes is larger than the cache of {self._kind}s")
        total = self.files().size
        if total + size > limit:
            total = self._shrink(max(0, int(limit * (1 - _SPARE)) - size))
        if total + size > limit:
            raise NoRoom(f"the cache of {self._kind}s is full of files that are in use")
        return total

    def _shrink(self, target: int) -> int:
        """Remove the least recently used until the rest comes to `target` bytes; what it comes to."""
        found = sorted(self._scan())
        total = sum(size for _, size, _ in found)
        for _, size, file in found:
            if total <= target:
                break
            if _remove(file):
                total -= size
        return total

    def _scan(self) -> Iterator[tuple[float, int, Path]]:
        """When each file was last used, its bytes, and where it is."""
        try:
            entries = os.scandir(self._folder)
        except FileNotFoundError:
            return
        with entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    if path_of(entry.name) is not None and entry.is_file(follow_symlinks=False):
                        status = entry.stat(follow_symlinks=False)
                        # A time to come was set before the clock was set back: it says nothing.
                        used_at = status.st_atime if status.st_atime <= time.time() + 1 else 0.0
                        yield used_at, status.st_size, Path(entry.path)

    @contextmanager
    def _total(self) -> Iterator[_Total]:
        """The stored sum, for as long as nobody else may change it."""
        fd = os.open(self._root / f"{self._kind}.size", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            stored = os.pread(fd, 20, 0)
            total = _Total(int(stored) if stored.isdigit() else None)
            # Unless all goes well it is to be counted anew. A disk that is full can still take no bytes.
            os.ftruncate(fd, 0)
            yield total
            with suppress(OSError):
                os.pwrite(fd, str(total.value).encode(), 0)
        finally:
            os.close(fd)


class _Total:
    """Bytes; None: to be counted."""

    def __init__(self, value: int | None) -> None:
        self.value = value


def _is_at(fd: int, path: Path) -> bool:
    """Whether an open file is still the one with this name."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except FileNotFoundError:
        return False


def _remove(file: Path) -> bool:
    """Remove a file unless it is in use."""
    try:
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(fd, file):
            file.unlink()
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
