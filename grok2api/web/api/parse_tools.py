"""`tools` and `tool_choice`, and the `functions` and `function_call` that they have replaced, in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from grok2api.errors import BadRequest
from grok2api.messages import Tool, ToolChoice
from grok2api.web.api.checkers import Check, boolean, list_of, mapping, needed, one_of, refuse, sent, text
from grok2api.web.api.parse_format import json_schema, name_check

MAX_TOOLS = 128

_kind_of_tool = one_of("function", "custom")


def parse_tools(document: Mapping[str, Any]) -> tuple[Tool, ...]:
    """The tools of a chat request, or its `functions`. Raises BadRequest."""
    tools = sent(document, "tools", list_of(_tool, MAX_TOOLS)) or []
    functions = sent(document, "functions", list_of(_function, MAX_TOOLS)) or []
    if tools and functions:
        raise BadRequest(
            "`functions` cannot be used together with `tools`, which have replaced them.", "functions"
        )
    check_names(tools, "tools", ".{kind}.name")
    check_names(functions, "functions", ".name")
    return tuple(tools or functions)


def parse_choice(document: Mapping[str, Any], tools: Sequence[Tool]) -> ToolChoice:
    """Which of these tools the model may or must call. Raises BadRequest."""
    legacy = bool(document.get("functions"))
    function_call = sent(document, "function_call", _function_call) or ToolChoice()
    check_choice(function_call, tools if legacy else (), "function_call", "functions")
    tool_choice = sent(document, "tool_choice", _choice) or ToolChoice()
    check_choice(tool_choice, () if legacy else tools)
    return function_call if legacy else tool_choice


def function_tool(definition: Mapping[str, Any], where: str) -> Tool:
    """A function: the object with `name`, `description`, `parameters` and `strict`, which stands at `where`."""
    sent(definition, "strict", boolean, where)
    return Tool(
        name=needed(definition, "name", name_check, where),
        description=sent(definition, "description", text(), where) or "",
        parameters=sent(definition, "parameters", _arguments, where),
    )


def custom_tool(definition: Mapping[str, Any], where: str) -> Tool:
    """A tool that takes free text: the object with `name`, `description` and `format`, which stands at `where`."""
    description = sent(definition, "description", text(), where) or ""
    grammar = sent(definition, "format", _grammar, where) or ""
    return Tool(
        name=needed(definition, "name", name_check, where),
        description="\n\n".join(part for part in (description, grammar) if part),
        custom=True,
    )


def check_names(tools: Sequence[Tool], where: str, below: str = ".name") -> None:
    """Raises BadRequest for the first name that an earlier tool has. below: where the name stands in a tool."""
    seen: set[str] = set()
    for index, tool in enumerate(tools):
        if tool.name in seen:
            place = f"{where}[{index}]{below.format(kind='custom' if tool.custom else 'function')}"
            raise BadRequest(f"`{place}`: there is already a tool named `{tool.name}`.", place)
        seen.add(tool.name)


def check_choice(
    choice: ToolChoice, tools: Sequence[Tool], where: str = "tool_choice", among: str = "tools"
) -> None:
    """Raises BadRequest for a choice that these tools, which the client calls `among`, do not allow."""
    if not tools and (choice.mode == "required" or choice.names):
        raise BadRequest(f"`{where}` is only allowed with `{among}`.", where)
    known = {tool.name for tool in tools}
    for name in choice.names:
        if name not in known:
            raise BadRequest(f"`{where}` names `{name}`, which is not among the `{among}`.", where)


def _tool(value: object, where: str) -> Tool:
    fields = mapping(value, where)
    kind = needed(fields, "type", _kind_of_tool, where)
    make = function_tool if kind == "function" else custom_tool
    return make(needed(fields, kind, mapping, where), f"{where}.{kind}")


def _function(value: object, where: str) -> Tool:
    return function_tool(mapping(value, where), where)


def _arguments(value: object, where: str) -> dict[str, Any]:
    schema = json_schema(value, where)
    kind = schema.get("type", "object")
    if kind != "object" and not (isinstance(kind, list) and "object" in kind):
        refuse(where, "the schema of an object")
    return schema


def _grammar(value: object, where: str) -> str:
    """What a custom tool's `format` asks of its input, in words."""
    fields = mapping(value, where)
    if needed(fields, "type", one_of("text", "grammar"), where) == "text":
        return ""
    # Chat completions wrap the grammar once more than the Responses API does.
    inside = f"{where}.grammar" if "grammar" in fields else where
    grammar = needed(fields, "grammar", mapping, where) if "grammar" in fields else fields
    syntax = needed(grammar, "syntax", one_of("lark", "regex"), inside)
    definition = needed(grammar, "definition", text(), inside)
    return f"The input must match this {syntax} grammar:\n{definition}"


def choice_of(value: object, where: str, named: Callable[[dict[str, Any], str], ToolChoice]) -> ToolChoice:
    """A choice in a word, or what `named` makes of an object that names tools."""
    match value:
        case "none":
            return ToolChoice("none")
        case "auto":
            return ToolChoice("auto")
        case "required":
            return ToolChoice("required")
        case dict():
            return named(value, where)
    return refuse(where, "none, auto, required, or an object that names tools")


def allowed_choice(fields: Mapping[str, Any], where: str, name_of: Check[str]) -> ToolChoice:
    """A choice among some of the tools: the object with `mode` and `tools`. name_of: reads a name; empty ones of tools
    that upstream has by itself do not count."""
    mode: Literal["auto", "required"]
    mode = "auto" if needed(fields, "mode", one_of("auto", "required"), where) == "auto" else "required"
    names = needed(fields, "tools", list_of(name_of, MAX_TOOLS, least=1), where)
    return ToolChoice(mode, tuple(dict.fromkeys(filter(None, names))))


def _choice(value: object, where: str) -> ToolChoice:
    return choice_of(value, where, _named_choice)


def _named_choice(fields: dict[str, Any], where: str) -> ToolChoice:
    kind = needed(fields, "type", one_of("function", "custom", "allowed_tools"), where)
    if kind != "allowed_tools":
        return ToolChoice("required", (_name_in(fields, kind, where),))
    return allowed_choice(needed(fields, kind, mapping, where), f"{where}.{kind}", _tool_named)


def _tool_named(value: object, where: str) -> str:
    fields = mapping(value, where)
    return _name_in(fields, needed(fields, "type", _kind_of_tool, where), where)


def _name_in(fields: Mapping[str, Any], kind: str, where: str) -> str:
    return needed(needed(fields, kind, mapping, where), "name", name_check, f"{where}.{kind}")


def _function_call(value: object, where: str) -> ToolChoice:
    match value:
        case "none":
            return ToolChoice("none")
        case "auto":
            return ToolChoice("auto")
        case dict():
            return ToolChoice("required", (needed(value, "name", name_check, where),))
    return refuse(where, "none, auto, or an object with the `name` of a function")
