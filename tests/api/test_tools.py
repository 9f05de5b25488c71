"""Function calling over real processes: upstream's text becomes calls, and their results become turns."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.gateway import Gateway, events, text_of
from tests.simulator.client import Simulator, directive
from tests.simulator.directives import pack

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
TOOLS: dict[str, Any] = {"tools": [WEATHER]}


def call(arguments: str = '{"city": "Paris"}', name: str = "get_weather") -> str:
    return f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'


def says(text: str) -> str:
    return directive("plain", answer=pack(text))


def choice_of(response: Any) -> Any:
    assert response.status_code == 200, response.text
    return response.json()["choices"][0]


def called(choice: Any) -> list[tuple[str, Any]]:
    return [
        (made["function"]["name"], orjson.loads(made["function"]["arguments"]))
        for made in choice["message"]["tool_calls"]
    ]


def test_a_call_is_made(gateway: Gateway, simulator: Simulator) -> None:
    choice = choice_of(gateway.chat("Weather? " + says(call()), **TOOLS))
    assert called(choice) == [("get_weather", {"city": "Paris"})]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    [seen] = simulator.chats()
    assert seen["body"]["message"].startswith("[system]\nYou can call tools")
    assert '"name":"get_weather"' in seen["body"]["message"]


@pytest.mark.parametrize("split", [1, 3, 7, 1000])
def test_a_streamed_call_comes_whole_behind_the_text_before_it(gateway: Gateway, split: int) -> None:
    answer = "Let me look: a < b.\n" + call() + "\n" + call('{"city": "Rome", "days": 2}')
    tokens = [answer[at : at + split] for at in range(0, len(answer), split)]
    prompt = directive("plain", tokens64=pack(tokens))
    found = events(gateway.chat(prompt, stream=True, **TOOLS))
    assert text_of(found).rstrip() == "Let me look: a < b."
    made: dict[int, dict[str, str]] = {}
    for chunk in found[:-1]:
        for part in chunk["choices"][0]["delta"].get("tool_calls", ()):
            one = made.setdefault(part["index"], {"name": "", "arguments": "", "id": ""})
            one["id"] += part.get("id", "")
            one["name"] += part["function"].get("name", "")
            one["arguments"] += part["function"].get("arguments", "")
    assert [orjson.loads(one["arguments"]) for one in made.values()] == [
        {"city": "Paris"},
        {"city": "Rome", "days": 2},
    ]
    assert len({one["id"] for one in made.values()}) == 2
    assert found[-2]["choices"][0] == {
        "index": 0,
        "delta": {},
        "logprobs": None,
        "finish_reason": "tool_calls",
    }


def test_the_text_before_a_call_does_not_wait_for_it(gateway: Gateway, simulator: Simulator) -> None:
    tokens = ["Let", " me", " look", *call()]
    simulator.step("before", 3)  # the status waits for the first token
    response = gateway.chat(directive("plain", tokens64=pack(tokens), step="before"), stream=True, **TOOLS)
    lines = response.iter_lines(chunk_size=1)
    assert any(b'" look"' in line for line in lines)
    simulator.step("before", -1)
    assert any(b'"finish_reason":"tool_calls"' in line for line in lines)
    response.close()


def test_results_become_turns_that_name_their_call(gateway: Gateway, simulator: Simulator) -> None:
    first = choice_of(gateway.chat("Weather? " + says(call()), **TOOLS))["message"]
    history = [
        {"role": "user", "content": "Weather?"},
        first,
        {
            "role": "tool",
            "tool_call_id": first["tool_calls"][0]["id"],
            "content": "18 degrees " + says("Warm."),
        },
    ]
    body = {"model": "grok-4.1", "messages": history, **TOOLS}
    assert choice_of(gateway.post("/v1/chat/completions", body))["message"]["content"] == "Warm."
    prompt = simulator.chats()[-1]["body"]["message"]
    id_ = first["tool_calls"][0]["id"]
    assert f'"id":"{id_}","name":"get_weather","arguments":{{"city":"Paris"}}' in prompt
    assert f"[tool: get_weather, {id_}]\n18 degrees" in prompt


def test_a_broken_call_is_asked_for_once_more(gateway: Gateway, simulator: Simulator) -> None:
    """What upstream says the second time stands in what it said the first time, which the transcript repeats."""
    wrong = "Let me look.\n" + call(f'{{"town": "{says(call())}"}}')
    choice = choice_of(gateway.chat("Weather? " + says(wrong), **TOOLS))
    assert called(choice) == [("get_weather", {"city": "Paris"})]
    assert (choice["message"]["content"].strip(), choice["finish_reason"]) == ("Let me look.", "tool_calls")
    first, second = (seen["body"]["message"] for seen in simulator.chats())
    complaint = second.removeprefix(first)
    assert complaint.startswith(f"\n\n[assistant]\n{wrong}\n\n[system]\nThat call cannot be used:")
    assert "city" in complaint


def test_what_is_no_valid_call_is_text(gateway: Gateway, simulator: Simulator) -> None:
    wrong = call('{"town": "Paris"}')
    choice = choice_of(gateway.chat(says(wrong), **TOOLS))
    assert (choice["message"]["content"], choice["finish_reason"]) == (wrong, "stop")
    assert "tool_calls" not in choice["message"]
    assert len(simulator.chats()) == 2  # it was asked for once more
    found = events(gateway.chat(says(wrong), stream=True, **TOOLS))
    assert text_of(found) == wrong and found[-2]["choices"][0]["finish_reason"] == "stop"
    assert len(simulator.chats()) == 3  # not in a stream


def test_a_required_call_that_is_missing_is_asked_for_once_more(
    gateway: Gateway, simulator: Simulator
) -> None:
    choice = choice_of(gateway.chat(says("It is warm."), tool_choice="required", **TOOLS))
    assert choice["message"]["content"] == "It is warm."
    assert "but one is needed" in simulator.chats()[-1]["body"]["message"]
    assert len(simulator.chats()) == 2


def test_tools_that_are_not_to_be_called_leave_the_answer_alone(
    gateway: Gateway, simulator: Simulator
) -> None:
    choice = choice_of(gateway.chat(says(call()), tool_choice="none", **TOOLS))
    assert choice["message"]["content"] == call()
    assert "You can call tools" not in simulator.chats()[-1]["body"]["message"]


def test_one_call_where_the_client_takes_no_more(gateway: Gateway) -> None:
    two = says(call() + "\n" + call('{"city": "Rome"}'))
    assert called(choice_of(gateway.chat(two, parallel_tool_calls=False, **TOOLS))) == [
        ("get_weather", {"city": "Paris"})
    ]


def test_the_functions_of_old_are_called_in_their_form(gateway: Gateway) -> None:
    functions: dict[str, Any] = {"functions": [WEATHER["function"]]}
    choice = choice_of(gateway.chat(says(call()), **functions))
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"]["name"] == "get_weather"


def test_thinking_stands_before_a_call(gateway: Gateway) -> None:
    prompt = directive("think", answer=pack(call()))
    choice = choice_of(gateway.chat(prompt, **TOOLS))
    assert choice["message"]["content"].startswith("<think>\n")
    assert choice["message"]["content"].endswith("\n</think>")
    assert called(choice) == [("get_weather", {"city": "Paris"})]
