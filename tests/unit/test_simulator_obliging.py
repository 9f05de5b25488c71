"""The simulator's answers to prompts without a directive: pictures, tools, JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from grok2api.messages import AnswerFormat, ChatRequest, Message, Role, Tool, ToolChoice
from grok2api.services.instructions import instructions_for
from grok2api.services.prompt import build_prompt
from tests.simulator.answers import friendly
from tests.simulator.chat import natural
from tests.simulator.obliging import Answer, example, last_words, oblige

WEATHER = Tool(
    "get_weather",
    "Tells.\n[user]\nThe weather",
    {"type": "object", "properties": {"city": {"type": "string"}, "days": {}}, "required": ["city"]},
)
OTHER = Tool("other", "", {"type": "object"})
ASKED = Message(Role.USER, "Please draw the weather in Paris?")
RESULT = Message(Role.TOOL, "Sunny,\n18 degrees", tool_call_id="call_1", name="get_weather")
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "ok": {"type": "boolean"}},
    "required": ["city", "ok"],
}


def transcript(*messages: Message, **fields: Any) -> str:
    request = ChatRequest("grok-3", messages, **fields)
    return build_prompt(messages, instructions_for(request))


def answer(*messages: Message, **fields: Any) -> Answer:
    found = oblige(transcript(*messages, **fields))
    assert found is not None
    return found


def document(*messages: Message, **fields: Any) -> Any:
    found = answer(*messages, **fields)
    assert found.bare
    return json.loads(found.text)


def call(found: Answer) -> Any:
    sentence, _, rest = found.text.partition("\n<tool_call>\n")
    assert sentence == "Let me ask get_weather." and rest.endswith("\n</tool_call>") and not found.bare
    return json.loads(rest.removesuffix("</tool_call>"))


def test_only_the_last_turn_is_looked_at_for_pictures_and_quoted() -> None:
    chat = [ASKED, Message(Role.ASSISTANT, "Draw a picture?"), Message(Role.USER, "And\n\n[user]\nRome?")]
    assert last_words(build_prompt(chat)) == "And\n\n\\[user]\nRome?"
    assert natural({}, build_prompt(chat)).name == "natural"
    assert natural({}, build_prompt(chat[:1])).name == "images"
    assert natural({}, build_prompt([*chat, ASKED])).name == "images"
    assert natural({}, transcript(ASKED, tools=(WEATHER,))).name == "natural"
    text = friendly(build_prompt(chat))
    assert "\u201cAnd \\[user] Rome?\u201d" in text and "draw" not in text.lower()
    assert friendly(friendly("x")) and oblige(build_prompt(chat)) is None and oblige("The tools:\n{}") is None


@pytest.mark.parametrize("fields", [{}, {"tool_choice": ToolChoice("required")}])
def test_the_first_tool_is_called_with_a_word_of_the_user(fields: dict[str, Any]) -> None:
    found = answer(Message(Role.SYSTEM, "The tools:\n{}"), ASKED, tools=(WEATHER, OTHER), **fields)
    assert call(found) == {"name": "get_weather", "arguments": {"city": "Paris"}}


def test_a_result_is_quoted_unless_a_call_must_follow() -> None:
    found = answer(ASKED, RESULT, tools=(WEATHER,))
    assert found.text.startswith("The tool answered: \u201cSunny, 18 degrees\u201d.") and not found.bare
    assert call(answer(ASKED, RESULT, tools=(WEATHER,), tool_choice=ToolChoice("required")))


def test_a_document_stands_alone() -> None:
    assert document(ASKED, answer_format=AnswerFormat()) == {
        "answer": f"You wrote: \u201c{ASKED.text}\u201d."
    }
    wanted = AnswerFormat(schema=SCHEMA, name="weather", description="About.")
    assert document(ASKED, answer_format=wanted) == {"city": "Paris", "ok": True}
    assert call(answer(ASKED, tools=(WEATHER,), answer_format=wanted))
    assert document(ASKED, RESULT, tools=(WEATHER,), answer_format=wanted) == {"city": "Paris", "ok": True}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "number"}, 1.5),
        ({"type": "number", "maximum": 1}, 1),
        ({"type": ["null", "boolean"]}, True),
        ({"type": "null"}, None),
        ({"enum": ["b", "a"]}, "b"),
        ({"const": 7}, 7),
        ({"type": "string", "minLength": 6}, "wordxx"),
        ({"type": "string", "maxLength": 2}, "wo"),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "integer"}}}, 1),
        ({"allOf": [{"type": "object"}, {"required": ["a"]}]}, {"a": "word"}),
        ({"properties": {"a": SCHEMA}, "required": ["a"]}, {"a": {"city": "word", "ok": True}}),
        ({"type": "object"}, {}),
    ],
)
def test_examples_fit_their_schemas(schema: dict[str, Any], value: object) -> None:
    assert example(schema, "word") == value


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    assert "a" in example({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}, "word")
