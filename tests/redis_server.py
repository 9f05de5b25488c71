"""A private Redis for tests: from the Debian package's program, on a free port, in a temporary directory."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import redis
from redis.exceptions import RedisError

from tests.debian import need
from tests.gateway import free_port

START_S = 30.0

#: What hosted servers forbid. CONFIG is left, unless it is named too.
FORBIDDEN = ("KEYS", "FLUSHALL")


class RedisServer:
    """Runs until it is stopped or the `with` statement ends. It keeps nothing, unless `options` say so.

    options: of redis.conf, one a line's name and value. forbidden: commands that are taken away. tls: the files
    of a certificate and its key; then it speaks TLS only.
    """

    def __init__(
        self,
        *options: str,
        password: str = "",
        forbidden: tuple[str, ...] = FORBIDDEN,
        tls: tuple[Path, Path] | None = None,
        started: bool = True,
    ) -> None:
        self._binary = need("redis-server", "redis-server")
        self._folder = Path(tempfile.mkdtemp(prefix="grok2api-redis-"))
        self._password, self._tls = password, tls
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        lines = [f"dir {self._folder}", "bind 127.0.0.1", 'save ""', "appendonly no", *options]
        lines += [f'rename-command {command} ""' for command in forbidden]
        if password:
            escaped = password.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'requirepass "{escaped}"')
        if tls is None:
            lines.append(f"port {self.port}")
        else:
            lines += ["port 0", f"tls-port {self.port}", "tls-auth-clients no"]
            lines += [f"tls-cert-file {tls[0]}", f"tls-key-file {tls[1]}"]
        (self._folder / "redis.conf").write_text("\n".join(lines) + "\n", "utf-8")
        if started:
            self.start()

    def url(self, db: int = 0) -> str:
        """A DATABASE_URL."""
        login = f":{quote(self._password, safe='')}@" if self._password else ""
        tls = f"?ssl_ca_certs={quote(str(self._tls[0]))}" if self._tls else ""
        return f"redis{'s' if self._tls else ''}://{login}127.0.0.1:{self.port}/{db}{tls}"

    def connect(self, db: int = 0) -> Any:
        """A client of the driver's, with all rights."""
        return redis.Redis.from_url(self.url(db), decode_responses=True, protocol=2)

    def start(self) -> None:
        log_file = self._folder / "log"
        with log_file.open("ab") as log:
            command = [self._binary, str(self._folder / "redis.conf")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + START_S
        while True:
            try:
                with self.connect() as client:
                    client.ping()
                return
            except RedisError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(log_file.read_text("utf-8", "replace")) from None
                time.sleep(0.02)

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
            self._process.wait(timeout=30)
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
