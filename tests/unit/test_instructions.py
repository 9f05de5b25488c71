"""What the model is told of tools and of the form of its answer, to the letter, and where it stands."""

from __future__ import annotations

from dataclasses import replace

from grok2api.messages import AnswerFormat, ChatRequest, Message, Role, Tool, ToolChoice, ToolUse
from grok2api.services.instructions import instructions_for, mending_turns
from grok2api.services.prompt import build_prompt

WEATHER = Tool(
    "get_weather", "The weather in a city.", {"type": "object", "properties": {"city": {"type": "string"}}}
)
ASKED = ChatRequest("grok-4.1", (Message(Role.USER, "Weather?"),), tools=(WEATHER,))


def test_tools_are_described_to_the_letter() -> None:
    assert instructions_for(ASKED) == (
        "You can call tools, besides those of your own. They run where the user is; their results come back in turns "
        "that begin with [tool: NAME, ID]. To call one, write a block of exactly this form:\n"
        "\n"
        "<tool_call>\n"
        '{"name": "NAME", "arguments": {}}\n'
        "</tool_call>\n"
        "\n"
        '"arguments" is strict JSON and fits the tool\'s JSON schema. For several calls write several blocks, one '
        "behind the other. Do not write an id, do not put the block into a code fence, and write nothing behind it: "
        "never make up a result. Where no tool helps, answer as you would without them.\n"
        "\n"
        "The tools:\n"
        '{"name":"get_weather","description":"The weather in a city.","parameters":{"type":"object","properties":'
        '{"city":{"type":"string"}}}}'
    )


def test_what_the_client_chose_is_said() -> None:
    one = replace(ASKED, tool_choice=ToolChoice("required"), parallel_tool_calls=False)
    assert "Write one block at most." in instructions_for(one)
    assert "In this answer you must call get_weather." in instructions_for(one)
    two = replace(one, tools=(WEATHER, Tool("get_time")))
    assert "In this answer you must call one of them." in instructions_for(two)
    named = replace(two, tool_choice=ToolChoice("required", ("get_time",)))
    told = instructions_for(named)
    assert "In this answer you must call get_time." in told and "get_weather" not in told
    assert '{"name":"get_time","parameters":{"type":"object"}}' in told


def test_tools_that_must_not_be_called_are_not_mentioned() -> None:
    assert instructions_for(replace(ASKED, tool_choice=ToolChoice("none"))) == ""


def test_a_custom_tool_takes_one_text() -> None:
    told = instructions_for(replace(ASKED, tools=(Tool("shell", "Runs a command.", custom=True),)))
    assert (
        '"parameters":{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}' in told
    )


def test_the_form_of_an_answer_is_described_to_the_letter() -> None:
    plain = replace(ASKED, tools=(), answer_format=AnswerFormat())
    assert instructions_for(plain) == (
        "Answer with one JSON object in strict JSON and nothing else: no words around it, no code fence."
    )
    wanted = AnswerFormat({"type": "object"}, "tide", "The next high water.", strict=True)
    assert instructions_for(replace(plain, answer_format=wanted)) == (
        "The next high water.\n\nAnswer with one JSON document in strict JSON and nothing else: no words around it, no "
        'code fence. It fits this JSON schema "tide":\n{"type":"object"}'
    )


def test_instructions_stand_behind_the_clients_own() -> None:
    messages = (
        Message(Role.SYSTEM, "a"),
        Message(Role.DEVELOPER, "b"),
        Message(Role.USER, "c"),
        Message(Role.SYSTEM, "d"),
    )
    assert build_prompt(messages, "Do.") == (
        "[system]\na\n\n[system]\nb\n\n[system]\nDo.\n\n[user]\nc\n\n[system]\nd"
    )
    assert build_prompt((Message(Role.USER, "c"),), "Do.") == "[system]\nDo.\n\n[user]\nc"


def test_a_conversation_with_calls_is_written_as_the_model_would() -> None:
    use = ToolUse("call_1", "get_weather", '{"city": "Paris"}')
    typed = ToolUse("call_2", "shell", "ls", custom=True)
    messages = (
        Message(Role.USER, "Weather?"),
        Message(Role.ASSISTANT, "Let me look.", tool_uses=(use, typed)),
        Message(Role.TOOL, "18 degrees", tool_call_id="call_1"),
        Message(Role.TOOL, "a.txt", tool_call_id="call_2"),
        Message(Role.ASSISTANT, tool_uses=(ToolUse("call_3", "get_weather", "not JSON"),)),
    )
    assert build_prompt(messages) == (
        "[user]\nWeather?\n\n"
        "[assistant]\nLet me look.\n"
        '<tool_call>\n{"id":"call_1","name":"get_weather","arguments":{"city":"Paris"}}\n</tool_call>\n'
        '<tool_call>\n{"id":"call_2","name":"shell","arguments":{"input":"ls"}}\n</tool_call>\n\n'
        "[tool: get_weather, call_1]\n18 degrees\n\n"
        "[tool: shell, call_2]\na.txt\n\n"
        '[assistant]\n<tool_call>\n{"id":"call_3","name":"get_weather","arguments":"not JSON"}\n</tool_call>'
    )


def test_a_better_answer_is_asked_for_in_two_turns() -> None:
    answer, complaint = mending_turns("<tool_call>x</tool_call>", "it is not JSON", call=True)
    assert (answer.role, answer.text) == (Role.ASSISTANT, "<tool_call>x</tool_call>")
    assert (complaint.role, complaint.text) == (
        Role.SYSTEM,
        "That call cannot be used: it is not JSON. Write only that call once more, whole and valid, in the form that "
        "was given.",
    )
