"""POST /v1/chat/completions with `stream: true`, over real processes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.gateway import Gateway, events, text_of
from tests.simulator.client import Simulator, directive


def test_a_stream_has_one_id_a_role_first_a_finish_reason_last_and_done_once(gateway: Gateway) -> None:
    response = gateway.chat(directive("plain", tokens=5), stream=True)
    assert response.headers["Content-Type"].startswith("text/event-stream")
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["Cache-Control"] == "no-cache"
    found = events(response)
    assert found[-1] == "[DONE]"
    chunks = found[:-1]
    assert len({(c["id"], c["created"], c["model"], c["object"]) for c in chunks}) == 1
    assert chunks[0]["model"] == "grok-4.1"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert chunks[-1]["choices"][0]["delta"] == {}
    assert all("role" not in c["choices"][0]["delta"] for c in chunks[1:])
    assert all("usage" not in c for c in chunks)
    assert text_of(found) == "w0 w1 w2 w3 w4"


def test_usage_comes_in_a_last_chunk_without_choices_when_it_is_asked_for(gateway: Gateway) -> None:
    response = gateway.chat(directive("plain"), stream=True, stream_options={"include_usage": True})
    *chunks, last, done = events(response)
    assert done == "[DONE]"
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] > 0
    assert all(chunk["usage"] is None for chunk in chunks)


@pytest.mark.parametrize(
    "scenario", ["plain", "think", "search", "tags", "tags_split", "artifact", "late_think", "junk_lines"]
)
@pytest.mark.parametrize("transport", ["chunked", "close", "gzip"])
def test_a_stream_says_the_same_as_a_whole_answer(gateway: Gateway, scenario: str, transport: str) -> None:
    prompt = directive(scenario, transport=transport, segment=211)
    assert text_of(events(gateway.chat(prompt, stream=True))) == gateway.answer(prompt)


@pytest.mark.parametrize("transport", ["chunked", "close", "gzip", "gzip_close", "deflate", "deflate_close"])
def test_each_token_is_here_before_upstream_sends_the_next(
    gateway: Gateway, simulator: Simulator, transport: str
) -> None:
    """A handshake: upstream sends a token only when the client has read the last one."""
    key = f"step-{transport}"
    simulator.step(key)  # the status waits for the first token
    response = gateway.chat(directive("plain", tokens=6, step=key, transport=transport), stream=True)
    lines = response.iter_lines(chunk_size=1)
    for n in range(6):
        if n:
            simulator.wait_waiting(key)
            simulator.step(key)
        wanted = f'"content":"{" " if n else ""}w{n}"'.encode()
        assert any(wanted in line for line in lines), f"token {n} did not arrive"
    assert list(lines)[-2] == b"data: [DONE]"


def test_the_first_token_of_a_thinking_model_arrives_while_upstream_waits(
    gateway: Gateway, simulator: Simulator
) -> None:
    prompt = directive("think", step="thought", tokens=1)
    response = gateway.chat(prompt, stream=True)
    first = next(line for line in response.iter_lines(chunk_size=1) if b"<think>" in line)
    assert first
    assert simulator.step("thought", 0)["permits"] == 0
    simulator.step("thought", -1)
    assert text_of(events(gateway.chat(prompt, stream=True))).endswith("</think>\nw0")
    response.close()


def test_thinking_that_is_hidden_still_starts_the_answer(gateway: Gateway, simulator: Simulator) -> None:
    prompt = directive("think", step="hidden")
    began = time.monotonic()
    response = gateway.chat(prompt, stream=True, reasoning_effort="none")
    assert response.status_code == 200
    assert time.monotonic() - began < 10  # not the 15 s after which the status is sent anyway
    simulator.step("hidden", -1)
    assert "think" not in text_of(events(response)).lower()


def test_a_failure_in_the_middle_is_an_error_event_and_never_done(gateway: Gateway) -> None:
    found = events(gateway.chat(directive("reset_mid", tokens=4), stream=True))
    assert text_of(found) == "w0 w1 w2 w3"
    assert found[-1]["error"]["code"] == "upstream_failed"
    assert found[-1]["error"]["type"] == "server_error"
    assert "[DONE]" not in found


def test_a_quiet_upstream_gets_a_status_after_15_s_and_is_waited_for(
    gateway: Gateway, simulator: Simulator
) -> None:
    """All ways it may go on, side by side, as each takes that long."""
    ways = (_heartbeats_come, _failover_goes_on_unseen, _a_final_failure_is_the_error_event)
    with ThreadPoolExecutor() as threads:
        for way in [threads.submit(way, gateway, simulator) for way in ways]:
            way.result()


def _begun(gateway: Gateway, prompt: str) -> requests.Response:
    """A stream, once its status has come."""
    body = {"model": "grok-4.1", "messages": [{"role": "user", "content": prompt}], "stream": True}
    response = requests.post(f"{gateway.url}/v1/chat/completions", json=body, stream=True, timeout=60)
    assert response.status_code == 200
    return response


def _asked_about(simulator: Simulator, prompt: str) -> int:
    """How many accounts were asked."""
    return len([chat for chat in simulator.chats() if prompt in chat["body"]["message"]])


def _heartbeats_come(gateway: Gateway, simulator: Simulator) -> None:
    began = time.monotonic()
    response = _begun(gateway, directive("plain", tokens=1, hold="quiet"))
    assert 14 < time.monotonic() - began < 25
    lines = response.iter_lines(chunk_size=1)
    assert b'"role":"assistant"' in next(lines)
    assert next(line for line in lines if line).startswith(b":")
    assert 28 < time.monotonic() - began < 50
    simulator.step("quiet", -1)
    rest = [line for line in lines if line.startswith(b"data")]
    assert b'"content":"w0"' in rest[0]
    assert rest[-1] == b"data: [DONE]"


def _failover_goes_on_unseen(gateway: Gateway, simulator: Simulator) -> None:
    """The first account fails only after the 200; another one answers in the same stream."""
    prompt = directive("500", times=1, key="late", then="plain", hold="late-hold", tokens=2)
    response = _begun(gateway, prompt)
    simulator.step("late-hold", -1)
    found = events(response)
    assert (text_of(found), found[-1]) == ("w0 w1", "[DONE]")
    assert _asked_about(simulator, prompt) == 2


def _a_final_failure_is_the_error_event(gateway: Gateway, simulator: Simulator) -> None:
    prompt = directive("500", hold="dead-hold")
    response = _begun(gateway, prompt)
    simulator.step("dead-hold", -1)
    found = events(response)
    assert found[-1]["error"]["code"] == "upstream_failed"
    assert _asked_about(simulator, prompt) == 3
