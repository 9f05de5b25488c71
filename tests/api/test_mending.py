"""The second round for an answer that does not have its form: what it costs, and that nothing is left behind.

What upstream says in it stands in what it said the first time, which the transcript repeats.
"""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.api.test_structured import GOOD, wanted
from tests.api.test_tools import TOOLS, WEATHER, call, called, choice_of, says
from tests.gateway import Gateway, events, text_of
from tests.simulator.client import Simulator

UNFIT = '{"name": "Ann"}'


def leases(gateway: Gateway) -> int:
    [[count]] = gateway.sql("SELECT COUNT(*) FROM leases")
    return int(count)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_refused_frees_its_account_at_once(gateway: Gateway, stream: bool) -> None:
    gateway.set_accounts(["sim-basic-ok-0"])
    gateway.set_settings(account_concurrency=1)
    for _ in range(3):
        response = gateway.chat(says(UNFIT), stream=stream, **wanted(strict=True))
        error = events(response)[-1]["error"] if stream else response.json()["error"]
        assert error["code"] == "answer_unfit"
        assert leases(gateway) == 0
    assert gateway.answer(says("Hello.")) == "Hello."


def test_one_account_at_its_limit_is_enough_for_two_rounds(gateway: Gateway, simulator: Simulator) -> None:
    gateway.set_accounts(["sim-basic-ok-0"])
    gateway.set_settings(account_concurrency=1)
    wrong = f'{{"name": "{says(GOOD)}"}}'
    assert gateway.answer(says(wrong), **wanted(strict=True)) == GOOD
    wrong = call(f'{{"town": "{says(call())}"}}')
    assert called(choice_of(gateway.chat(says(wrong), **TOOLS))) == [("get_weather", {"city": "Paris"})]
    assert len(simulator.chats()) == 4 and leases(gateway) == 0


def test_a_call_that_was_made_is_not_made_again(gateway: Gateway) -> None:
    """Models repeat all their calls where only the broken one was asked for."""
    second = call() + call('{"city": "Rome"}')
    first = call() + "\n" + call(f'{{"town": "{says(second)}"}}')
    choice = choice_of(gateway.chat(says(first), **TOOLS))
    assert called(choice) == [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})]
    assert choice["message"]["content"] is None


def test_a_request_has_one_more_round_at_most(gateway: Gateway, simulator: Simulator) -> None:
    response = gateway.chat(says(UNFIT), tool_choice="required", **TOOLS, **wanted(strict=True))
    assert response.json()["error"]["code"] == "answer_unfit"
    assert len(simulator.chats()) == 2


def test_nothing_is_asked_for_where_one_call_is_enough(gateway: Gateway, simulator: Simulator) -> None:
    wrong = call('{"town": 1}')
    choice = choice_of(gateway.chat(says(wrong + call()), parallel_tool_calls=False, **TOOLS))
    assert called(choice) == [("get_weather", {"city": "Paris"})]
    assert choice["message"]["content"] == wrong and len(simulator.chats()) == 1


@pytest.mark.parametrize("limit", [{"max_tokens": 5}, {"stop": ["town"]}])
def test_a_broken_call_is_cut_as_any_text(gateway: Gateway, limit: dict[str, Any]) -> None:
    wrong = says(call('{"town": "Paris"}'))
    choice = choice_of(gateway.chat(wrong, **limit, **TOOLS))
    found = events(gateway.chat(wrong, stream=True, **limit, **TOOLS))
    assert choice["message"]["content"] == text_of(found)
    assert choice["finish_reason"] == found[-2]["choices"][0]["finish_reason"]


@pytest.mark.parametrize("answer", ['{"name": "Ann", "age": 7,}', "{'name': 'Ann', 'age': 7}", GOOD[:-1]])
def test_a_strict_stream_that_is_not_json_is_an_error(gateway: Gateway, answer: str) -> None:
    found = events(gateway.chat(says(answer), stream=True, **wanted(strict=True)))
    assert found[-1]["error"]["code"] == "answer_unfit"
    whole = gateway.answer(says(answer), **wanted(strict=True))
    assert orjson.loads(whole) == orjson.loads(GOOD)


def test_half_a_character_in_a_free_text_is_replaced(gateway: Gateway) -> None:
    custom: dict[str, Any] = {"tools": [{"type": "custom", "custom": {"name": "run"}}]}
    answer = says('<tool_call>{"name": "run", "arguments": {"input": "a \\ud83d b"}}</tool_call>')
    [made] = choice_of(gateway.chat(answer, **custom))["message"]["tool_calls"]
    assert made["custom"]["input"] == "a \ufffd b"
    assert "\ufffd" in gateway.chat(answer, stream=True, **custom).content.decode()


def test_deep_arguments_in_the_history_are_taken(gateway: Gateway, simulator: Simulator) -> None:
    deep = "[" * 600 + "]" * 600
    use = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": deep}}
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "tool_calls": [use]},
        {"role": "tool", "tool_call_id": "c1", "content": says("Hello.")},
    ]
    answer = gateway.post("/v1/chat/completions", {"model": "grok-4.1", "messages": messages})
    assert answer.json()["choices"][0]["message"]["content"] == "Hello."


def test_schemas_that_would_take_long_to_look_at_are_refused(gateway: Gateway) -> None:
    patterns = {f"p{n}": {"type": "string", "pattern": "a" * 1900} for n in range(20)}
    tool = {"name": "f", "parameters": {"type": "object", "properties": patterns}}
    refused = gateway.chat("x", tools=[WEATHER, {"type": "function", "function": tool}])
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "tools"
