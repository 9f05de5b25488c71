"""Full disks: under the database what fails fails clearly and all goes on by itself when there is room again; under the
log nothing fails. (Under the media cache: test_media_faults.)"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.gateway import Gateway
from tests.process.traffic import (
    Client,
    End,
    Traffic,
    add_accounts,
    listed,
    mixed,
    verify_the_books,
    wait_for_rest,
)
from tests.simulator.client import Simulator

RECOVERY_S = 10.0


class Disk:
    """A small file system that can be filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        fd = os.open(self._filler, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        try:
            with pytest.raises(OSError, match="No space"):
                while True:
                    os.write(fd, b"x" * 4096)
        finally:
            os.close(fd)

    def empty(self) -> None:
        self._filler.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], check=True)
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@dataclass(frozen=True)
class Served:
    """A gateway with its data on one small disk and its log on another."""

    gateway: Gateway
    data: Disk
    logs: Disk


@pytest.fixture(scope="module")
def running(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("disks")
    with (
        small_disk(folder / "data") as data,
        small_disk(folder / "logs") as logs,
        Gateway(folder / "data", shared_simulator.url, LOG_DIR=str(logs.folder)) as gateway,
    ):
        add_accounts(gateway, 8)
        yield Served(gateway, data, logs)


def test_a_full_disk_under_the_database(running: Served, simulator: Simulator) -> None:
    own, disk = running.gateway, running.data
    long = [Client(True, tokens=40, options=(("delay", 0.1),))] * 8
    with Traffic(own.url, long, once=True) as going_on:
        simulator.wait_until(lambda: simulator.streams()["open"] == len(long), 10)
        with Traffic(own.url, mixed(4, 4)) as traffic:
            disk.fill()
            full_at = time.monotonic()
            traffic.run_until(lambda: len(traffic.bad()) > 30, 15)
            assert requests.get(f"{own.url}/health", timeout=10).status_code == 200
            assert len(listed(own)) == 8  # who only reads is not held up
            settings = {"grok_config": {"x_statsig_id": "full"}}
            bearer = {"Authorization": f"Bearer {own.token}"}
            refused = own.post("/api/settings", settings, **bearer)
            assert (refused.status_code, refused.json()["code"]) == (503, "storage_unavailable")
            going_on.wait()  # their ends cannot be stored yet
            assert all(o.ended_at > full_at for o in going_on.outcomes)
            assert not going_on.bad(), going_on.summary()
            disk.empty()
            empty_at = time.monotonic()
            while own.chat("Hello").status_code != 200:
                assert time.monotonic() < empty_at + RECOVERY_S, own.log()[-3000:]
                time.sleep(0.05)
            recovered_at = time.monotonic()
            asked = len(traffic.outcomes)
            traffic.run_until(lambda: len(traffic.outcomes) > asked + 20, 15)
    ends = {(o.end, o.status, o.code) for o in traffic.bad()}
    slowest = max(o.took_s for o in traffic.bad())
    print(f"refused in {slowest:.2f} s at most; serves {recovered_at - empty_at:.2f} s after there was room")
    assert ends == {(End.FAILED, 503, "storage_unavailable")}, traffic.summary()
    assert not [o for o in traffic.bad() if o.began_at > recovered_at], traffic.summary()
    assert own.post("/api/settings", settings, **bearer).ok
    wait_for_rest(own, 15)
    verify_the_books(own, simulator)


def test_a_full_disk_under_the_log_fails_nothing(running: Served, simulator: Simulator) -> None:
    own, disk = running.gateway, running.logs
    log = disk.folder / "grok2api.log"
    own.set_settings(log_level="DEBUG")
    with Traffic(own.url, mixed(4, 4)) as traffic:

        def flow(answers: int) -> None:
            before = len(traffic.outcomes)
            traffic.run_until(lambda: len(traffic.outcomes) > before + answers, 20)

        flow(10)
        assert log.stat().st_size
        disk.fill()
        flow(30)
        log.rename(log.with_suffix(".log.1"))  # as logrotate does it; and then no other file can be made
        log.mkdir()
        flow(20)
        log.rmdir()
        disk.empty()
        flow(20)
    assert not traffic.bad(), traffic.summary()
    assert log.stat().st_size
    said = [line for line in own.log().splitlines() if f"cannot write {log}" in line]
    assert 1 <= len(said) <= 4 and "No space left on device" in said[0], said
    assert "Logging error" not in own.log()
