"""One kind's cached files: limits under load from several processes, what is in use, and what is no file of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import gevent
import pytest

from grok2api.media import Kind, cache_name
from grok2api.services.media_files import HeldFiles
from grok2api.services.media_folder import MediaFolder, NoRoom

ROOT = Path(__file__).resolve().parents[2]
SIZE = 50_000
LIMIT = 1_000_000

#: Adds files until all are there, whoever does it; argv: root, first number, how many.
WRITER = f"""
import sys, time
from pathlib import Path
from grok2api.media import Kind
from grok2api.services.media_files import HeldFiles
from grok2api.services.media_folder import MediaFolder
folder = MediaFolder(Path(sys.argv[1]), Kind.IMAGE)
for number in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
    path = f"users/a/{{number}}.jpg"
    part = folder.begin(path)
    if part is not None:
        part.write(b"\\xff\\xd8\\xff" + b"x" * {SIZE - 3}, 0)
        folder.admit(part, path, {LIMIT}, 1000.0)
        part.close()
    opened = folder.open(path)
    if opened is not None:
        opened.close()
"""


def add(folder: MediaFolder, path: str, size: int = SIZE, limit: int = LIMIT) -> None:
    part = folder.begin(path)
    assert part is not None
    try:
        part.write(b"\xff\xd8\xff" + b"x" * (size - 3), 0)
        folder.admit(part, path, limit, 1000.0)
    finally:
        part.close()


def has(folder: MediaFolder, path: str) -> bool:
    return folder.size_of(path) is not None


def test_a_limit_holds_while_several_processes_add_files(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path, Kind.IMAGE)
    add(folder, "users/held/a.jpg")
    held = folder.open("users/held/a.jpg")
    assert held is not None
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(first), "40"], cwd=ROOT)
        for first in (0, 20, 60)  # some files twice
    ]
    most = 0
    while any(writer.poll() is None for writer in writers):
        most = max(most, folder.files().size)
        time.sleep(0.002)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert SIZE <= most <= LIMIT
    assert held.file.read(3) == b"\xff\xd8\xff" and has(folder, "users/held/a.jpg")
    held.close()
    assert int((tmp_path / "image.size").read_text()) == folder.files().size
    assert not list((tmp_path / "tmp").iterdir())


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path, Kind.IMAGE)
    for number in range(5):
        add(folder, f"users/a/{number}.jpg", limit=5 * SIZE)
        time.sleep(0.01)
    opened = folder.open("users/a/0.jpg")  # used now
    assert opened is not None
    opened.close()
    add(folder, "users/a/5.jpg", limit=5 * SIZE)
    assert has(folder, "users/a/0.jpg") and has(folder, "users/a/5.jpg") and not has(folder, "users/a/1.jpg")


def test_what_is_too_large_or_stands_in_the_way_of_files_in_use_is_not_taken(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path, Kind.IMAGE)
    with pytest.raises(NoRoom):
        add(folder, "users/a/b.jpg", limit=SIZE - 1)
    add(folder, "users/a/b.jpg", limit=SIZE)
    held = folder.open("users/a/b.jpg")
    assert held is not None
    with pytest.raises(NoRoom):
        add(folder, "users/a/c.jpg", limit=SIZE)
    assert folder.clear().number == 0 and has(folder, "users/a/b.jpg")
    held.close()
    assert folder.clear() == (1, SIZE)
    assert not list((tmp_path / "tmp").iterdir())


def test_one_writes_a_file_at_a_time_and_what_a_killed_one_left_is_taken_over(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path, Kind.IMAGE)
    part = folder.begin("users/a/b.jpg")
    assert part is not None and folder.begin("users/a/b.jpg") is None
    part.write(b"half", 0)
    left = next((tmp_path / "tmp").iterdir())
    content = left.read_bytes()
    part.close()
    left.write_bytes(content)  # as if it had been killed: there, and held by nobody
    assert folder.open("users/a/b.jpg") is None
    again = folder.begin("users/a/b.jpg")
    assert again is not None
    again.restart()
    again.close()
    left.write_bytes(content)
    folder.trim(LIMIT)
    assert left.exists()  # it may just have been made
    os.utime(left, (0, 0))
    folder.trim(LIMIT)
    assert not left.exists()


def test_a_smaller_limit_and_a_lost_total_are_put_right(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path, Kind.IMAGE)
    for number in range(4):
        add(folder, f"users/a/{number}.jpg")
    (tmp_path / "image.size").write_text("")
    folder.trim(2 * SIZE)
    assert folder.files() == (2, 2 * SIZE) and int((tmp_path / "image.size").read_text()) == 2 * SIZE


def test_links_and_strange_files_are_none_of_ours(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path, Kind.IMAGE)
    add(folder, "users/a/b.jpg")
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(b"\xff\xd8\xffsecret")
    (tmp_path / "image" / cache_name("users/a/link.jpg")).symlink_to(secret)
    (tmp_path / "image" / "note.txt").write_text("mine")
    (tmp_path / "image" / cache_name("users/a/html.jpg")).write_text("<html>")
    assert folder.open("users/a/link.jpg") is None and folder.open("users/a/html.jpg") is None
    assert folder.files().number == 2
    folder.clear()
    assert secret.exists() and (tmp_path / "image" / "note.txt").exists()


def test_files_that_another_is_to_open_stay_for_a_moment_and_not_too_many(tmp_path: Path) -> None:
    folder, held = MediaFolder(tmp_path, Kind.IMAGE), HeldFiles(hold_s=0.1, most=2)
    opened = []
    for number in range(3):
        add(folder, f"users/a/{number}.jpg")
        file = folder.open(f"users/a/{number}.jpg")
        assert file is not None
        opened.append(file)
        held.hold(file)
    assert [file.file.closed for file in opened] == [True, False, False]
    assert folder.clear().number == 1
    gevent.sleep(0.2)
    assert all(file.file.closed for file in opened) and folder.clear().number == 2
    again = HeldFiles(hold_s=0.1)
    again.hold(opened[0])
    gevent.sleep(0.2)
    again.hold(opened[0])
    gevent.sleep(0.2)
    assert again._closer is None
