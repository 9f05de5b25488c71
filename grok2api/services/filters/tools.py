"""Finds the calls of tools in an answer while it streams.

What is read is the concatenated text, so the result does not depend on how it was cut into events:

- A call is what stands in `<tool_call>…</tool_call>`. Models forget the tags, so a code fence counts as well, and JSON
  that begins the answer, if it calls a declared tool; everything else comes through to the character.
- Held back is only what may still become a call. White space is held where nothing but calls was before it: it is
  dropped when a call or the end follows, since an answer of calls alone has no text.
- The end of an element is looked for outside of strings. When what was found so cannot be read, the first closing
  tag counts after all, and reading goes on right behind it.
- What is no valid call is a `BrokenCall` when it was meant as one: it has the tag, or names a declared tool.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence

from grok2api.events import BrokenCall, Event, Finish, Text, ToolCall
from grok2api.messages import Tool
from grok2api.services.filters.call_shape import CallShape
from grok2api.services.filters.held_calls import FENCE, TAG, End, HeldCall
from grok2api.services.tool_calls import NotACall, Toolbox, read_calls

#: Longer events are read in pieces: what follows a call is copied.
_PIECE = 4096
#: How often in an answer an element that cannot be read is cut at its first closing tag and the rest is read again.
_AGAIN_MAX = 8
#: Characters of white space that are held before a call or between two; more of it is text.
_SPACE_MAX = 1024

_START = re.compile(r"<|`+")
_FENCE_END = re.compile("`{1,8}")
_BLANK = re.compile(r"\s*")
_LINE_BEGINS = ("\n", "\n ", "\n  ", "\n   ")
# Markup that belongs to a call in an element that was left open: fences and tags.
_LEFT_OPEN = re.compile(
    r"(?:\s*(?:`{3,8}|</?\s*(?:tool_calls?|function_calls?)\s*>))*", re.IGNORECASE | re.ASCII
)
_MARKUP = re.compile(r"^\s*(?:(?:```\w*|</?[a-z_]+>)\s*)*", re.IGNORECASE | re.ASCII)
_CUT_OFF = "The call is cut off before its end."


def new_call_id() -> str:
    return f"call_{secrets.token_hex(12)}"


def parse_calls(
    events: Iterable[Event],
    tools: Sequence[Tool],
    *,
    parallel: bool = True,
    close: Callable[[], None] = lambda: None,
    new_id: Callable[[], str] = new_call_id,
) -> Iterator[Event]:
    """Passes all events on, with `ToolCall` and `BrokenCall` in place of the text that they were made of.

    tools: those that may be called; without any nothing is a call. parallel: false ends the answer after the first
    valid call, and calls `close`, which frees upstream. A `Finish("stop")` after a call becomes
    `Finish("tool_calls")`. Other events pass at once; before an error what is held comes out as text.
    """
    if not tools:
        yield from events
        return
    reader = CallReader(tools, parallel, new_id)
    try:
        for event in events:
            if type(event) is Text:  # runs for each token
                text = event.text
                if reader.idle and "<" not in text and "`" not in text:
                    reader.shown = text if len(text) > 3 else reader.shown[-3:] + text
                    yield event
                    continue
                yield from reader.feed(text)
            elif isinstance(event, Finish):
                yield from reader.end(event.reason)
                yield Finish("tool_calls") if reader.called and event.reason == "stop" else event
                return
            else:
                yield event
            if reader.done:
                break
        else:
            yield from reader.end("stop")
    except Exception:
        yield from reader.give_up()
        raise
    if reader.done:
        close()
        yield Finish("tool_calls")


class CallReader:
    """The state of one answer.

    While `idle`, a text without `<` and backticks need not be fed: it would come back unchanged. Who skips it so
    puts its end into `shown`: the four latest characters tell whether a fence begins a line.
    """

    def __init__(self, tools: Sequence[Tool], parallel: bool, new_id: Callable[[], str]) -> None:
        self._tools = Toolbox(tools)
        self._parallel = parallel
        self._new_id = new_id
        self.idle = False
        self.shown = "\n"
        #: whether there was a valid call, and whether it was the last one
        self.called = self.done = False
        self._fresh = True  # nothing but calls and white space so far
        self._space = ""  # the white space that is held
        self._in_fence = False  # whether the latest call stood in a fence, which is to be closed
        self._start = ""  # what may become the opening of a call
        self._held: HeldCall | None = None
        self._again = _AGAIN_MAX
        self._out: list[Event] = []

    def feed(self, text: str) -> list[Event]:
        """What is decided now that `text` has come."""
        self._feed(text)
        return self._take()

    def end(self, reason: str) -> list[Event]:
        """The rest. reason: why the answer ends, as in `Finish`."""
        while (held := self._held) is not None:
            self._feed(self._resolve(held, held.end(), complete=reason == "stop"))
        rest, self._start = self._start, ""
        if not (self._in_fence and _FENCE_END.fullmatch(rest) and len(rest) >= 3):
            self._show(rest)
        if not self.called:
            self._show_space()
        return self._take()

    def give_up(self) -> list[Event]:
        """All that is held, as text."""
        self._show(self._held.text if self._held else self._start)
        self._show_space()
        self._held, self._start = None, ""
        return self._take()

    def _take(self) -> list[Event]:
        self.idle = not (self._fresh or self._start or self._held)
        out, self._out = self._out, []
        return out

    def _feed(self, text: str) -> None:
        for at in range(0, len(text), _PIECE):
            piece = text[at : at + _PIECE]
            while piece and not self.done:
                if self._held is None:
                    piece = self._look(self._start + piece)
                elif (end := self._held.read(piece)) is not None:
                    piece = self._resolve(self._held, end)
                else:
                    break

    def _look(self, text: str) -> str:
        """Shows text up to where a call may begin, from where on it is held. The part that the held call reads."""
        self._start = ""
        begin = at = 0
        if self._fresh:
            begin = at = _BLANK.match(text).end()  # type: ignore[union-attr]
            self._space += text[:at]
            if text[at : at + 1] in ("{", "["):
                self._held = HeldCall("", CallShape(self._tools))
                return text[at:]
            if self._in_fence and (closing := _FENCE_END.match(text, at)):
                if closing.end() == len(text) and len(closing[0]) < 8:
                    self._start = text[at:]  # there may be more of it
                    return ""
                self._in_fence = len(closing[0]) < 3
                if not self._in_fence:
                    self._space = ""  # directly around a call
                    return text[closing.end() :]
            if len(self._space) > _SPACE_MAX:
                self._show_space()
                self._fresh = False
        while found := _START.search(text, at):
            start, at = found.start(), found.end()
            tag = found[0] == "<"
            if not tag and not self._begins_line(text, begin, start):
                continue
            opening = (TAG if tag else FENCE).match(text, start, partial=True)
            if opening is None:
                continue
            self._show(text[begin:start])
            if opening.partial:
                self._start = text[start:]
                return ""
            if tag or opening["name"]:
                self._held = HeldCall(opening[0], tag=opening["name"])
                return text[opening.end() :]
            self._held = HeldCall(opening[0][:-1], CallShape(self._tools))
            return text[opening.end() - 1 :]
        self._show(text[begin:])
        return ""

    def _begins_line(self, text: str, begin: int, at: int) -> bool:
        before = (self.shown + self._space)[-4:] + text[max(begin, at - 4) : at]
        return before.endswith(_LINE_BEGINS)

    def _show(self, text: str) -> None:
        if text:
            self._out.append(Text(self._space + text))
            self._space = ""
            self._mark_shown(text)

    def _show_space(self) -> None:
        if self._space:
            self._out.append(Text(self._space))
            self.shown = (self.shown + self._space)[-4:]
            self._space = ""

    def _mark_shown(self, text: str) -> None:
        self._in_fence = False
        self.shown = (self.shown + text[-4:])[-4:]
        self._fresh = False

    def _resolve(self, held: HeldCall, end: End, complete: bool = True) -> str:
        """Makes events of what was held. What came behind it, to be read on.

        complete: the model said all that it wanted to.
        """
        self._held = None
        whole = held.text
        if end.kind == "text" and (held.shape is not None or not held.doubtful[1]):
            self._show(whole[: end.end])
            return whole[end.end :]
        problem = None
        if end.kind != "text":
            to, problem = (self._read_closed if end.kind == "closed" else self._read_open)(
                held, whole, end, complete
            )
            if problem is None:
                return whole[to:]
        if held.doubtful[1] and self._again:
            self._again -= 1
            end = End("closed", *held.doubtful)
            to, problem = self._read_closed(held, whole, end, complete)
            if problem is None:
                return whole[to:]
        if problem is not None and _was_meant(held, whole[held.opening : end.body_end], end.kind):
            self._show_space()
            self._out.append(BrokenCall(whole[: end.end], problem))
            self._mark_shown(whole[: end.end])
        else:
            self._show(whole[: end.end])
        return whole[end.end :]

    def _read_closed(self, held: HeldCall, whole: str, end: End, complete: bool) -> tuple[int, str | None]:
        """Gives the calls; where they end, and the problem when there are none."""
        return end.end, self._give(whole[held.opening : end.body_end], held.in_fence)

    def _read_open(self, held: HeldCall, whole: str, end: End, complete: bool) -> tuple[int, str | None]:
        """The same for what was not closed: at the end of the answer a bracket and the closing tag may be missing,
        but no part of a value."""
        if not held.missing:
            to = held.whole_to or end.end
            to = _LEFT_OPEN.match(whole, to, end.end).end()  # type: ignore[union-attr]
            return to, self._give(whole[held.opening : to], held.in_fence)
        last = whole[: end.end].rstrip().rstrip("`").rstrip()[-1:]
        if not complete or last not in ("}", "]", '"') or (held.in_string and last == '"'):
            return end.end, _CUT_OFF
        return end.end, self._give(whole[held.opening : end.end], held.in_fence)

    def _give(self, body: str, in_fence: bool) -> str | None:
        """Gives the calls that the body holds; the problem when it holds none. in_fence: a fence is to be closed."""
        try:
            calls = read_calls(body, self._tools)
        except NotACall as error:
            return error.problem
        for call in calls:
            self._out.append(ToolCall(self._new_id(), call.tool.name, call.arguments, call.tool.custom))
            self.called = True
            if not self._parallel:
                self.done = True
                break
        self._fresh, self._space, self.shown = True, "", "\n"
        self._in_fence = self._in_fence or in_fence
        return None


def _was_meant(held: HeldCall, body: str, kind: str) -> bool:
    """Whether what is no valid call was meant as one. kind: as in `End`."""
    if held.shape is not None:
        return held.shape.named
    body = body.lstrip()
    if kind == "open":
        return _MARKUP.sub("", body).startswith(("{", "["))
    return not body.startswith("`") or body.startswith("```")  # `<tool_call>` in a sentence about the tag
