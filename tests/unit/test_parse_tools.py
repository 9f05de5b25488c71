"""Tools, functions and the choice among them: what is understood, and which field each refusal names."""

from __future__ import annotations

from typing import Any

import pytest

from grok2api.errors import BadRequest
from grok2api.messages import ChatRequest, Tool, ToolChoice
from grok2api.web.api.parse import parse_chat

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def chat(**fields: object) -> ChatRequest:
    return parse_chat({"model": "grok-4.1", "messages": [{"role": "user", "content": "Hello"}]} | fields)


def function(name: object = "weather", **more: object) -> dict[str, object]:
    return {"type": "function", "function": {"name": name} | more}


def custom(name: object = "run", **more: object) -> dict[str, object]:
    return {"type": "custom", "custom": {"name": name} | more}


def named(name: object, kind: str = "function") -> dict[str, object]:
    return {"type": kind, kind: {"name": name}}


def allowed(*tools: object, mode: object = "auto") -> dict[str, object]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": list(tools)}}


TOOLS = [function("weather"), function("time"), custom("run")]

# What is understood


def test_a_function_is_read() -> None:
    asked = chat(
        tools=[function("a-Z_9", description="Looks.", parameters=SCHEMA, strict=True), function("b")]
    )
    assert asked.tools == (Tool("a-Z_9", "Looks.", SCHEMA), Tool("b"))
    assert (asked.tool_choice, asked.parallel_tool_calls, asked.legacy_functions) == (
        ToolChoice(),
        True,
        False,
    )
    assert asked.ignored == ()


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object"}, {"type": ["object", "null"]}])
def test_a_functions_parameters_may_be_absent_or_say_little(parameters: object) -> None:
    assert chat(tools=[function(parameters=parameters)]).tools == (Tool("weather", "", parameters),)  # type: ignore[arg-type]


def test_a_custom_tool_is_read_and_its_grammar_told_in_its_description() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x+/"}}
    flat = {"type": "grammar", "syntax": "regex", "definition": "x+"}
    asked = chat(
        tools=[
            custom("a", description="Runs."),
            custom("b", format={"type": "text"}),
            custom("c", description="Runs.", format=grammar),
            custom("d", format=flat),
        ]
    )
    assert [tool.description for tool in asked.tools] == [
        "Runs.", "", "Runs.\n\nThe input must match this lark grammar:\nstart: /x+/",
        "The input must match this regex grammar:\nx+",
    ]  # fmt: skip
    assert all(tool.custom and tool.parameters is None for tool in asked.tools)


def test_128_tools_are_taken() -> None:
    assert len(chat(tools=[function(f"f{n}") for n in range(128)]).tools) == 128


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ToolChoice()),
        ("auto", ToolChoice()),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        (named("time"), ToolChoice("required", ("time",))),
        (named("run", "custom"), ToolChoice("required", ("run",))),
        (allowed(named("time")), ToolChoice("auto", ("time",))),
        (
            allowed(named("run", "custom"), named("time"), named("time"), mode="required"),
            ToolChoice("required", ("run", "time")),
        ),
    ],
)
def test_a_choice_is_read(choice: object, expected: ToolChoice) -> None:
    assert chat(tools=TOOLS, tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize("choice", ["none", "auto", None])
def test_a_choice_of_nothing_needs_no_tools(choice: object) -> None:
    assert chat(tool_choice=choice, tools=[]).callable_tools == ()


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (None, ToolChoice()),
        ("auto", ToolChoice()),
        ("none", ToolChoice("none")),
        ({"name": "b"}, ToolChoice("required", ("b",))),
    ],
)
def test_functions_are_tools_of_which_one_is_called_at_a_time(call: object, expected: ToolChoice) -> None:
    functions = [{"name": "a", "description": "A.", "parameters": SCHEMA}, {"name": "b"}]
    asked = chat(functions=functions, function_call=call, parallel_tool_calls=True, tools=[])
    assert asked.tools == (Tool("a", "A.", SCHEMA), Tool("b"))
    assert (asked.tool_choice, asked.parallel_tool_calls, asked.legacy_functions) == (expected, False, True)


# What is refused, and where


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ({}, "tools"),
        ("weather", "tools"),
        ([function(f"f{n}") for n in range(129)], "tools"),
        (["weather"], "tools[0]"),
        ([function(), None], "tools[1]"),
        ([{}], "tools[0].type"),
        ([{"function": {"name": "x"}}], "tools[0].type"),
        ([{"type": "web_search"}], "tools[0].type"),
        ([{"type": ["function"]}], "tools[0].type"),
        ([{"type": "function"}], "tools[0].function"),
        ([{"type": "function", "function": "weather"}], "tools[0].function"),
        ([{"type": "function", "function": {}}], "tools[0].function.name"),
        ([function(1)], "tools[0].function.name"),
        ([function("")], "tools[0].function.name"),
        ([function("a b")], "tools[0].function.name"),
        ([function("a\n")], "tools[0].function.name"),
        ([function("é")], "tools[0].function.name"),
        ([function("x" * 65)], "tools[0].function.name"),
        ([function(description=1)], "tools[0].function.description"),
        ([function(strict="yes")], "tools[0].function.strict"),
        ([function(parameters=[])], "tools[0].function.parameters"),
        ([function(parameters="{}")], "tools[0].function.parameters"),
        ([function(parameters={"type": "string"})], "tools[0].function.parameters"),
        ([function(parameters={"type": ["string", "null"]})], "tools[0].function.parameters"),
        ([function(parameters={"type": "obj"})], "tools[0].function.parameters"),
        ([function(parameters={"properties": []})], "tools[0].function.parameters"),
        ([function(), function()], "tools[1].function.name"),
        ([function("a"), function("b"), custom("a")], "tools[2].custom.name"),
        ([{"type": "custom"}], "tools[0].custom"),
        ([custom(None)], "tools[0].custom.name"),
        ([custom(description=[])], "tools[0].custom.description"),
        ([custom(format="text")], "tools[0].custom.format"),
        ([custom(format={})], "tools[0].custom.format.type"),
        ([custom(format={"type": "json"})], "tools[0].custom.format.type"),
        ([custom(format={"type": "grammar"})], "tools[0].custom.format.syntax"),
        ([custom(format={"type": "grammar", "grammar": 1})], "tools[0].custom.format.grammar"),
        ([custom(format={"type": "grammar", "grammar": {}})], "tools[0].custom.format.grammar.syntax"),
        (
            [custom(format={"type": "grammar", "grammar": {"syntax": "lark"}})],
            "tools[0].custom.format.grammar.definition",
        ),
    ],
)
def test_a_refusal_of_a_tool_names_the_field(tools: object, param: str) -> None:
    assert refusal(tools=tools) == param


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("maybe", "tool_choice"),
        (1, "tool_choice"),
        (True, "tool_choice"),
        (["auto"], "tool_choice"),
        ({}, "tool_choice.type"),
        ({"type": "web_search"}, "tool_choice.type"),
        ({"type": {}}, "tool_choice.type"),
        ({"type": "function"}, "tool_choice.function"),
        ({"type": "function", "function": []}, "tool_choice.function"),
        ({"type": "function", "function": {}}, "tool_choice.function.name"),
        (named(1), "tool_choice.function.name"),
        (named("other"), "tool_choice"),
        (named("other", "custom"), "tool_choice"),
        ({"type": "allowed_tools"}, "tool_choice.allowed_tools"),
        (allowed(mode="none"), "tool_choice.allowed_tools.mode"),
        (allowed(), "tool_choice.allowed_tools.tools"),
        (allowed("time"), "tool_choice.allowed_tools.tools[0]"),
        (allowed({}), "tool_choice.allowed_tools.tools[0].type"),
        (allowed({"type": "mcp"}), "tool_choice.allowed_tools.tools[0].type"),
        (allowed(named("time"), named(None)), "tool_choice.allowed_tools.tools[1].function.name"),
        (allowed(named("time"), named("other")), "tool_choice"),
    ],
)
def test_a_refusal_of_a_choice_names_the_field(choice: object, param: str) -> None:
    assert refusal(tools=TOOLS, tool_choice=choice) == param


@pytest.mark.parametrize("choice", ["required", named("time"), allowed(named("time"))])
def test_a_choice_needs_tools(choice: object) -> None:
    assert refusal(tool_choice=choice) == refusal(tool_choice=choice, tools=[]) == "tool_choice"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"functions": {}}, "functions"),
        ({"functions": ["x"]}, "functions[0]"),
        ({"functions": [{}]}, "functions[0].name"),
        ({"functions": [{"name": "a b"}]}, "functions[0].name"),
        ({"functions": [{"name": "a", "parameters": 1}]}, "functions[0].parameters"),
        ({"functions": [{"name": "a"}, {"name": "a"}]}, "functions[1].name"),
        ({"functions": [{"name": f"f{n}"} for n in range(129)]}, "functions"),
        ({"functions": [{"name": "a"}], "tools": TOOLS}, "functions"),
        ({"functions": [{"name": "a"}], "tool_choice": "required"}, "tool_choice"),
        ({"functions": [{"name": "a"}], "function_call": "required"}, "function_call"),
        ({"functions": [{"name": "a"}], "function_call": 1}, "function_call"),
        ({"functions": [{"name": "a"}], "function_call": {}}, "function_call.name"),
        ({"functions": [{"name": "a"}], "function_call": {"name": "b"}}, "function_call"),
        ({"function_call": {"name": "a"}}, "function_call"),
        ({"function_call": "sometimes"}, "function_call"),
        ({"tools": TOOLS, "function_call": {"name": "time"}}, "function_call"),
    ],
)
def test_a_refusal_of_functions_names_the_field(fields: dict[str, object], param: str) -> None:
    assert refusal(**fields) == param


def refusal(**fields: object) -> str | None:
    with pytest.raises(BadRequest) as caught:
        chat(**fields)
    assert caught.value.message and len(caught.value.message) < 400
    return caught.value.param
