"""Sends the frames of all streams when they are due, without a greenlet switch per frame.

One timer serves every stream: its callback runs in the hub, writes to the sockets without waiting and goes
back to the loop every few dozen frames, so that reading and accepting get their turn. A socket that is full
goes back to its own greenlet, which waits until there is room and then hands the stream over again.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from time import monotonic, monotonic_ns
from typing import Any

from gevent import get_hub
from gevent.hub import Waiter

from .steps import Send

# Frames sent before the loop may look at other sockets; at 10 us each this is well under a millisecond.
_TURN = 48


class _Job:
    __slots__ = ("alive", "due", "encode", "error", "frames", "index", "rest", "send", "waiter")

    def __init__(
        self, send: Callable[[bytes], int], frames: list[Send], encode: Callable[[bytes], bytes]
    ) -> None:
        self.send, self.frames, self.encode = send, frames, encode
        self.index = 0
        self.due = monotonic() + frames[0].delay
        self.rest = b""
        self.error: OSError | None = None
        self.alive = True
        self.waiter: Any = None


class Pacer:
    """`frames_sent` counts frames; `late_s` is the worst lateness of a frame so far, in seconds."""

    def __init__(self) -> None:
        self.frames_sent = 0
        self.late_s = 0.0
        self._heap: list[tuple[float, int, _Job]] = []
        self._order = 0
        self._timer: Any = None
        self._armed_for = 0.0

    def run(self, sock: Any, frames: list[Send], encode: Callable[[bytes], bytes]) -> None:
        """Sends all frames; returns after the last one. Raises OSError when the socket is dead."""
        if not frames:
            return
        job = _Job(sock._sock.send, frames, encode)
        try:
            while True:
                job.waiter = Waiter()
                self._push(job)
                self._arm()
                job.waiter.get()
                if job.error is not None:
                    raise job.error
                if job.rest:
                    rest, job.rest = job.rest, b""
                    sock.sendall(rest)
                if job.index >= len(frames):
                    return
        finally:
            job.alive = False

    def _push(self, job: _Job) -> None:
        self._order += 1
        heapq.heappush(self._heap, (job.due, self._order, job))

    def _arm(self) -> None:
        """Sets the timer for the earliest frame."""
        if not self._heap:
            return
        due = self._heap[0][0]
        if self._timer is not None:
            if self._armed_for <= due:
                return
            self._timer.stop()
            self._timer.close()
        self._armed_for = due
        self._timer = get_hub().loop.timer(max(due - monotonic(), 0.0))
        self._timer.start(self._tick)

    def _tick(self) -> None:
        self._timer.close()
        self._timer = None
        heap = self._heap
        now = monotonic()
        if heap:
            self.late_s = max(self.late_s, now - heap[0][0])
        for _ in range(_TURN):
            if not heap or heap[0][0] > now:
                break
            job = heapq.heappop(heap)[2]
            if job.alive and self._send_one(job):
                self._push(job)
        self._arm()

    def _send_one(self, job: _Job) -> bool:
        """Sends the next frame; True when more are left for the timer."""
        frame = job.frames[job.index]
        data = frame.data
        if frame.tail is not None:
            data = b"%b@%d %b" % (data, monotonic_ns(), frame.tail)
        data = job.encode(data)
        job.index += 1
        self.frames_sent += 1
        try:
            sent = job.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            job.error = error
            return self._wake(job)
        if sent < len(data):
            job.rest = data[sent:]
        if job.index >= len(job.frames):
            return self._wake(job)
        # Due times are absolute: a frame sent late does not push the later ones back.
        job.due += job.frames[job.index].delay
        return True if sent == len(data) else self._wake(job)

    @staticmethod
    def _wake(job: _Job) -> bool:
        get_hub().loop.run_callback(job.waiter.switch, None)
        return False
