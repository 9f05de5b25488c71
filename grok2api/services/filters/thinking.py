"""How a model's thinking is shown: inside the answer as `<think>`, beside it, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from grok2api.events import (
    Embedded,
    Event,
    Finish,
    Moderated,
    Progress,
    Reasoning,
    Sources,
    Text,
    Thought,
    ToolCall,
)

_OPEN, _CLOSE = "<think>", "</think>"
#: What ends the thinking: the answer, or its end. A citation is not part of the text.
_CLOSING = (Text, Embedded, Moderated, ToolCall, Finish)
#: What would end the target of a Markdown link.
_NOT_IN_TARGET = re.compile(r'[\s()<>"\\\x00-\x1f\x7f]')


def hide_thinking(events: Iterable[Event]) -> Iterator[Event]:
    """Without thinking, its headings and what was found during it."""
    return (event for event in events if not isinstance(event, Reasoning | Sources | Progress))


def lay_out_thinking(events: Iterable[Event]) -> Iterator[Event]:
    """Headings, search results and progress as plain pieces of reasoning, parted by empty lines."""
    begun = fresh = False
    for event in events:
        kind = type(event)
        if kind is Reasoning and not event.heading:  # type: ignore[union-attr]
            yield event
            begun, fresh = True, False
        elif kind in (Reasoning, Sources, Progress):
            block = _block(event)
            yield Reasoning(f"{chr(10) * 2 if begun and not fresh else ''}{block}\n\n")
            begun = fresh = True
        else:
            yield event


def tag_thinking(events: Iterable[Event]) -> Iterator[Event]:
    """Reasoning inside `<think>`, which is always closed, also before an error; it opens again when thinking does.

    The tags stand in lines of their own, without empty ones beside them, and are pieces of their own: some clients
    look for just that. The line break behind the closing one comes with what follows.
    """
    last = ""  # of the thinking that is open
    break_due = False
    try:
        for event in events:
            kind = type(event)
            if kind is Reasoning:
                text = event.text  # type: ignore[union-attr]
                if not last:
                    yield from _opened(break_due)
                    break_due = False
                    text = "\n" + (text.lstrip("\n") or text)
                yield Thought(text)
                last = text
                continue
            if last and kind in _CLOSING:
                yield from _closed(last)
                last, break_due = "", True
            if break_due and kind in _CLOSING:
                break_due = False
                if kind is Text:
                    event = Text("\n" + event.text)  # type: ignore[union-attr]
                elif kind is not ToolCall:
                    yield Thought("\n")
            yield event
    except Exception:
        if last:
            yield from _closed(last)
            yield Thought("\n")
        raise


def _opened(break_due: bool) -> Iterator[Event]:
    if break_due:
        yield Thought("\n")
    yield Thought(_OPEN)


def _closed(last: str) -> Iterator[Event]:
    if not last.endswith("\n"):
        yield Thought("\n")
    yield Thought(_CLOSE)


def _block(event: Event) -> str:
    match event:
        case Sources(items):
            return "\n".join(f"- [{_plain(s.title)}]({_target(s.url)}{_preview(s.preview)})" for s in items)
        case Progress(kind, percent):
            return f"{kind}: {percent}%"
        case Reasoning(text):
            return text.strip("\n")
    raise AssertionError(event)


def _target(url: str) -> str:
    return _NOT_IN_TARGET.sub(lambda found: quote(found[0], safe=""), url)


def _plain(text: str) -> str:
    return " ".join(text.replace("[", "(").replace("]", ")").split())


def _preview(text: str) -> str:
    short = " ".join(text.replace('"', "'").split())[:200]
    return f' "{short}"' if short else ""
