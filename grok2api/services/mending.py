"""Answers that are to have a form: tool calls and JSON. What does not fit is asked for once more, where the whole
answer is waited for; a stream, whose beginning may have been read already, says what it has."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain

from grok2api.errors import AnswerUnfit, GatewayError
from grok2api.events import BrokenCall, Event, Finish, Text, ToolCall
from grok2api.messages import AnswerFormat, ChatRequest, Message, Role, ToolUse
from grok2api.services.filters.json_answer import pick_json, stream_json
from grok2api.services.instructions import mending_turns, missing_call_turns
from grok2api.services.lenient_json import strict_loads
from grok2api.services.schemas import checker_of

Turns = tuple[Message, Message]
#: Asks upstream again with two more turns; gives nothing when it may not be asked any more.
Again = Callable[[Turns], Iterable[Event]]
#: What is wrong with a value; None: nothing.
Fits = Callable[[object], str | None]

#: References that are followed from the root of a schema.
_REFERENCES = 5

log = logging.getLogger(__name__)


def calls_as_text(events: Iterable[Event]) -> Iterator[Event]:
    """Calls that are none as what the model wrote."""
    for event in events:
        yield Text(event.text) if isinstance(event, BrokenCall) else event


def mend_calls(events: Iterable[Event], request: ChatRequest, again: Again) -> Iterator[Event]:
    """One more round for a call that is none, or is missing though one is required; then the words said in its place
    go. All passes at once until it is known to be wanted; when the second answer is no better, the first one stands,
    its broken calls as text."""
    required = request.tool_choice.mode == "required"
    answer: list[str] = []
    calls: list[ToolCall] = []
    held: list[Event] = []
    for event in events:
        if isinstance(event, Text | BrokenCall):
            answer.append(event.text)
        elif isinstance(event, ToolCall):
            calls.append(event)
        elif isinstance(event, Finish):
            turns = _turns_to_mend("".join(answer), calls, held, request)
            better = _better_calls(again, turns, calls, request) if turns is not None else []
            if better:
                yield from _without_what_is_mended(held, calls)
                yield from better
                yield Finish("tool_calls")
            else:
                yield from chain(calls_as_text(held), [event])
            return
        # Space behind a call goes with the broken one that it stands before.
        waits = isinstance(event, Text) and (required or (bool(calls) and event.text.isspace()))
        if held or waits or isinstance(event, BrokenCall):
            held.append(event)
        else:
            yield event


def mend_json(events: Iterable[Event], wanted: AnswerFormat, again: Again) -> Iterator[Event]:
    """The JSON document alone, out of all that the model wrote; one more round when there is none that fits.

    Raises AnswerUnfit when there is none then either and the client insists on it; else it gets the first answer as
    it was. An answer with tool calls is let through; of one that was cut at its limit there is what would be streamed.
    """
    fits = _fits(wanted)
    pieces: list[str] = []
    for event in events:
        if isinstance(event, Text):
            pieces.append(event.text)
            continue
        if isinstance(event, ToolCall):
            yield from _text("".join(pieces))
            yield event
            yield from events
            return
        if isinstance(event, Finish):
            text = "".join(pieces)
            if event.reason == "length":
                yield from stream_json(iter([Text(text)] if text else []), is_object=_is_object(wanted))
            else:
                yield from _text(_mended(text, fits, wanted.strict, again))
        yield event


def streamed_json(events: Iterable[Event], wanted: AnswerFormat) -> Iterator[Event]:
    """The JSON document as it comes, which nothing can put right any more. Raises AnswerUnfit at its end when it does
    not fit and the client insists on it."""
    events = stream_json(events, is_object=_is_object(wanted))
    if not wanted.strict:
        yield from events
        return
    fits = _fits(wanted)
    pieces: list[str] = []
    called = False
    for event in events:
        if isinstance(event, Text):
            pieces.append(event.text)
        called = called or isinstance(event, ToolCall)
        if isinstance(event, Finish) and event.reason == "stop" and not called:
            problem = _problem_as_it_is("".join(pieces), fits)
            if problem is not None:
                raise AnswerUnfit(problem)
        yield event


def _turns_to_mend(
    answer: str, calls: list[ToolCall], held: list[Event], request: ChatRequest
) -> Turns | None:
    """None: there is nothing to ask for."""
    if calls and not request.parallel_tool_calls:
        return None
    if broken := _broken(held):
        turn, complaint = mending_turns(answer, broken[0].problem, call=True)
        uses = tuple(ToolUse(call.id, call.name, call.arguments, call.custom) for call in calls)
        return Message(Role.ASSISTANT, turn.text, tool_uses=uses), complaint
    if request.tool_choice.mode == "required" and not calls:
        return missing_call_turns(answer)
    return None


def _broken(held: list[Event]) -> list[BrokenCall]:
    return [event for event in held if isinstance(event, BrokenCall)]


def _without_what_is_mended(held: list[Event], calls: list[ToolCall]) -> Iterator[Event]:
    """What was held but for broken calls and the space around them, or the words in place of a missing call."""
    missing = not calls and not _broken(held)
    for event in held:
        if isinstance(event, BrokenCall) or (isinstance(event, Text) and (missing or event.text.isspace())):
            continue
        yield event


def _better_calls(again: Again, turns: Turns, calls: list[ToolCall], request: ChatRequest) -> list[ToolCall]:
    """The calls of the second answer, but for those that were made already; none when one is broken again."""
    made = {(call.name, call.arguments) for call in calls}
    found: list[ToolCall] = []
    for event in _second(again, turns):
        if isinstance(event, BrokenCall):
            return []
        if isinstance(event, ToolCall) and (event.name, event.arguments) not in made:
            found.append(event)
    return found if request.parallel_tool_calls else found[:1]


def _mended(text: str, fits: Fits, strict: bool, again: Again) -> str:
    document, problem = pick_json(text, fits)
    if document is None:
        second = _second(again, mending_turns(text, problem, call=False))
        better = "".join(event.text for event in second if isinstance(event, Text))
        document, problem = pick_json(better, fits) if better else (None, problem)
    if document is not None:
        return document
    if strict:
        raise AnswerUnfit(problem)
    return text


def _second(again: Again, turns: Turns) -> list[Event]:
    """The second answer; nothing when it fails, for there is a first one."""
    try:
        return list(again(turns))
    except GatewayError as error:
        log.warning("an answer was not mended: %s", error)
        return []


def _problem_as_it_is(text: str, fits: Fits) -> str | None:
    """What is wrong with a document that nobody can put right."""
    try:
        value = strict_loads(text)
    except ValueError:
        return "it is not valid JSON"
    return fits(value)


def _fits(wanted: AnswerFormat) -> Fits:
    if wanted.schema is None:
        return lambda value: None if isinstance(value, dict) else "it is not a JSON object"
    return checker_of(wanted.schema)


def _is_object(wanted: AnswerFormat) -> bool:
    """Whether only an object can fit, as far as the schema says so at its root or where that refers to."""
    schema: object = wanted.schema if wanted.schema is not None else {"type": "object"}
    for _ in range(_REFERENCES):
        reference = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        schema = wanted.schema
        for step in reference[2:].split("/"):
            schema = schema.get(step) if isinstance(schema, Mapping) else None
    return isinstance(schema, Mapping) and schema.get("type") == "object"


def _text(text: str) -> Iterator[Event]:
    if text:
        yield Text(text)
