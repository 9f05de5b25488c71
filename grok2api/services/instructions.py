"""What the model is told so that it can call the client's tools and answer in JSON, which upstream knows nothing of.

The instructions are one more `[system]` turn of the transcript, behind the client's own leading ones. A call is to be
written as

    <tool_call>
    {"name": "get_weather", "arguments": {"city": "Paris"}}
    </tool_call>

which many models know by themselves; `filters/tools.py` reads it, and `prompt.py` writes the history's calls in the
same form, with their ids. A custom tool takes `{"input": "text"}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grok2api.messages import AnswerFormat, ChatRequest, Message, Role, Tool
from grok2api.services.lenient_json import dump

_TOOLS = """\
You can call tools, besides those of your own. They run where the user is; their results come back in turns that \
begin with [tool: NAME, ID]. To call one, write a block of exactly this form:

<tool_call>
{{"name": "NAME", "arguments": {{}}}}
</tool_call>

"arguments" is strict JSON and fits the tool's JSON schema. {count} Do not write an id, do not put the block into a \
code fence, and write nothing behind it: never make up a result. {choice}

The tools:
{tools}"""

_ONE = "Write one block at most."
_SEVERAL = "For several calls write several blocks, one behind the other."

_CUSTOM_PARAMETERS = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
}

_OBJECT = "Answer with one JSON object in strict JSON and nothing else: no words around it, no code fence."
_SCHEMA = """\
Answer with one JSON document in strict JSON and nothing else: no words around it, no code fence. It fits this JSON \
schema{name}:
{schema}"""
_UNLESS_CALL = "Where you call a tool, write the call alone; otherwise: "

_MEND_CALL = (
    "That call cannot be used: {problem}. Write only that call once more, whole and valid, in the form that was "
    "given."
)
_MEND_JSON = (
    "That answer cannot be used: {problem}. Answer once more, with the valid JSON document and nothing else."
)
_MISSING_CALL = "There is no call in that answer, but one is needed. Write it in the form that was given."


def instructions_for(request: ChatRequest) -> str:
    """The text of the further system turn; empty where there is nothing to tell."""
    parts = []
    if tools := request.callable_tools:
        parts.append(_about_tools(request, tools))
    if request.answer_format is not None:
        parts.append((_UNLESS_CALL if parts else "") + _about_format(request.answer_format))
    return "\n\n".join(parts)


def mending_turns(answer: str, problem: str, *, call: bool) -> tuple[Message, Message]:
    """The turns that ask for a better answer after this one; problem: what is wrong. call: it was to be a tool call."""
    words = _MEND_CALL if call else _MEND_JSON
    return Message(Role.ASSISTANT, answer), Message(Role.SYSTEM, words.format(problem=problem.rstrip(".")))


def missing_call_turns(answer: str) -> tuple[Message, Message]:
    """The same after an answer without the call that the client requires."""
    return Message(Role.ASSISTANT, answer), Message(Role.SYSTEM, _MISSING_CALL)


def _about_tools(request: ChatRequest, tools: tuple[Tool, ...]) -> str:
    return _TOOLS.format(
        count=_SEVERAL if request.parallel_tool_calls else _ONE,
        choice=_choice(request, tools),
        tools="\n".join(dump(_described(tool)) for tool in tools),
    )


def _choice(request: ChatRequest, tools: tuple[Tool, ...]) -> str:
    if request.tool_choice.mode == "auto":
        return "Where no tool helps, answer as you would without them."
    if len(tools) == 1:
        return f"In this answer you must call {tools[0].name}."
    return "In this answer you must call one of them."


def _described(tool: Tool) -> dict[str, Any]:
    described: dict[str, Any] = {"name": tool.name}
    if tool.description:
        described["description"] = tool.description
    parameters: Mapping[str, Any] | None = _CUSTOM_PARAMETERS if tool.custom else tool.parameters
    return described | {"parameters": parameters if parameters is not None else {"type": "object"}}


def _about_format(wanted: AnswerFormat) -> str:
    if wanted.schema is None:
        return _OBJECT
    name = f' "{wanted.name}"' if wanted.name else ""
    about = f"{wanted.description.strip()}\n\n" if wanted.description.strip() else ""
    return about + _SCHEMA.format(name=name, schema=dump(wanted.schema))
