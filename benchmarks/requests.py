"""The requests as bytes on the wire: OpenAI's to the gateway, and through nginx what the gateway would send."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

from benchmarks.processes import FEW_ACCOUNTS, Server, secret
from grok2api.catalogue import Catalogue
from grok2api.upstream.payload import chat_payload

MODEL = "grok-4.1"

#: From prompt, number and the server to an HTTP request.
Request = Callable[[str, int, Server], str]


def through_gateway(prompt: str, number: int, server: Server) -> str:
    return _chat(prompt, server, stream=True)


def whole_through_gateway(prompt: str, number: int, server: Server) -> str:
    """The answer in one piece."""
    return _chat(prompt, server, stream=False)


def through_nginx(prompt: str, number: int, server: Server) -> str:
    account = secret(number % FEW_ACCOUNTS)
    headers = {
        "Cookie": f"sso={account}; sso-rw={account}",
        "x-statsig-id": "bench",
        "x-xai-request-id": str(uuid.uuid4()),
    }
    body = chat_payload(Catalogue().get(MODEL), prompt, temporary=True)
    return _post("/rest/app-chat/conversations/new", server, body, headers)


def models_of_gateway(prompt: str, number: int, server: Server) -> str:
    return _request("GET", "/v1/models", server, _authorization(server), "")


def models_through_nginx(prompt: str, number: int, server: Server) -> str:
    return _request("GET", "/models", server, {}, "")


def _chat(prompt: str, server: Server, *, stream: bool) -> str:
    body = {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": prompt}]}
    return _post("/v1/chat/completions", server, body, _authorization(server))


def _authorization(server: Server) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.key}"}


def _post(path: str, server: Server, body: dict[str, object], headers: dict[str, str]) -> str:
    content = json.dumps(body)
    headers = {"Content-Type": "application/json", **headers, "Content-Length": str(len(content))}
    return _request("POST", path, server, headers, content)


def _request(method: str, path: str, server: Server, headers: dict[str, str], content: str) -> str:
    headers = {"Host": f"127.0.0.1:{server.port}", **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", content])
