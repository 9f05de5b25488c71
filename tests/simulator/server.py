"""The server: one port for grok.com, assets.grok.com and the control API, told apart by path."""

from __future__ import annotations

import re
import socket
import time
from typing import Any

from gevent.server import StreamServer

from . import control
from .accounts import Account, Accounts
from .chat import NAMES, Chat
from .connection import ClientGone, Connection, Gates
from .faults import ANTI_BOT, BAD_CREDENTIALS, NO_CREDENTIALS, Envelope
from .http import BadHttp, Request, RequestReader
from .journal import Journal, Record
from .pacing import Pacer
from .replies import Reply, Stream, Whole, envelope
from .steps import Reset, Stall
from .unary import Unary, spoiled

CHAT = "/rest/app-chat/conversations/new"
_ENDPOINTS = {
    CHAT: "chat",
    "/rest/app-chat/upload-file": "upload",
    "/rest/media/post/create": "create",
    "/rest/rate-limits": "limits",
}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


class Simulation:
    """The state of the simulated service and the handler of its connections."""

    def __init__(self, keep_journal: bool = True) -> None:
        self.accounts = Accounts(NAMES)
        self.journal = Journal(keep_journal)
        self.gates = Gates()
        self.pacer = Pacer()
        self.chat = Chat()
        self.unary = Unary(self.accounts)
        self._connections = 0

    def streams(self) -> dict[str, Any]:
        """Counters of chat requests: `opened` counts streams, `rejected` whole answers such as errors."""
        counts = self.journal.counts
        names = ("opened", "completed", "client_gone", "rejected", "reset", "cut", "eof")
        whole: dict[str, Any] = {"open": self.journal.open, **{name: counts[name] for name in names}}
        whole |= {"connections": self._connections, "frames_sent": self.pacer.frames_sent}
        return whole | {"late_ms": round(self.pacer.late_s * 1000, 1)}

    def reset(self) -> None:
        """Forgets accounts, journal, counters, permits and defaults; streams under way go on."""
        self.accounts.clear()
        self.journal.clear()
        self.gates.clear()
        self.chat.defaults = []
        self.chat.failures.clear()
        self.pacer.frames_sent, self.pacer.late_s = 0, 0.0
        self.unary = Unary(self.accounts)

    def serve(self, sock: Any, _address: object) -> None:
        """Answers the requests of one connection until it ends."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock, self.pacer, self.gates)
        reader = RequestReader(sock)
        self._connections += 1
        try:
            while (request := reader.read()) is not None:
                if not self._exchange(connection, request):
                    break
        except BadHttp as error:
            reply = Whole(400, str(error).encode(), "text/plain")
            connection.send(Request("GET", "", {}, {}, {}, b"", False), reply)
        except (OSError, ClientGone):
            pass
        finally:
            self._connections -= 1
            sock.close()

    def _exchange(self, connection: Connection, request: Request) -> bool:
        """One request and its reply; False when the connection cannot be used again."""
        if request.path.startswith("/_sim/"):
            return connection.send(request, control.handle(self, request))[1]
        record = self.journal.add(request, request.cookies.get("sso", ""))
        try:
            reply = self._reply(request, record)
        except Exception as error:
            # A fault of the simulator itself must look like nothing the real service would say.
            self._finish(record, False, "simulator_error")
            connection.send(request, Whole(599, f"simulator error: {error!r}".encode(), "text/plain"))
            raise
        request.body = b""
        streams = isinstance(reply, Stream)
        record.status = (
            None if any(isinstance(step, Reset | Stall) for step in reply.before) else reply.status
        )
        chat = request.path == CHAT
        if chat:
            self.journal.counts["opened" if streams else "rejected"] += 1
            self.journal.open += streams
        ended, keep = connection.send(request, reply)
        if chat:
            self.journal.open -= streams
        self._finish(record, chat and streams, ended)
        return keep

    def _finish(self, record: Record, stream: bool, ended: str) -> None:
        record.ended, record.closed_at = ended, time.time()
        if stream:
            self.journal.counts["completed" if ended == "complete" else ended] += 1

    def _reply(self, request: Request, record: Record) -> Reply:
        endpoint = _ENDPOINTS.get(request.path)
        if endpoint is None:
            if request.method in ("GET", "HEAD") and not request.path.startswith("/rest/"):
                return self.unary.asset(request)
            return envelope(404, 5, "Not Found", wrapped=False)
        if request.method != "POST":
            return envelope(405, 12, "Method Not Allowed", wrapped=False)
        if not _UUID.fullmatch(request.headers.get("x-xai-request-id", "")):
            record.flags = ("bad_request_id",)
        account = self._account(request)
        if isinstance(account, Envelope):
            return envelope(account.status, account.code, account.message, wrapped=endpoint == "chat")
        if endpoint == "chat":
            reply, record.scenario = self.chat.answer(account, request.body)
            return reply
        answer = {"upload": self.unary.upload, "create": self.unary.create, "limits": self.unary.limits}[
            endpoint
        ]
        return spoiled(account, endpoint, lambda: answer(account, request.body))

    def _account(self, request: Request) -> Account | Envelope:
        """The account of the sso cookie, or the error for a bad cookie or a missing x-statsig-id."""
        secret = request.cookies.get("sso", "")
        if not secret:
            return NO_CREDENTIALS
        account = self.accounts.get(secret)
        if account is None:
            return BAD_CREDENTIALS
        return account if request.headers.get("x-statsig-id") else ANTI_BOT


def listen(host: str, port: int) -> socket.socket:
    """A listening socket with a long queue; raises OSError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(4096)
    listener.setblocking(False)
    return listener


def make_server(simulation: Simulation, listener: socket.socket) -> StreamServer:
    return StreamServer(listener, simulation.serve)
