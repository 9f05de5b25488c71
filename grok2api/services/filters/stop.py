"""The client's stop sequences: the answer ends before the first of them.

The first is the one that is complete first, as the answer is read one character at a time; of those that are complete
at the same character, the longest. So the result does not depend on how upstream split the text. Held back is only
what may still become one. Thinking and tool calls are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from grok2api.events import BrokenCall, Event, Finish, Text, ToolCall


def stop_at(events: Iterable[Event], sequences: Sequence[str], close: Callable[[], None]) -> Iterator[Event]:
    """Passes events on until one of the texts `sequences` (none empty) comes; then calls `close`."""
    matchers = [_Matcher(sequence) for sequence in sequences]
    held = ""
    called = False
    try:
        for event in events:
            if type(event) is Text:
                text = held + event.text
                end = _end_of_first(matchers, event.text)
                if end:
                    close()
                    cut = len(held) + end - max(m.matched for m in matchers if m.complete)
                    if cut:
                        yield Text(text[:cut])
                    yield Finish("tool_calls" if called else "stop")
                    return
                shown = len(text) - max(matcher.matched for matcher in matchers)
                held = text[shown:]
                if shown:
                    yield Text(text[:shown])
                continue
            if isinstance(event, Finish | ToolCall | BrokenCall):
                called = called or isinstance(event, ToolCall)
                if held:
                    yield Text(held)
                    held = ""
                    for matcher in matchers:
                        matcher.matched = 0
            yield event
    except Exception:
        if held:
            yield Text(held)
        raise


def _end_of_first(matchers: Sequence[_Matcher], text: str) -> int:
    """How many characters it takes until a sequence is complete; 0: none is."""
    for read, char in enumerate(text, 1):
        complete = False
        for matcher in matchers:
            complete |= matcher.take(char)
        if complete:
            return read
    return 0


class _Matcher:
    """Knuth, Morris and Pratt's search of one sequence. matched: how many of its characters the text ends with."""

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence
        self._shorter = [0]  # by matched - 1: the next shorter beginning that the text ends with, too
        self.matched = 0
        for char in sequence[1:]:
            self._shorter.append(self._step(self._shorter[-1], char))

    @property
    def complete(self) -> bool:
        return self.matched == len(self._sequence)

    def take(self, char: str) -> bool:
        """Whether the sequence is complete with this character. Not to be called any more when it was."""
        self.matched = self._step(self.matched, char)
        return self.complete

    def _step(self, matched: int, char: str) -> int:
        while matched and self._sequence[matched] != char:
            matched = self._shorter[matched - 1]
        return matched + (self._sequence[matched] == char)
