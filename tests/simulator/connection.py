"""Puts replies on the wire and notices at once when the client goes away."""

from __future__ import annotations

import socket
import struct
from typing import Any

import gevent
from gevent import get_hub, getcurrent
from gevent.event import Event

from .http import Request, Transport, head
from .pacing import Pacer
from .replies import Reply, Stream, Whole
from .steps import Cut, Drip, Eof, Gate, Pause, Reset, Send, Stall, Step

_SERVER_HEADERS = {"Server": "cloudflare", "CF-RAY": "0000000000000000-SIM"}
_FOREVER_S = 86400.0


class ClientGone(Exception):
    """The client closed or reset the connection while a reply was under way."""


class _Ended(Exception):
    """A step ended the stream; `how` is the word for the journal."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class Gates:
    """Permits by key, for streams that wait for a test."""

    def __init__(self) -> None:
        self._permits: dict[str, int] = {}
        self._waiting: dict[str, list[Event]] = {}

    def allow(self, key: str, count: int) -> dict[str, int]:
        """Adds permits; a negative count opens the gate for good. Returns the state of the gate."""
        waiting = self._waiting.get(key, [])
        if count:
            self._permits[key] = -1 if count < 0 else max(self._permits.get(key, 0), 0) + count
            for event in waiting:
                event.set()
        return {"waiting": len(waiting), "permits": self._permits.get(key, 0)}

    def clear(self) -> None:
        self._permits.clear()

    def wait(self, key: str) -> None:
        """Takes a permit, waiting for it if need be."""
        queue = self._waiting.setdefault(key, [])
        while not self._permits.get(key, 0):
            event = Event()
            queue.append(event)
            try:
                event.wait()
            finally:
                queue.remove(event)
        if self._permits[key] > 0:
            self._permits[key] -= 1


class _Watch:
    """Throws ClientGone into the current greenlet when the client closes, although nobody reads from the
    socket.
    """

    def __init__(self, sock: Any) -> None:
        self._raw = sock._sock
        self._io = get_hub().loop.io(sock.fileno(), 1)
        self._greenlet = getcurrent()

    def __enter__(self) -> None:
        self._io.start(self._readable)

    def __exit__(self, *_: object) -> None:
        self._io.stop()
        self._io.close()

    def _readable(self) -> None:
        try:
            data = self._raw.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        # After bytes of a next request an end of file is out of sight; such a client is seen when we write to
        # it.
        self._io.stop()
        if not data:
            self._greenlet.throw(ClientGone())


class Connection:
    """One client connection."""

    def __init__(self, sock: Any, pacer: Pacer, gates: Gates) -> None:
        self._sock = sock
        self._pacer = pacer
        self._gates = gates

    def send(self, request: Request, reply: Reply) -> tuple[str, bool]:
        """Sends a reply; returns how it ended and whether the connection can be used again."""
        try:
            with _Watch(self._sock):
                for step in reply.before:
                    self._step(step)
                if isinstance(reply, Whole):
                    return "complete", self._whole(request, reply)
                return self._stream(request, reply)
        except _Ended as ended:
            return ended.how, False
        except (ClientGone, OSError):
            return "client_gone", False

    def _whole(self, request: Request, reply: Whole) -> bool:
        length = len(reply.body) if reply.length is None else reply.length
        keep = request.keep_alive and length == len(reply.body)
        headers = {"Content-Type": reply.content_type, "Content-Length": str(length), **_SERVER_HEADERS}
        headers |= {"Connection": "keep-alive" if keep else "close"} | reply.headers
        start = head(reply.status, headers)
        body = b"" if request.method == "HEAD" else reply.body[:length]
        if not reply.slow_s:
            self._sock.sendall(start + body)
        else:
            self._sock.sendall(start)
            size = len(body) // 10 + 1
            for at in range(0, len(body), size):
                gevent.sleep(reply.slow_s / 10)
                self._sock.sendall(body[at : at + size])
        if length > len(reply.body):
            raise _Ended("cut")
        return keep

    def _stream(self, request: Request, reply: Stream) -> tuple[str, bool]:
        transport = Transport(reply.transport)
        headers = {"Content-Type": reply.content_type, **_SERVER_HEADERS, **transport.headers}
        keep = request.keep_alive and not transport.closes
        if not keep:
            headers["Connection"] = "close"
        self._sock.sendall(head(reply.status, headers))
        how = "complete"
        frames: list[Send] = []
        for step in reply.steps:
            if isinstance(step, Send):
                frames.append(step)
                continue
            self._frames(frames, transport, reply)
            frames = []
            if isinstance(step, Eof):
                how = "eof"
                break
            self._step(step, transport)
        self._frames(frames, transport, reply)
        self._sock.sendall(transport.finish())
        return how, keep

    def _frames(self, frames: list[Send], transport: Transport, reply: Stream) -> None:
        if not reply.segment and not reply.split:
            self._pacer.run(self._sock, frames, transport.encode)
            return
        split = reply.split or 1 << 30
        for frame in frames:
            gevent.sleep(frame.delay)
            for at in range(0, len(frame.data), split):
                self._segments(transport.encode(frame.data[at : at + split]), reply)

    def _segments(self, data: bytes, reply: Stream) -> None:
        size = reply.segment or len(data)
        for at in range(0, len(data), size):
            self._sock.sendall(data[at : at + size])
            gevent.sleep(reply.pause_s)

    def _step(self, step: Step, transport: Transport | None = None) -> None:
        match step:
            case Pause(seconds):
                gevent.sleep(seconds)
            case Gate(key):
                self._gates.wait(key)
            case Stall():
                gevent.sleep(_FOREVER_S)
                raise _Ended("stall")
            case Drip(data, interval):
                for at in range(len(data)):
                    one = data[at : at + 1]
                    self._sock.sendall(transport.encode(one) if transport else one)
                    gevent.sleep(interval)
            case Cut():
                raise _Ended("cut")
            case Reset():
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise _Ended("reset")
