"""A case played with a real gateway and the simulator: what its last sections ought to be."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import requests

from grok2api.settings import SETTINGS
from tests.gateway import SETTINGS_FRESH_S, Gateway
from tests.golden.case import Case, Request, block
from tests.golden.names import Names
from tests.simulator.client import SimulatorClient

_HEADERS = (
    "Content-Type",
    "Cache-Control",
    "X-Accel-Buffering",
    "X-Ignored-Params",
    "Retry-After",
    "X-Should-Retry",
)


def play(case: Case, gateway: Gateway, simulator: SimulatorClient) -> dict[str, str]:
    """The sections `To Grok` and `Answer`. Gateway and simulator are fresh, with default settings and accounts."""
    directives = case.directives
    simulator.defaults(directive=directives)
    names = Names()
    with _settings(gateway, case.settings):
        answers = [block("http", _answer(gateway, request, names)) for request in case.requests]
    chats = simulator.chats()
    assert len(chats) >= len(directives), "Grok was asked less often than the case has answers"
    return {"To Grok": _asked(chats, names), "Answer": "\n\n".join(answers)}


@contextmanager
def _settings(gateway: Gateway, values: Mapping[str, Any]) -> Iterator[None]:
    defaults = {setting.name: setting.default for setting in SETTINGS}
    _set(gateway, values)
    try:
        yield
    finally:
        _set(gateway, {name: defaults[name] for name in values})


def _set(gateway: Gateway, values: Mapping[str, Any]) -> None:
    if values:
        scopes: dict[str, dict[str, Any]] = {"global_config": {}, "grok_config": {}}
        for setting in SETTINGS:
            if setting.name in values:
                scopes[f"{setting.scope}_config"][setting.name] = values[setting.name]
        gateway.admin("/api/settings", scopes)
        time.sleep(SETTINGS_FRESH_S)


def _asked(chats: list[dict[str, Any]], names: Names) -> str:
    told: list[str] = []
    last = None
    for number, chat in enumerate(chats, 1):
        body = chat["body"]
        temporary = "temporary" if body["temporary"] else "kept"
        about = f"account `{chat['sso']}`, `{body['modelName']}`, `{body['modelMode']}`, {temporary}"
        message = names.hide_ids(body["message"])
        same = ", the same message" if message == last else f"\n\n{block('text', message)}"
        told.append(f"Attempt {number}: {about}{same}")
        last = message
    return "\n\n".join(told) or "Nothing."


def _answer(gateway: Gateway, request: Request, names: Names) -> str:
    body = names.restore(request.body).encode()
    headers = {"Content-Type": "application/json", **request.headers}
    response = gateway.session.post(gateway.url + request.path, body, headers=headers, timeout=60)
    head = [f"HTTP/1.1 {response.status_code} {response.reason}"]
    head += [f"{name}: {_value(response, name)}" for name in _HEADERS if name in response.headers]
    streamed = response.headers["Content-Type"].startswith("text/event-stream")
    shown = _events(response.content) if streamed else _document(response.content)
    return names.hide("\n".join(head) + "\n\n" + shown)


def _value(response: requests.Response, name: str) -> str:
    value = response.headers[name]
    if name == "Retry-After" and int(value) > 60:  # whole minutes: it counts down
        return str(60 * math.ceil(int(value) / 60))
    return value


def _document(content: bytes) -> str:
    return orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode()


def _events(content: bytes) -> str:
    """The events of a stream as they came; fails for anything but what an SSE parser of the strictest kind takes."""
    text = content.decode("utf-8")
    assert "\r" not in text
    *events, rest = text.split("\n\n")
    assert not rest, f"the stream ends in the middle of an event: {rest}"
    for number, event in enumerate(events):
        *kind, data = event.split("\n")
        assert data.startswith("data: "), f"not an event: {event}"
        if data == "data: [DONE]":
            assert not kind and number == len(events) - 1, "[DONE] is not the end"
        else:
            document = orjson.loads(data.removeprefix("data: "))
            assert kind in ([], [f"event: {document.get('type')}"]), f"not the event's name: {event}"
    return "\n\n".join(events)
