"""Requests that are wrong in themselves: true status, the envelope, the field; never a 500."""

from __future__ import annotations

import socket
from typing import Any

import orjson
import pytest
import requests

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
    ],
)
def test_a_wrong_field_is_400_with_its_name(gateway: Gateway, change: dict[str, Any], param: str) -> None:
    response = gateway.post("/v1/chat/completions", GOOD | change)
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert error["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"model": NaN}'])
def test_a_body_that_is_no_json_object_is_400(gateway: Gateway, body: bytes) -> None:
    response = gateway.session.post(
        f"{gateway.url}/v1/chat/completions", data=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_another_content_type_is_415(gateway: Gateway) -> None:
    response = gateway.session.post(f"{gateway.url}/v1/chat/completions", data={"model": "grok-4.1"})
    assert (response.status_code, response.json()["error"]["code"]) == (415, "unsupported_media_type")


def test_a_wrong_method_is_405_and_names_the_right_one(gateway: Gateway) -> None:
    response = gateway.session.get(f"{gateway.url}/v1/chat/completions")
    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "POST" in response.headers["Allow"]


def test_an_unknown_route_is_404(gateway: Gateway) -> None:
    response = gateway.session.get(f"{gateway.url}/v1/nothing")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


def test_a_body_over_the_limit_is_413(gateway: Gateway) -> None:
    gateway.admin("/api/settings", {"global_config": {"max_body_mb": 1}})
    try:
        gateway.set_settings(show_thinking=True)  # waits until the change holds everywhere
        message = {"role": "user", "content": "x" * (1024 * 1024 + 1)}
        response = gateway.post("/v1/chat/completions", GOOD | {"messages": [message]})
        assert (response.status_code, response.json()["error"]["code"]) == (413, "request_too_large")
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
    for body in (b"[" * 200_000, b'{"username": "\\ud800", "password": "x"}'):
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
