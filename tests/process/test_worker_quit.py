"""Our gunicorn worker, told to stop at once."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.gateway import ROOT, free_port

_CONFIG = """\
from gevent import monkey
monkey.patch_all()
import os, signal, threading, time

bind = "127.0.0.1:{port}"
worker_class = "grok2api.server.worker.Worker"
graceful_timeout = 20
control_socket_disable = True
loglevel = "warning"

def worker_exit(server, worker):
    {at_exit}
"""
#: Of an app whose only answer does not end.
_APP = """\
import time

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    while True:
        yield b"x"
        time.sleep(0.05)
"""
#: A thread that is waited for once the worker has left its loop, and in that time what forces it to stop.
_QUIT_WHILE_ENDING = (
    "threading.Thread(target=time.sleep, args=(0.5,)).start(); os.kill(os.getpid(), signal.SIGQUIT)"
)


class Running:
    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    def stop(self, how: signal.Signals) -> float:
        """How long the server took to end, in seconds."""
        began = time.monotonic()
        self.process.send_signal(how)
        assert self.process.wait(timeout=30) == 0
        return time.monotonic() - began


@contextmanager
def server(folder: Path, at_exit: str = "pass") -> Iterator[Running]:
    port = free_port()
    (folder / "endless.py").write_text(_APP)
    (folder / "config.py").write_text(_CONFIG.format(port=port, at_exit=at_exit))
    command = [sys.executable, "-m", "gunicorn", "-c", "config.py", "--pythonpath", f"{ROOT}", "endless:app"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        yield Running(process, port, folder / "log")
    finally:
        process.kill()
        process.wait()


def streams(port: int) -> socket.socket:
    """A client of the endless answer, once some of it has come."""
    until = time.monotonic() + 30
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), timeout=10)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < until
            time.sleep(0.05)
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.recv(100)
    return client


def test_a_worker_that_is_ending_when_it_is_told_to_stop_at_once_says_nothing(tmp_path: Path) -> None:
    with server(tmp_path, _QUIT_WHILE_ENDING) as running:
        streams(running.port).close()
        running.stop(signal.SIGTERM)
        assert running.log.read_text() == ""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_streams_do_not_delay_a_stop_at_once(tmp_path: Path, how: signal.Signals) -> None:
    with server(tmp_path) as running, streams(running.port):
        assert running.stop(how) < 2
        assert running.log.read_text() == ""
