"""A private MariaDB for tests: from the Debian package's programs, on a free port, in a temporary directory."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import pymysql

from tests.debian import need
from tests.gateway import free_port

START_S = 60.0
USER, PASSWORD = "grok", "p@ss:w/ö?rd#%"


class MariaDbServer:
    """Runs until it is stopped or the `with` statement ends; data survive `stop` and `kill`.

    options: of mariadbd, without their dashes.
    """

    def __init__(self, *options: str) -> None:
        install, self._binary = (need(name, "mariadb-server") for name in ("mariadb-install-db", "mariadbd"))
        self._folder = Path(tempfile.mkdtemp(prefix="grok2api-mariadb-"))
        self._options = options
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._as_root = ["--user=root"] if os.geteuid() == 0 else []
        command = [install, "--no-defaults", f"--datadir={self._folder}/data", *self._as_root]
        command += [
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--innodb-log-file-size=16M",
        ]
        made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        if made.returncode:
            shutil.rmtree(self._folder)
            raise RuntimeError(f"{install} failed:\n{made.stdout.decode('utf-8', 'replace')}")
        self.start()
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER %s@'127.0.0.1' IDENTIFIED BY %s", (USER, PASSWORD))
            cursor.execute("GRANT ALL ON *.* TO %s@'127.0.0.1'", (USER,))

    def url(self, database: str) -> str:
        """A DATABASE_URL; the database need not exist."""
        return f"mysql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{quote(database, safe='')}"

    def connect(self, database: str | None = None) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """As the server's root, in autocommit."""
        return pymysql.connect(
            unix_socket=f"{self._folder}/socket",
            user="root",
            database=database,
            autocommit=True,
            ssl_disabled=True,  # else each connection reads all certificates of the system: 20 ms
        )

    def start(self) -> None:
        command = [self._binary, "--no-defaults", f"--datadir={self._folder}/data", *self._as_root]
        command += ["--bind-address=127.0.0.1", f"--port={self.port}", f"--socket={self._folder}/socket"]
        command += ["--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M", "--skip-name-resolve"]
        command += [
            "--performance-schema=OFF",
            f"--pid-file={self._folder}/pid",
            *(f"--{o}" for o in self._options),
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + START_S
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(f"{self._folder}/socket")
                self.connect().close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self._folder / "log").read_text("utf-8", "replace")) from None
                time.sleep(0.05)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang: connections stay open, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on; harmless when it runs."""
        self._signal(signal.SIGCONT)

    def _signal(self, what: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(what)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=60)
            self._process = None

    def close(self) -> None:
        """Stop it and forget its data."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()
