"""Requests that are wrong in themselves: true status, the envelope, the field; never a 500."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import orjson
import pytest
import requests
from flask import Flask

from grok2api.app import create_app
from grok2api.env import Env
from grok2api.web.services import KEY
from tests.gateway import Gateway

GOOD: dict[str, Any] = {"model": "grok-4.1", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 7}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": ["Hi"]}, "messages[0]"),
        ({"messages": [{"role": "robot", "content": "Hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
            "messages[0].content[0].type",
        ),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"n": 2}, "n"),
        ({"temperature": 3}, "temperature"),
        ({"stop": [""]}, "stop[0]"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "c"}]}, "messages[0].tool_call_id"),
    ],
)
def test_a_wrong_field_is_400_with_its_name(gateway: Gateway, change: dict[str, Any], param: str) -> None:
    error = refusal(gateway.post("/v1/chat/completions", GOOD | change), 400)
    assert (error["param"], error["code"]) == (param, None)


def refusal(response: requests.Response, status: int) -> dict[str, Any]:
    """The error of an answer that has this status and OpenAI's envelope, every key of it."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    document = response.json()
    assert set(document) == {"error"}
    error: dict[str, Any] = document["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"] and error["type"] == "invalid_request_error"
    return error


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"model": NaN}'])
def test_a_body_that_is_no_json_object_is_400(gateway: Gateway, body: bytes) -> None:
    response = gateway.session.post(
        f"{gateway.url}/v1/chat/completions", data=body, headers={"Content-Type": "application/json"}
    )
    error = refusal(response, 400)
    assert error["param"] is None


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_another_content_type_is_415(gateway: Gateway, kind: str | None) -> None:
    response = gateway.session.post(
        f"{gateway.url}/v1/chat/completions", data=orjson.dumps(GOOD), headers={"Content-Type": kind}
    )
    assert refusal(response, 415)["code"] == "unsupported_media_type"


def test_json_with_a_charset_is_json(gateway: Gateway) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    url = f"{gateway.url}/v1/chat/completions"
    assert gateway.session.post(url, data=orjson.dumps(GOOD), headers=headers).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD"])
def test_a_wrong_method_is_405_and_names_the_right_one(gateway: Gateway, method: str) -> None:
    response = gateway.session.request(method, f"{gateway.url}/v1/chat/completions")
    assert set(response.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
    if method == "HEAD":
        assert (response.status_code, response.content) == (405, b"")
    else:
        assert refusal(response, 405)["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path",
    ["/v1/nothing", "/v1", "/v1/", "/v1/v1/chat/completions", "/chat/completions", "/v1/chat/completions/"],
)
def test_an_unknown_route_is_404_and_told(gateway: Gateway, path: str) -> None:
    error = refusal(gateway.post(path, GOOD), 404)
    assert error["code"] == "not_found" and f"POST {path}." in error["message"]
    assert gateway.session.head(gateway.url + path).status_code == 404


def test_what_routes_there_are_is_no_secret(gateway: Gateway) -> None:
    gateway.set_settings(api_key="sk-x")
    assert (
        refusal(gateway.post("/v1/nothing", GOOD, Authorization="Bearer wrong"), 404)["code"] == "not_found"
    )
    assert refusal(gateway.post("/v1/models", GOOD), 405)["code"] == "method_not_allowed"
    assert refusal(gateway.post("/v1/chat/completions", GOOD), 401)["code"] == "invalid_api_key"
    wrong = gateway.post("/v1/chat/completions", GOOD, Authorization="Bearer wrong")
    assert refusal(wrong, 401)["code"] == "invalid_api_key"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    made = create_app(Env(data_dir=tmp_path))
    yield made
    made.extensions[KEY].store.close()


class SlowBody:
    """A request's body that never arrives."""

    def read(self, size: int = -1) -> bytes:
        gevent.sleep(30)
        return b""

    readline = read

    def readinto(self, buffer: bytearray) -> int:
        gevent.sleep(30)
        return 0


def test_a_body_that_does_not_arrive_in_time_is_408(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grok2api.web.body.BODY_S", 0.05)
    response = app.test_client().post(
        "/v1/chat/completions",
        environ_overrides={"wsgi.input": SlowBody(), "CONTENT_LENGTH": "10"},
        content_type="application/json",
    )
    assert response.status_code == 408
    assert response.get_json()["error"] == {
        "message": "The request body did not arrive in time.",
        "type": "invalid_request_error",
        "param": None,
        "code": "request_timeout",
    }


class Drip:
    """A request's body that comes in pieces, one every 20 ms."""

    def __init__(self, body: bytes, piece: int) -> None:
        self._rest, self._piece = body, piece

    def readinto(self, buffer: memoryview) -> int:
        gevent.sleep(0.02)
        size = min(self._piece, len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size

    def read(self, size: int = -1) -> bytes:
        buffer = bytearray(size if size >= 0 else len(self._rest))
        return bytes(buffer[: self.readinto(memoryview(buffer))])


@pytest.mark.parametrize(("piece", "status"), [(1000, 400), (100, 408)])
def test_a_large_body_has_as_long_as_it_takes_at_the_slowest_rate(
    app: Flask, monkeypatch: pytest.MonkeyPatch, piece: int, status: int
) -> None:
    """It takes half a second; 400 says that all of it was read."""
    monkeypatch.setattr("grok2api.web.body.BODY_S", 0.25)
    monkeypatch.setattr("grok2api.web.body.SLOWEST", 20_000)
    body = b"[" + b" " * 25 * piece
    response = app.test_client().post(
        "/v1/chat/completions",
        environ_overrides={"wsgi.input": Drip(body, piece), "CONTENT_LENGTH": str(len(body))},
        content_type="application/json",
    )
    assert response.status_code == status, response.text


def test_a_body_over_the_limit_is_413(gateway: Gateway) -> None:
    gateway.admin("/api/settings", {"global_config": {"max_body_mb": 1}})
    try:
        gateway.set_settings(show_thinking=True)  # waits until the change holds everywhere
        message = {"role": "user", "content": "x" * (1024 * 1024 + 1)}
        response = gateway.post("/v1/chat/completions", GOOD | {"messages": [message]})
        assert refusal(response, 413)["code"] == "request_too_large"
    finally:
        gateway.admin("/api/settings", {"global_config": {"max_body_mb": 32}})


def test_a_chunked_body_over_the_limit_is_413_and_never_cut_to_fit(gateway: Gateway) -> None:
    gateway.admin("/api/settings", {"global_config": {"max_body_mb": 1}})
    try:
        gateway.set_settings(show_thinking=True)  # waits until the change holds everywhere
        body = orjson.dumps(GOOD)
        pieces = [body, *[b" " * 65536] * 16, b"garbage" * 9999]
        for path in ("/v1/chat/completions", "/api/login"):
            response = requests.post(
                gateway.url + path,
                data=iter(pieces),
                headers={"Content-Type": "application/json"},
                timeout=30,
            )
            assert response.status_code == 413, response.text
    finally:
        gateway.admin("/api/settings", {"global_config": {"max_body_mb": 32}})


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/login"])
def test_broken_chunked_framing_and_hostile_json_are_400(gateway: Gateway, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as connection:
        connection.sendall(head.encode() + b"zz\r\n")
        assert connection.recv(1000).split()[1] == b"400"
    for body in (b"[" * 50_000, b'{"username": "\\ud800", "password": "x"}'):
        response = gateway.session.post(
            gateway.url + path, data=body, headers={"Content-Type": "application/json"}
        )
        assert response.status_code == 400, response.text


def test_every_answer_has_a_request_id_and_a_given_one_is_kept(gateway: Gateway) -> None:
    response = gateway.session.get(f"{gateway.url}/v1/nothing")
    assert len(response.headers["X-Request-ID"]) == 32
    given = gateway.session.get(f"{gateway.url}/v1/models", headers={"X-Request-ID": "my-id.1"})
    assert given.headers["X-Request-ID"] == "my-id.1"
    forged = gateway.session.get(f"{gateway.url}/v1/models", headers={"X-Request-ID": "a b<script>"})
    assert len(forged.headers["X-Request-ID"]) == 32
