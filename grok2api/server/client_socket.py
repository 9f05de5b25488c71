"""A client's socket: the kernel sends files, and who takes next to nothing of what is sent is given up.

gevent's sockets copy a file in blocks of 8 KiB, and wait for a client for ever.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import socket
import stat
import sys
import termios
import time
from collections.abc import Callable
from typing import Any

import gevent
import gevent.socket

#: Bytes of a file that are sent before others have their turn.
_TURN_BYTES = 256 * 1024
#: What the kernel holds for a client beyond what is on its way. Else it is megabytes, so that all of an answer is read
#: from upstream and rendered for one who hardly reads, while others wait. Of a file it may be more: it costs nothing.
UNSENT_BYTES = 32 * 1024
#: A client that takes nothing of what it is sent for this long is given up.
STUCK_CLIENT_S = 60.0
#: Bytes per second that a client has to take of each piece in the end, beyond that time: one, taken one byte at a time,
#: would occupy the worker for days.
SLOWEST = 1024

#: What `os.sendfile` says of files that it cannot send; a copy can be sent of them.
_NOT_BY_KERNEL = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


class ClientSocket(gevent.socket.socket):
    """gevent's socket with a cheaper `sendall`, as one `send` nearly always takes all of a few tokens, and a `sendfile`
    that has the kernel send. Both raise ConnectionResetError, which gunicorn passes over in silence, for a client that
    takes nothing for STUCK_CLIENT_S, or less than SLOWEST for longer.

    on_bytes: called once, when something was received next.
    """

    on_bytes: Callable[[], None] | None = None

    # of gevent's socket, which has no types for them
    _check_sendfile_params: Callable[..., None]
    _wait: Callable[[Any], None]
    _write_event: Any

    def recv(self, *args: Any) -> bytes:
        data = super().recv(*args)
        if self.on_bytes is not None and data:
            tell, self.on_bytes = self.on_bytes, None
            tell()
        return data

    def sendall(self, data: Any, flags: int = 0) -> None:
        sent = self._send_some(data, flags)
        if sent < len(data):
            rest = memoryview(data)
            pace = None
            while sent < len(data):
                pace = self._wait_writable(pace, sent)
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
        hold_unsent(self, _TURN_BYTES)
        try:
            return self._send_in_turns(source, offset, count)
        finally:
            with contextlib.suppress(OSError):
                hold_unsent(self, UNSENT_BYTES)

    def _send_in_turns(self, source: int, offset: int, count: int | None) -> int:
        sent = 0
        pace = None
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
                pace = self._wait_writable(pace, sent)
        return sent

    def _wait_writable(self, pace: _Pace | None, sent: int) -> _Pace | None:
        """Until there is room to send more: a third of the socket's buffer, which may be megabytes. pace: of this
        piece, None at first; returned for the next time. sent: bytes of it until now."""
        timeout = self.gettimeout()
        if timeout is not None:
            self._wait(self._write_event)
            return None
        pace = pace or _Pace(self.fileno(), sent)
        waiting = pace.check(sent)
        while True:
            try:
                gevent.socket.wait(self._write_event, STUCK_CLIENT_S)
                return pace
            except TimeoutError:
                before, waiting = waiting, pace.check(sent)
                if waiting >= before:
                    raise ConnectionResetError(errno.ECONNRESET, "the client takes nothing") from None


class _Pace:
    """Whether a client takes what it is sent not too slowly."""

    __slots__ = ("_began", "_fd", "_waiting_before")

    def __init__(self, fd: int, sent: int) -> None:
        self._fd = fd
        self._began = time.monotonic()
        self._waiting_before = _waiting_bytes(fd) - sent

    def check(self, sent: int) -> int:
        """The bytes that it has not taken yet. Raises ConnectionResetError when it is too slow."""
        waiting = _waiting_bytes(self._fd)
        taken = self._waiting_before + sent - waiting
        if time.monotonic() - self._began > STUCK_CLIENT_S + taken / SLOWEST:
            raise ConnectionResetError(errno.ECONNRESET, "the client takes next to nothing")
        return waiting


def hold_unsent(connection: socket.socket, size: int) -> None:
    """Let the kernel hold so many bytes; of one that listens: for each of its connections."""
    if connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, size)


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
