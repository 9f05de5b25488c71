"""The list of the last requests, /api/logs: what it tells, and what never stands in it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.admin.answers import refused
from tests.gateway import SETTINGS_FRESH_S, Gateway
from tests.simulator.client import Simulator, directive

#: Records are written every second.
WRITTEN_S = 10.0


def logged(gateway: Gateway, request_id: str) -> dict[str, Any]:
    """The record of a request, as soon as it is there."""
    until = time.monotonic() + WRITTEN_S
    while time.monotonic() < until:
        found = gateway.get_admin(f"/api/logs?q={request_id}")["data"]
        if found:
            return dict(found[0])
        time.sleep(0.1)
    raise AssertionError(f"{request_id} is not listed")


def sent(gateway: Gateway, prompt: str, **fields: Any) -> tuple[requests.Response, dict[str, Any]]:
    answer = gateway.chat(prompt, **fields)
    return answer, logged(gateway, answer.headers["X-Request-ID"])


def test_an_answered_request(gateway: Gateway) -> None:
    answer, record = sent(gateway, "a secret question")
    assert (record["outcome"], record["status"], record["code"], record["error"]) == ("ok", 200, "", "")
    assert (record["path"], record["model"], record["stream"]) == ("/v1/chat/completions", "grok-4.1", False)
    assert 0 <= record["first_content"] <= record["duration"]
    (attempt,) = record["attempts"]
    assert (attempt["outcome"], attempt["error"]) == ("success", "") and attempt["duration"] >= 0
    assert attempt["account_id"] in [one["id"] for one in gateway.get_admin("/api/tokens")["data"]]
    assert "…" in attempt["account"] and "basic" not in attempt["account"]
    assert record["shortage"] is None and abs(record["time"] / 1000 - time.time()) < 30
    words = answer.json()["choices"][0]["message"]["content"]
    assert "secret question" not in str(record) and words not in str(record)


def test_a_stream_and_its_failure_in_the_middle(gateway: Gateway) -> None:
    answer = gateway.chat(directive("reset_mid"), stream=True)
    assert answer.status_code == 200 and answer.text
    record = logged(gateway, answer.headers["X-Request-ID"])
    assert (record["outcome"], record["stream"], record["code"]) == ("failed", True, "upstream_failed")
    assert record["attempts"][-1]["outcome"] == "failed" and record["error"]


def test_every_account_that_was_tried_is_told_with_what_it_said(gateway: Gateway) -> None:
    gateway.set_accounts(["sim-basic-500-first", "sim-basic-429-second"], ["sim-super-ok-the_last_one"])
    _, record = sent(gateway, "Hello")
    outcomes = [attempt["outcome"] for attempt in record["attempts"]]
    assert sorted(outcomes) == ["failed", "rate_limited", "success"] and outcomes[-1] == "success"
    assert all(attempt["error"] for attempt in record["attempts"][:-1])
    assert record["outcome"] == "ok"


def test_why_no_account_was_fit_is_told_in_counts(gateway: Gateway) -> None:
    gateway.set_accounts(["sim-basic-429-x", "sim-basic-ok-y", "sim-basic-ok-z"])
    ids = {one["token"]: one["id"] for one in gateway.get_admin("/api/tokens")["data"]}
    gateway.admin("/api/tokens/disable", {"tokens": [ids["sim-basic-ok-y"], ids["sim-basic-ok-z"]]})
    gateway.chat("Hello")
    answer, record = sent(gateway, "Hello")
    assert answer.status_code == 429 and record["status"] == 429 and record["attempts"] == []
    assert record["shortage"]["cooling"] == 1 and record["shortage"]["disabled"] == 2
    assert record["shortage"]["returns_at"] / 1000 > time.time() + 3000


def test_what_the_client_did_wrong_is_refused_and_quotes_nothing(gateway: Gateway) -> None:
    body = {"model": "no-such-model", "messages": [{"role": "user", "content": "my words"}]}
    answer = gateway.post("/v1/chat/completions", body)
    record = logged(gateway, answer.headers["X-Request-ID"])
    assert (record["outcome"], record["status"], record["code"]) == ("refused", 404, "model_not_found")
    assert "my words" not in str(record)


def test_a_client_that_left(gateway: Gateway) -> None:
    with gateway.chat(directive("plain", tokens=200, delay=0.1), stream=True) as answer:
        next(answer.iter_lines())
        request_id = answer.headers["X-Request-ID"]
    assert logged(gateway, request_id)["outcome"] == "gone"


@pytest.mark.full  # it waits for 15 s
def test_a_stream_that_had_its_200_and_no_content_is_listed_with_it(
    gateway: Gateway, simulator: Simulator
) -> None:
    """Both ends of it side by side, as each takes 15 s to begin."""

    def begun(name: str) -> requests.Response:
        body = {"model": "grok-4.1", "messages": [{"role": "user", "content": directive("500", hold=name)}]}
        url = f"{gateway.url}/v1/chat/completions"
        return requests.post(url, json=body | {"stream": True}, stream=True, timeout=60)

    with ThreadPoolExecutor() as threads:
        failing, left = threads.map(begun, ("failing-hold", "left-hold"))
    left.close()
    simulator.step("failing-hold", -1)
    assert "upstream_failed" in failing.text
    for answer, outcome in ((failing, "failed"), (left, "gone")):
        record = logged(gateway, answer.headers["X-Request-ID"])
        assert (record["outcome"], record["status"], record["first_content"]) == (outcome, 200, None)
    simulator.step("left-hold", -1)


def test_a_wrong_key_is_not_listed(gateway: Gateway) -> None:
    gateway.set_settings(api_key="sk-right")
    answer = gateway.chat("Hello")
    assert answer.status_code == 401
    time.sleep(2.5)
    assert gateway.get_admin(f"/api/logs?q={answer.headers['X-Request-ID']}")["total"] == 0


def test_filters_and_pages(gateway: Gateway) -> None:
    gateway.admin("/api/logs/clear", {})
    for model in ("grok-4.1", "grok-3-fast", "grok-3-fast"):
        sent(gateway, "Hello", model=model)
    sent(gateway, directive("400_bad"))
    get = gateway.get_admin
    assert get("/api/logs")["total"] == 4
    assert get("/api/logs?model=grok-3-fast")["total"] == 2
    assert get("/api/logs?outcome=refused")["total"] == 1
    assert [len(get(f"/api/logs?page_size=3&page={page}")["data"]) for page in (1, 2)] == [3, 1]
    times = [row["time"] for row in get("/api/logs")["data"]]
    assert times == sorted(times, reverse=True)
    assert gateway.admin("/api/logs/clear", {}) == {"deleted": 4}
    assert get("/api/logs")["total"] == 0


@pytest.mark.parametrize("query", ["outcome=nonsense", "page=0", "page_size=1001"])
def test_wrong_filters_are_400(gateway: Gateway, query: str) -> None:
    assert refused(gateway, "GET", f"/api/logs?{query}")[0] == 400


def test_what_was_refused_before_it_was_asked_for_has_its_model_and_time(gateway: Gateway) -> None:
    record = logged(gateway, _refused(gateway, "no-such-model"))
    assert (record["model"], record["status"]) == ("no-such-model", 404)
    assert record["duration"] > 0  # the body is large
    key = gateway.admin("/api/keys/add", {"name": "for one model", "models": ["grok-3-fast"]})
    time.sleep(SETTINGS_FRESH_S)
    record = logged(gateway, _refused(gateway, "grok-4.1", Authorization=f"Bearer {key['key']}"))
    gateway.admin("/api/keys/delete", {"ids": [key["id"]]})
    time.sleep(SETTINGS_FRESH_S)
    assert (record["model"], record["status"], record["key"]) == ("grok-4.1", 403, "for one model")


def test_a_name_that_is_too_long_for_a_model_is_not_listed(gateway: Gateway) -> None:
    assert logged(gateway, _refused(gateway, "x" * 101))["model"] == ""


def _refused(gateway: Gateway, model: str, **headers: str) -> str:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello" * 1_000_000}]}
    answer = gateway.post("/v1/chat/completions", body, **headers)
    assert answer.status_code >= 400
    return answer.headers["X-Request-ID"]
