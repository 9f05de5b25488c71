"""Reads the calls of tools out of what a model wrote as one.

Understood are `{"name", "arguments"}` with the usual other words, `{"function": {…}}`, `{"tool_calls": […]}`, lists of
these, and several of them one after another, with Markdown fences, tags and stray words between. The arguments are an
object, or JSON in a string.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from grok2api.messages import Tool
from grok2api.services.coercion import Number, coerced, read_faithfully
from grok2api.services.json_scan import spans
from grok2api.services.lenient_json import dump, lenient_loads, strict_loads
from grok2api.services.schemas import checker_of

#: What names the tool, in order of preference; `function` may hold the rest of the call, too.
NAME_KEYS = ("name", "function", "tool", "tool_name", "function_name")
ARGUMENT_KEYS = ("arguments", "parameters", "args", "input", "tool_input")
#: What else a call may hold.
OTHER_KEYS = ("type", "id", "call_id", "tool_call_id", "index", "tool_calls")
#: The values of `type` that a call may have.
TYPES = ("function", "custom", "tool_call", "function_call", "tool_use", "tool")
#: Calls that are read from one place; a model that writes more has gone mad.
CALLS_MAX = 128

_PREFIX = re.compile(r"^(?:functions?|tools?)[.:/]", re.IGNORECASE)
_NOT_FOLDED = re.compile(r"[-_.\s]+")
_NAMED_MAX = 20
_SURROGATE = re.compile("[\ud800-\udfff]")


class Call(NamedTuple):
    """A valid call. arguments: compact JSON of an object; the text for a custom tool."""

    tool: Tool
    arguments: str


class NotACall(Exception):
    """What was written is no valid call. `problem`: what is wrong, a sentence for the model."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class Toolbox:
    """The tools that may be called, found also by names that are almost right."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._checkers: dict[str, Callable[[object], str | None]] = {}
        self._exact: dict[str, Tool] = {}
        self._folded: dict[str, Tool | None] = {}
        for tool in tools:
            self._exact[tool.name] = tool
        for tool in self._exact.values():
            folded = _fold(tool.name)
            self._folded[folded] = None if folded in self._folded else tool

    def find(self, name: str) -> Tool | None:
        """The tool of this name; with another case, other dashes or a prefix only when it can be no other."""
        for each in (name, _PREFIX.sub("", name, count=1)):
            if tool := self._exact.get(each) or self._folded.get(_fold(each)):
                return tool
        return None

    def problem_with(self, tool: Tool, arguments: object) -> str | None:
        """What is wrong with the arguments, for the model."""
        if tool.parameters is None:
            return None
        if tool.name not in self._checkers:
            self._checkers[tool.name] = checker_of(tool.parameters)
        return self._checkers[tool.name](arguments)

    def __str__(self) -> str:
        names = list(self._exact)
        return ", ".join(names[:_NAMED_MAX]) + (", …" if len(names) > _NAMED_MAX else "")


def _fold(name: str) -> str:
    return _NOT_FOLDED.sub("", name).casefold()


def read_calls(text: str, tools: Toolbox) -> list[Call]:
    """All calls in the text, at least one, in order; NotACall when there is none or one of them is not valid."""
    calls: list[Call] = []
    for start, end in spans(text):
        for name, arguments in _calls_in(_read(text[start:end])):
            if len(calls) == CALLS_MAX:
                raise NotACall(f"There are more than {CALLS_MAX} calls.")
            calls.append(_call(name, arguments, tools))
    if not calls:
        raise NotACall("There is no JSON object in the call.")
    return calls


def _read(text: str) -> object:
    """The value, with numbers as `Number` when it is strict JSON."""
    try:
        return read_faithfully(text)
    except (ValueError, RecursionError):
        pass
    try:
        return lenient_loads(text)
    except ValueError as error:
        raise NotACall(f"The JSON of the call cannot be read: {error}.") from error


def _calls_in(value: object) -> Iterator[tuple[str, object]]:
    """Names and arguments of the calls that the value holds. Arguments: `_MISSING` when there are none."""
    if isinstance(value, list):
        for item in value:
            yield from _calls_in(item)
        return
    if not isinstance(value, dict):
        raise NotACall("A call must be a JSON object.")
    if isinstance(inner := value.get("tool_calls"), list | dict):
        yield from _calls_in(inner)
        return
    if isinstance(inner := value.get("function"), dict):
        value = {**value, "function": None, **inner}
    name = next((found for key in NAME_KEYS if type(found := value.get(key)) is str and found.strip()), None)
    if name is None:
        raise NotACall('The call has no "name".')
    key = next((key for key in ARGUMENT_KEYS if key in value), None)
    if key is None:
        others = [key for key in value if key not in (*NAME_KEYS, *OTHER_KEYS, "description")]
        if others:
            raise NotACall(f'The call has no "arguments"; put {dump(others[0])} and the like into them.')
    yield name.strip(), _MISSING if key is None else value[key]


_MISSING = object()


def _call(name: str, arguments: object, tools: Toolbox) -> Call:
    tool = tools.find(name)
    if tool is None:
        raise NotACall(f"There is no tool {dump(name[:100])}. The tools are: {tools}.")
    if tool.custom:
        return Call(tool, _free_text(tool, arguments))
    if type(arguments) is str:
        arguments = _from_string(tool, arguments)
    if arguments is _MISSING or arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise NotACall(f"The arguments of {tool.name} must be a JSON object.")
    text = _written(arguments)
    problem = tools.problem_with(tool, strict_loads(text))
    if problem is not None:
        mended = _mended(tool, arguments, tools)
        if mended is None:
            raise NotACall(f"The arguments of {tool.name} do not fit: {problem}.")
        text = mended
    return Call(tool, text)


def _mended(tool: Tool, arguments: dict[str, Any], tools: Toolbox) -> str | None:
    """The arguments as JSON that fits, with slips of type put right. None: that does not help."""
    changed = coerced(arguments, tool.parameters or {}, read_faithfully)
    if changed is arguments:
        return None
    try:
        text = _written(changed)
        return text if tools.problem_with(tool, strict_loads(text)) is None else None
    except (ValueError, RecursionError):  # what was in strings made it too deep
        return None


def _from_string(tool: Tool, text: str) -> object:
    """The arguments that a string holds as JSON."""
    if not text.strip():
        return {}
    try:
        return _read(text)
    except NotACall as error:
        raise NotACall(f"The arguments of {tool.name} must be a JSON object.") from error


def _free_text(tool: Tool, arguments: object) -> str:
    """The text for a custom tool, bare or as `{"input": text}`, which may itself be in a string."""
    wrapped = arguments
    if type(arguments) is str and arguments.lstrip().startswith("{"):
        try:
            wrapped = strict_loads(arguments)
        except ValueError:
            wrapped = arguments
        if not (isinstance(wrapped, dict) and list(wrapped) == ["input"]):
            wrapped = arguments
    text = wrapped.get("input") if isinstance(wrapped, dict) else wrapped
    if type(text) is not str:
        raise NotACall(f'The arguments of {tool.name} must be {{"input": "text"}}.')
    return _SURROGATE.sub("\ufffd", text)  # half a character, which no output can carry


def _written(value: Any) -> str:
    """Compact JSON, as `dump` makes it, with the numbers as they were."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{dump(key)}:{_written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return str(value) if type(value) is Number else dump(value)
