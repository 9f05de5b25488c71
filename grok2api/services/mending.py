"""Answers that are to have a form: tool calls and JSON. What does not fit is asked for once more, where the whole
answer is waited for; a stream, whose beginning may have been read already, says what it has."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from grok2api.errors import AnswerUnfit, GatewayError
from grok2api.events import BrokenCall, Event, Finish, Started, Text, ToolCall
from grok2api.messages import AnswerFormat, ChatRequest, Message, Role, ToolUse
from grok2api.services.filters.json_answer import pick_json, stream_json
from grok2api.services.instructions import mending_turns, missing_call_turns
from grok2api.services.schemas import problem_with

Turns = tuple[Message, Message]
#: Asks upstream again with two more turns.
Again = Callable[[Turns], Iterable[Event]]

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
            turns = (
                _turns_to_mend("".join(answer), calls, held, request) if event.reason != "length" else None
            )
            better = _calls_of(again, turns) if turns is not None else []
            if better:
                in_place_of_it = BrokenCall if calls or _broken(held) else BrokenCall | Text
                yield from (kept for kept in held if not isinstance(kept, in_place_of_it))
                yield from better if request.parallel_tool_calls else better[: 1 - len(calls)]
                yield Finish("tool_calls")
            else:
                yield from chain(calls_as_text(held), [event])
            return
        if held or isinstance(event, BrokenCall) or (required and isinstance(event, Text)):
            held.append(event)
        else:
            yield event


def mend_json(events: Iterable[Event], wanted: AnswerFormat, again: Again) -> Iterator[Event]:
    """The JSON document alone, out of all that the model wrote; one more round when there is none that fits.

    Raises AnswerUnfit when there is none then either and the client insists on it; else it gets the first answer as
    it was. An answer with tool calls, or one that was cut at its limit, is let through.
    """
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
            yield from _text(text if event.reason == "length" else _mended(text, wanted, again))
        yield event


def streamed_json(events: Iterable[Event], wanted: AnswerFormat) -> Iterator[Event]:
    """The JSON document as it comes. Raises AnswerUnfit at its end when it does not fit and the client insists."""
    events = stream_json(events, is_object=(wanted.schema or {"type": "object"}).get("type") == "object")
    if not wanted.strict:
        yield from events
        return
    pieces: list[str] = []
    called = False
    for event in events:
        if isinstance(event, Text):
            pieces.append(event.text)
        called = called or isinstance(event, ToolCall)
        if isinstance(event, Finish) and event.reason == "stop" and not called:
            document, problem = _pick("".join(pieces), wanted)
            if document is None:
                raise AnswerUnfit(problem)
        yield event


def _turns_to_mend(
    answer: str, calls: list[ToolCall], held: list[Event], request: ChatRequest
) -> Turns | None:
    if broken := _broken(held):
        turn, complaint = mending_turns(answer, broken[0].problem, call=True)
        uses = tuple(ToolUse(call.id, call.name, call.arguments, call.custom) for call in calls)
        return Message(Role.ASSISTANT, turn.text, tool_uses=uses), complaint
    if request.tool_choice.mode == "required" and not calls:
        return missing_call_turns(answer)
    return None


def _broken(held: list[Event]) -> list[BrokenCall]:
    return [event for event in held if isinstance(event, BrokenCall)]


def _calls_of(again: Again, turns: Turns) -> list[ToolCall]:
    """The calls of the second answer; none when there is a broken one among them again."""
    found: list[ToolCall] = []
    for event in _second(again, turns):
        if isinstance(event, BrokenCall):
            return []
        if isinstance(event, ToolCall):
            found.append(event)
    return found


def _mended(text: str, wanted: AnswerFormat, again: Again) -> str:
    document, problem = _pick(text, wanted)
    if document is None:
        second = _second(again, mending_turns(text, problem, call=False))
        better = "".join(event.text for event in second if isinstance(event, Text))
        document, problem = _pick(better, wanted) if better else (None, problem)
    if document is not None:
        return document
    if wanted.strict:
        raise AnswerUnfit(problem)
    return text


def _second(again: Again, turns: Turns) -> list[Event]:
    """The second answer; nothing when it fails, for there is a first one."""
    try:
        return [event for event in again(turns) if not isinstance(event, Started)]
    except GatewayError as error:
        log.warning("an answer was not mended: %s", error)
        return []


def _pick(text: str, wanted: AnswerFormat) -> tuple[str | None, str]:
    return pick_json(text, lambda value: _unfit(value, wanted))


def _unfit(value: object, wanted: AnswerFormat) -> str | None:
    if wanted.schema is None:
        return None if isinstance(value, dict) else "It is not a JSON object."
    return problem_with(wanted.schema, value)


def _text(text: str) -> Iterator[Event]:
    if text:
        yield Text(text)
