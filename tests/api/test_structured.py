"""`response_format` over real processes: the document alone, one more round where it does not fit."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.gateway import Gateway, events, text_of
from tests.simulator.client import Simulator, directive
from tests.simulator.directives import pack

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
GOOD = '{"name": "Ann", "age": 7}'


def wanted(*, strict: bool = False) -> dict[str, Any]:
    return {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "person", "schema": SCHEMA, "strict": strict},
        }
    }


def says(text: str) -> str:
    return directive("plain", answer=pack(text))


@pytest.mark.parametrize(
    "answer",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure! Here it is:\n\n```\n{GOOD}\n```\nAnything else?",
        f"The person is {GOOD}.",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_answer_is_the_document_alone(gateway: Gateway, answer: str, stream: bool) -> None:
    response = gateway.chat(says(answer), stream=stream, **wanted(strict=True))
    text = text_of(events(response)) if stream else response.json()["choices"][0]["message"]["content"]
    assert text == GOOD


def test_what_the_model_wrote_amiss_is_put_right(gateway: Gateway, simulator: Simulator) -> None:
    assert orjson.loads(gateway.answer(says("{'name': 'Ann', 'age': 7,}"), **wanted())) == orjson.loads(GOOD)
    assert len(simulator.chats()) == 1


def test_an_answer_that_does_not_fit_is_asked_for_once_more(gateway: Gateway, simulator: Simulator) -> None:
    """What upstream says the second time stands in what it said the first time, which the transcript repeats."""
    wrong = f'{{"name": "{says(GOOD)}"}}'
    assert gateway.answer("Who? " + says(wrong), **wanted()) == GOOD
    first, second = (seen["body"]["message"] for seen in simulator.chats())
    complaint = second.removeprefix(first)
    assert complaint.startswith(f"\n\n[assistant]\n{wrong}\n\n[system]\nThat answer cannot be used:")
    assert "age" in complaint


def test_an_answer_that_never_fits_is_given_as_it_was(gateway: Gateway, simulator: Simulator) -> None:
    assert gateway.answer(says('{"name": "Ann"}'), **wanted()) == '{"name": "Ann"}'
    assert len(simulator.chats()) == 2


def test_strict_makes_an_error_of_an_answer_that_does_not_fit(gateway: Gateway, simulator: Simulator) -> None:
    response = gateway.chat(says('{"name": "Ann"}'), **wanted(strict=True))
    assert response.status_code == 502
    error = response.json()["error"]
    assert error["code"] == "answer_unfit" and "age" in error["message"]
    assert response.headers["x-should-retry"] == "false"
    assert len(simulator.chats()) == 2
    found = events(gateway.chat(says('{"name": "Ann"}'), stream=True, **wanted(strict=True)))
    assert text_of(found) == '{"name": "Ann"}'
    assert found[-1]["error"]["code"] == "answer_unfit"


def test_any_object_will_do_where_no_schema_is_given(gateway: Gateway) -> None:
    any_object = {"response_format": {"type": "json_object"}}
    assert gateway.answer(says('Here: [1] or {"a": [1, 2]}'), **any_object) == '{"a": [1, 2]}'


def test_thinking_is_kept_out_of_the_document(gateway: Gateway) -> None:
    prompt = directive("think", answer=pack(GOOD))
    message = gateway.chat(prompt, **wanted()).json()["choices"][0]["message"]
    assert message["content"] == GOOD and message["reasoning_content"]


def test_the_schema_is_told(gateway: Gateway, simulator: Simulator) -> None:
    gateway.answer("Who? " + says(GOOD), **wanted())
    message = simulator.chats()[0]["body"]["message"]
    assert message.startswith("[system]\nAnswer with one JSON document")
    assert orjson.dumps(SCHEMA).decode() in message


def test_a_document_that_is_cut_at_its_limit_says_so(gateway: Gateway, simulator: Simulator) -> None:
    response = gateway.chat(says(GOOD), max_tokens=2, **wanted(strict=True))
    choice = response.json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (GOOD[:8], "length")
    assert len(simulator.chats()) == 1
