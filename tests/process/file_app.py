"""An app that serves the files of a folder with `file_response`, for gunicorn with our worker. Run by `FileServer`."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import requests
from flask import Flask, Response, request

from grok2api.server import client_socket
from grok2api.services.media_files import HeldFiles, OpenFile
from grok2api.web.file_response import accel_response, file_response
from tests.gateway import ROOT, free_port

_CONFIG = """\
from gevent import monkey
monkey.patch_all()
bind = "127.0.0.1:{port}"
worker_class = "grok2api.server.worker.Worker"
worker_connections = 1000
keepalive = 75
graceful_timeout = 5
control_socket_disable = True
loglevel = "warning"
"""


def open_file(path: Path, name: str, content_type: str) -> OpenFile:
    status = path.stat()
    return OpenFile(
        file=io.FileIO(path, "rb"),
        size=status.st_size,
        content_type=content_type,
        etag=f"e-{status.st_size:x}",
        modified_at=status.st_mtime,
        name=name,
    )


def make_app() -> Flask:
    """GET /direct/<name>, /accel/<name> with ?type=CONTENT_TYPE, and &remove=1 to
    remove the file before the answer; /ping."""
    folder = Path(os.environ["FILES"])
    for module in (client_socket, file_response):
        vars(module)["STUCK_CLIENT_S"] = float(os.environ["STUCK_S"])
    app = Flask(__name__)
    held = HeldFiles(hold_s=0.1)

    @app.get("/<way>/<path:name>")
    def serve(way: str, name: str) -> Response:
        opened = open_file(folder / name, name, request.args.get("type", "video/mp4"))
        if "remove" in request.args:
            (folder / name).unlink()
        if way == "accel":
            answer = accel_response(opened, "private, max-age=77", "/_media/", held)
        else:
            answer = file_response(opened, "private, max-age=77")
        answer.headers["X-Request-ID"] = "r1"
        return answer

    @app.get("/ping")
    def ping() -> str:
        return "pong"

    return app


class FileServer:
    """gunicorn with one worker over `make_app`; for use in a `with` statement."""

    def __init__(self, files: Path, scratch: Path, stuck_s: float = 60.0) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = scratch / f"gunicorn-{self.port}.log"
        config = scratch / f"gunicorn-{self.port}.py"
        config.write_text(_CONFIG.format(port=self.port))
        environ = os.environ | {"FILES": str(files), "STUCK_S": str(stuck_s)}
        command = [sys.executable, "-m", "gunicorn", "-c", str(config), "tests.process.file_app:make_app()"]
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        until = time.monotonic() + 30
        while time.monotonic() < until and self._process.poll() is None:
            try:
                if requests.get(f"{self.url}/ping", timeout=5).ok:
                    return self
            except requests.ConnectionError:
                time.sleep(0.05)
        self._process.kill()
        self._process.wait()
        raise RuntimeError(f"the server did not start:\n{self.log_path.read_text()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        if error is not None:
            error.add_note(f"gunicorn logged:\n{self.log_path.read_text()[-4000:]}")

    @property
    def worker(self) -> Path:
        """The worker's folder in /proc."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        (pid,) = children.split()
        return Path(f"/proc/{pid}")

    def open_files(self, folder: Path) -> int:
        """How many files of a folder the worker has open."""
        found = 0
        for fd in (self.worker / "fd").iterdir():
            try:
                found += fd.readlink().is_relative_to(folder)
            except FileNotFoundError:
                continue
        return found

    def wait_closed(self, folder: Path, within_s: float = 10.0) -> None:
        until = time.monotonic() + within_s
        while (left := self.open_files(folder)) and time.monotonic() < until:
            time.sleep(0.02)
        assert left == 0

    def sent_by_kernel(self) -> int:
        """Bytes: only files that `sendfile` sent count as written; what is sent to a socket does not."""
        return self._number("io", "wchar")

    def memory(self) -> int:
        """Bytes of the worker's own memory."""
        return self._number("status", "RssAnon") * 1024

    def cpu_s(self) -> float:
        fields = (self.worker / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _number(self, file: str, name: str) -> int:
        lines = (self.worker / file).read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
