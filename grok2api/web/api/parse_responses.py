"""The JSON of a request for a response (OpenAI's Responses API), or a BadRequest that names the field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from grok2api.errors import BadRequest
from grok2api.messages import AnswerFormat, ChatRequest, Message, Role, Tool, ToolChoice
from grok2api.web.api.checkers import (
    boolean,
    integer,
    list_of,
    map_of,
    mapping,
    needed,
    number,
    object_of,
    one_of,
    sent,
    text,
)
from grok2api.web.api.parameters import (
    Parameter,
    Table,
    check_parameters,
    header_names,
    ignored_names,
    metadata,
    model_name,
    prompt_cache_options,
    prompt_cache_retention,
    reasoning_effort,
    safety_identifier,
    service_tier,
)
from grok2api.web.api.parse_format import check_schemas, format_of, name_check
from grok2api.web.api.parse_items import Item, conversation_of, input_items
from grok2api.web.api.parse_tools import (
    MAX_TOOLS,
    allowed_choice,
    check_choice,
    check_names,
    choice_of,
    custom_tool,
    function_tool,
)

#: Names of `ChatRequest.max_tokens` on this wire.
RESPONSE_LIMITS = ("max_output_tokens",)

#: Upstream searches by itself, so that these tools are there.
_SEARCH = ("web_search", "web_search_preview", "web_search_2025_08_26", "web_search_preview_2025_03_11")
_summary = one_of("auto", "concise", "detailed")


def _refused(value: object, where: str) -> None:
    raise BadRequest(f"`{where}` is not supported by this gateway.", where)


def _elsewhere(value: object, where: str) -> None:
    """The check of what is checked where it is read."""


RESPONSE_PARAMETERS: Table = {
    "model": Parameter(model_name, honoured=True),
    "input": Parameter(_elsewhere, honoured=True),
    "instructions": Parameter(text(), honoured=True),
    "stream": Parameter(boolean, honoured=True),
    "stream_options": Parameter(object_of(include_obfuscation=boolean), honoured=True),
    "store": Parameter(boolean, honoured=True),
    "previous_response_id": Parameter(text(), honoured=True),
    "metadata": Parameter(metadata, honoured=True),  # kept and told, which is all that it is for
    "max_output_tokens": Parameter(integer(least=1), honoured=True),
    "tools": Parameter(_elsewhere, honoured=True),
    "tool_choice": Parameter(_elsewhere, honoured=True),
    "parallel_tool_calls": Parameter(boolean, honoured=True),
    "text": Parameter(object_of(format=mapping, verbosity=one_of("low", "medium", "high")), honoured=True),
    "reasoning": Parameter(
        object_of(
            effort=reasoning_effort, summary=_summary, generate_summary=_summary, mode=text(), context=text()
        ),
        honoured=True,
    ),
    "conversation": Parameter(_refused),
    "prompt": Parameter(_refused),
    "background": Parameter(boolean, usual=(False,)),
    "include": Parameter(list_of(text()), usual=([],)),
    "max_tool_calls": Parameter(integer(least=1)),
    "moderation": Parameter(mapping),
    "prompt_cache_key": Parameter(text()),
    "prompt_cache_options": Parameter(prompt_cache_options),
    "prompt_cache_retention": Parameter(prompt_cache_retention),
    "safety_identifier": Parameter(safety_identifier),
    "service_tier": Parameter(service_tier, usual=("auto", "default")),
    "temperature": Parameter(number(0, 2)),
    "top_logprobs": Parameter(integer(0, 20), usual=(0,)),
    "top_p": Parameter(number(0, 1)),
    "truncation": Parameter(one_of("auto", "disabled"), usual=("disabled",)),
    "user": Parameter(text()),
    "context_management": Parameter(list_of(mapping), usual=([],)),
    "background_options": Parameter(mapping),
    "access_programs": Parameter(map_of(text(), keys=text())),
    "image": Parameter(mapping),
}


@dataclass(frozen=True)
class ResponseRequest:
    """A request for a response. chat: what is asked of the model. echo: fields that the response repeats.

    items: the whole conversation so far in the client's form, earlier turns included, without the instructions.
    """

    chat: ChatRequest
    items: tuple[Item, ...]
    echo: Mapping[str, Any]
    store: bool
    previous_response_id: str | None


def parse_response(
    document: Mapping[str, Any], earlier: Sequence[Item], find_item: Callable[[str], Item | None]
) -> ResponseRequest:
    """The request for a response. earlier: the conversation that `previous_response_id` names. find_item: a stored
    item by its id. Raises BadRequest."""
    _check_depth(document)
    check_parameters(document, RESPONSE_PARAMETERS)
    check_schemas(document, "tools", "text")
    items = input_items(document.get("input"), find_item, needed_here=not earlier)
    turns = conversation_of(earlier, items)
    instructions = document.get("instructions")
    if instructions:
        turns = (Message(Role.SYSTEM, instructions), *turns)
    tools = _tools(document)
    effort = (document.get("reasoning") or {}).get("effort")
    ignored = header_names([*ignored_names(document, RESPONSE_PARAMETERS), *_ignored_inside(document)])
    chat = ChatRequest(
        model=needed(document, "model", model_name),
        messages=turns,
        stream=bool(document.get("stream")),
        hide_thinking=effort == "none",
        separate_thinking=True,
        max_tokens=sent(document, "max_output_tokens", integer(least=1)),
        tools=tools,
        tool_choice=_choice(document, tools),
        parallel_tool_calls=document.get("parallel_tool_calls") is not False,
        answer_format=sent(document.get("text") or {}, "format", _format, "text"),
        ignored=ignored,
    )
    return ResponseRequest(
        chat=chat,
        items=(*earlier, *items),
        echo=_echo(document),
        store=document.get("store") is not False,
        previous_response_id=document.get("previous_response_id"),
    )


def _check_depth(document: Mapping[str, Any]) -> None:
    """A response repeats its request and is stored with it, a few levels deeper, but writers of JSON give up earlier
    than readers do."""
    try:
        orjson.dumps([[[[document]]]])
    except TypeError:
        raise BadRequest("The request is nested too deeply.") from None


def _ignored_inside(document: Mapping[str, Any]) -> Iterator[str]:
    """Names of what is not honoured within parameters that are, else."""
    effort = (document.get("reasoning") or {}).get("effort")
    if effort not in (None, "none"):
        yield "reasoning.effort"
    if (document.get("text") or {}).get("verbosity") not in (None, "medium"):
        yield "text.verbosity"
    for tool in document.get("tools") or ():
        if tool["type"] in _SEARCH:
            yield from (
                f"tools.{name}" for name, value in tool.items() if name != "type" and value is not None
            )
    choice = document.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in _SEARCH:
        yield "tool_choice"


def _tools(document: Mapping[str, Any]) -> tuple[Tool, ...]:
    found = sent(document, "tools", list_of(_tool, MAX_TOOLS)) or []
    tools = [tool for tool in found if tool is not None]
    check_names(tools, "tools")
    return tuple(tools)


def _tool(value: object, where: str) -> Tool | None:
    """None: a tool that upstream has by itself."""
    fields = mapping(value, where)
    kind = needed(fields, "type", one_of("function", "custom", *_SEARCH), where)
    if kind in _SEARCH:
        return None
    return (custom_tool if kind == "custom" else function_tool)(fields, where)


def _choice(document: Mapping[str, Any], tools: Sequence[Tool]) -> ToolChoice:
    choice = sent(document, "tool_choice", _choice_of) or ToolChoice()
    if choice.mode != "required" or tools or not document.get("tools"):
        check_choice(choice, tools)
    return choice if tools else ToolChoice()


def _choice_of(value: object, where: str) -> ToolChoice:
    return choice_of(value, where, _named_choice)


def _named_choice(fields: dict[str, Any], where: str) -> ToolChoice:
    kind = needed(fields, "type", one_of("function", "custom", "allowed_tools", *_SEARCH), where)
    if kind in _SEARCH:
        return ToolChoice()
    if kind != "allowed_tools":
        return ToolChoice("required", (needed(fields, "name", name_check, where),))
    return allowed_choice(fields, where, _name_of)


def _format(value: object, where: str) -> AnswerFormat | None:
    return format_of(mapping(value, where), where, nested=False)


def _name_of(value: object, where: str) -> str:
    fields = mapping(value, where)
    kind = needed(fields, "type", one_of("function", "custom", *_SEARCH), where)
    return "" if kind in _SEARCH else needed(fields, "name", name_check, where)


def _echo(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a response that repeat the request, with OpenAI's defaults."""

    def given(name: str, default: Any) -> Any:
        value = document.get(name)
        return default if value is None else value

    reasoning = given("reasoning", {})
    wanted = given("text", {})
    return {
        "background": False,
        "instructions": document.get("instructions"),
        "max_output_tokens": document.get("max_output_tokens"),
        "max_tool_calls": document.get("max_tool_calls"),
        "metadata": given("metadata", {}),
        "parallel_tool_calls": given("parallel_tool_calls", True),
        "previous_response_id": document.get("previous_response_id"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "safety_identifier": document.get("safety_identifier"),
        "prompt_cache_key": document.get("prompt_cache_key"),
        "service_tier": "default",
        "store": given("store", True),
        "temperature": given("temperature", 1.0),
        "text": {
            "format": wanted.get("format") or {"type": "text"},
            "verbosity": wanted.get("verbosity") or "medium",
        },
        "tool_choice": given("tool_choice", "auto"),
        "tools": [_echoed_tool(tool) for tool in given("tools", [])],
        "top_logprobs": 0,
        "top_p": given("top_p", 1.0),
        "truncation": "disabled",
        "user": document.get("user"),
    }


def _echoed_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        return dict(tool)
    return {"description": None, "parameters": None, "strict": None} | dict(tool)
