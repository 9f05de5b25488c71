"""Requests to the simulator as a gateway would make them; for the simulator's own tests."""

from __future__ import annotations

import socket
import uuid
from typing import Any

import orjson
import requests

from .client import SimulatorClient

CHAT = "/rest/app-chat/conversations/new"
UPLOAD = "/rest/app-chat/upload-file"
CREATE = "/rest/media/post/create"
LIMITS = "/rest/rate-limits"


def headers(sso: str) -> dict[str, str]:
    cookies = f"sso-rw={sso};sso={sso}"
    return {"Cookie": cookies, "x-statsig-id": "c3RhdHNpZw", "x-xai-request-id": str(uuid.uuid4())}


def post(sim: SimulatorClient, path: str, body: dict[str, Any], sso: str) -> requests.Response:
    return requests.post(sim.url + path, data=orjson.dumps(body), headers=headers(sso), timeout=10)


def chat(sim: SimulatorClient, message: str, sso: str = "sim-basic-ok-t", **fields: Any) -> requests.Response:
    body = {"temporary": True, "modelName": "grok-3", "modelMode": "MODEL_MODE_FAST", "message": message}
    return post(sim, CHAT, {**body, **fields}, sso)


def frames(answer: requests.Response | bytes) -> list[dict[str, Any]]:
    raw = answer if isinstance(answer, bytes) else answer.content
    return [orjson.loads(line) for line in raw.split(b"\n") if line.strip()]


def shape(frame: dict[str, Any]) -> str:
    """A word for a frame: think, token, stop, or its first key."""
    if "result" not in frame:
        return "error"
    part = frame["result"].get("response")
    if part is None:
        return str(next(iter(frame["result"])))
    if "token" not in part:
        return str(next(iter(part)))
    if part["isSoftStop"]:
        return "stop"
    return str(part["messageTag"]) if part["isThinking"] else "token"


def order(answer: requests.Response) -> list[str]:
    """Shapes of the frames; neighbours that are equal count once."""
    shapes = [shape(frame) for frame in frames(answer)]
    return [word for at, word in enumerate(shapes) if at == 0 or shapes[at - 1] != word]


def text(answer: requests.Response) -> str:
    """The joined answer tokens."""
    parts = [frame["result"]["response"] for frame in frames(answer) if shape(frame) in ("token", "stop")]
    return "".join(part["token"] for part in parts)


def raw_chat(port: int, message: str, sso: str = "sim-basic-ok-raw") -> socket.socket:
    """A plain socket on which a chat request was sent; nothing was read yet."""
    body = orjson.dumps({"message": message, "modelName": "grok-3"})
    lines = [f"POST {CHAT} HTTP/1.1", "Host: grok.com", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers(sso).items()]
    sock = socket.create_connection(("127.0.0.1", port), timeout=5)
    sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return sock


def read_until(sock: socket.socket, marker: bytes) -> bytes:
    """Reads until the marker was seen; raises at an early end or after the socket's timeout."""
    data = b""
    while marker not in data:
        more = sock.recv(65536)
        if not more:
            raise EOFError(data)
        data += more
    return data
