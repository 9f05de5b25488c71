"""The requests as bytes on the wire: OpenAI's to the gateway, and through nginx what the gateway would send."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

from benchmarks.processes import SECRETS
from grok2api.catalogue import Catalogue
from grok2api.upstream.payload import chat_payload

MODEL = "grok-4.1"

#: From prompt, number and port to an HTTP request.
Request = Callable[[str, int, int], str]


def through_gateway(prompt: str, number: int, port: int) -> str:
    body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    return _post("/v1/chat/completions", port, body, {})


def through_nginx(prompt: str, number: int, port: int) -> str:
    secret = SECRETS[number % len(SECRETS)]
    headers = {
        "Cookie": f"sso={secret}; sso-rw={secret}",
        "x-statsig-id": "bench",
        "x-xai-request-id": str(uuid.uuid4()),
    }
    body = chat_payload(Catalogue().get(MODEL), prompt, temporary=True)
    return _post("/rest/app-chat/conversations/new", port, body, headers)


def _post(path: str, port: int, body: dict[str, object], headers: dict[str, str]) -> str:
    content = json.dumps(body)
    headers = {"Host": f"127.0.0.1:{port}", "Content-Type": "application/json", **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(content)}", "", content])
