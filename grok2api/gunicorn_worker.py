"""gunicorn's gevent worker, which when told to stop does not wait for connections that are idle, and has the kernel
send files.

The stock worker waits for every open connection: a client or nginx that merely keeps one open would delay
each restart by the whole keep-alive time. gevent's sockets copy a file in blocks of 8 KiB.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import select
import socket
import ssl
import stat
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import gevent.socket
from gevent.server import StreamServer
from greenlet import getcurrent, greenlet
from gunicorn.workers.ggevent import GeventWorker

#: Bytes of a file that are sent before others have their turn.
_TURN_BYTES = 256 * 1024
#: A client that takes nothing of what it is sent for this long is given up.
STUCK_CLIENT_S = 60.0

#: What `os.sendfile` says of files that it cannot send; a copy can be sent of them.
_NOT_BY_KERNEL = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)

#: A connection younger than this may be about to bring its first request.
_FRESH_S = 1.0


class _NoRequest(BaseException):
    """Thrown into a greenlet that waits for a further request; its wait then ends as if timed out."""


class ClientSocket(gevent.socket.socket):
    """gevent's socket with a cheaper `sendall`, as one `send` nearly always takes all of a few tokens, and a `sendfile`
    that has the kernel send. Both raise ConnectionResetError, which gunicorn passes over in silence, for a client that
    takes nothing for STUCK_CLIENT_S; gevent waits for ever."""

    # of gevent's socket, which has no types for them
    _check_sendfile_params: Callable[..., None]
    _wait: Callable[[Any], None]
    _write_event: Any

    def sendall(self, data: Any, flags: int = 0) -> None:
        sent = self._send_some(data, flags)
        if sent < len(data):
            rest = memoryview(data)
            while sent < len(data):
                self._wait_writable()
                sent += self._send_some(rest[sent:], flags)

    def _send_some(self, data: Any, flags: int) -> int:
        """The bytes that there was room for."""
        try:
            return self.send(data, flags, 0.0)  # type: ignore[call-arg]  # gevent's takes a timeout
        except BlockingIOError:
            return 0

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send a file from `offset`, `count` bytes or all that there is; the bytes that were sent.

        Raises what `socket.sendfile` raises, and OSError when the file has fewer than `count` bytes: the client was
        promised them, and would take what comes next for the rest.
        """
        self._check_sendfile_params(file, offset, count)
        if self.gettimeout() == 0:
            raise ValueError("non-blocking sockets are not supported")
        sent = 0
        source = _regular_file(file)
        if source is not None:
            try:
                sent = self._send_by_kernel(source, offset, count)
            except _CannotSend:
                source = None
        if source is None:
            sent = super().sendfile(file, offset, count)
        elif hasattr(file, "seek"):
            file.seek(offset + sent)
        if count is not None and sent < count:
            raise OSError(errno.EIO, f"the file ended {count - sent} bytes early")
        return sent

    def _send_by_kernel(self, source: int, offset: int, count: int | None) -> int:
        """Raises _CannotSend before anything was sent."""
        sent = 0
        while count is None or sent < count:
            turn = _TURN_BYTES if count is None else min(_TURN_BYTES, count - sent)
            _load(source, offset + sent, turn)
            try:
                taken = os.sendfile(self.fileno(), source, offset + sent, turn)
            except BlockingIOError:
                taken = -1
            except OSError as error:
                if not sent and error.errno in _NOT_BY_KERNEL:
                    raise _CannotSend from error
                raise
            if not taken:
                break
            sent += max(taken, 0)
            if sent != count:
                # Also when there is room: the loop then looks at all sockets before it comes back to this one.
                self._wait_writable()
        return sent

    def _wait_writable(self) -> None:
        """Until there is room to send more: a third of the socket's buffer, which may be megabytes."""
        timeout = self.gettimeout()
        if timeout is not None:
            self._wait(self._write_event)
            return
        waiting = _waiting_bytes(self.fileno())
        while True:
            try:
                gevent.socket.wait(self._write_event, STUCK_CLIENT_S)
                return
            except TimeoutError:
                before, waiting = waiting, _waiting_bytes(self.fileno())
                if waiting >= before:
                    raise ConnectionResetError(errno.ECONNRESET, "the client takes nothing") from None


class _CannotSend(Exception):
    """The kernel does not send files of this file system."""


def _waiting_bytes(fd: int) -> int:
    """What a socket was given and its peer has not taken yet."""
    answer = fcntl.ioctl(fd, termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(answer, sys.byteorder)


def _regular_file(file: Any) -> int | None:
    """Its descriptor; None: it has none, or is a pipe or the like."""
    try:
        fd: int = file.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return None
    return fd if stat.S_ISREG(os.fstat(fd).st_mode) else None


def _load(fd: int, offset: int, length: int) -> None:
    """Have a part of a file in memory, so that sending it does not make all wait for the disk.

    Looked at is its last byte: the kernel reads ahead, in order. It may be beyond the end.
    """
    try:
        os.preadv(fd, [bytearray(1)], offset + length - 1, os.RWF_NOWAIT)
    except BlockingIOError:
        gevent.get_hub().threadpool.apply(os.pread, (fd, length, offset))
    except OSError:
        pass  # the file system cannot tell, or the file cannot be read, which sending it will say


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: greenlet -> its connection, and since when it waits for a request
        self._clients: dict[greenlet, socket.socket] = {}
        self._waiting: dict[greenlet, float] = {}
        #: Whether the main greenlet is leaving.
        self._ended = False

    def init_process(self) -> None:
        """All of the worker's life."""
        try:
            super().init_process()
        finally:
            self._ended = True

    def run(self) -> None:
        # A burst of new connections is taken in one by one, between the tokens of running streams: with
        # gevent's 100 at a time, the slowest hundredth of all tokens was late by 25 ms instead of 13.
        StreamServer.max_accept = 1
        super().run()

    def handle(self, listener: Any, client: socket.socket, addr: Any) -> None:
        me = getcurrent()
        if not isinstance(client, ssl.SSLSocket):  # which would lose its TLS
            client = ClientSocket(client.family, client.type, client.proto, fileno=client.detach())
        self._clients[me] = client
        try:
            super().handle(listener, client, addr)
        finally:
            del self._clients[me]

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Around the wait for a connection's next request."""
        me = getcurrent()
        self._waiting[me] = time.monotonic()
        try:
            with super().timeout_ctx():
                yield
        except _NoRequest:
            pass
        finally:
            del self._waiting[me]

    def handle_quit(self, sig: int, frame: Any) -> None:
        gevent.spawn(self._quit)  # in the handler of a signal nothing may wait

    def _quit(self) -> None:
        """As gunicorn does it, except for a worker that ends by itself in the meantime: told to exit once more, Python
        prints a traceback."""
        self.alive = False
        self.cfg.worker_int(self)
        gevent.sleep(0.1)
        if not self._ended:
            sys.exit(0)

    def notify(self) -> None:
        """Called every second, also while stopping."""
        super().notify()
        if not self.alive:
            long_ago = time.monotonic() - _FRESH_S
            for waiter, since in list(self._waiting.items()):
                if since < long_ago and not _has_data(self._clients[waiter]):
                    gevent.kill(waiter, _NoRequest)


def _has_data(connection: socket.socket) -> bool:
    """Whether there is something to read: a request that is arriving."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
