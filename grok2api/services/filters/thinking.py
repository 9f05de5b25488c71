"""How a model's thinking is shown: inside the answer as `<think>`, beside it, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from grok2api.events import Event, Finish, Progress, Reasoning, Sources, Text

_OPEN = "<think>\n"
_CLOSE = "\n</think>\n"


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
    """Reasoning as text inside `<think>`, which is always closed; it opens again when thinking does."""
    thinking = False
    for event in events:
        kind = type(event)
        if kind is Reasoning:
            text = event.text  # type: ignore[union-attr]
            yield Text(text if thinking else _OPEN + text)
            thinking = True
            continue
        if thinking and kind in (Text, Finish):
            thinking = False
            yield Text(_CLOSE)
        yield event


def _block(event: Event) -> str:
    match event:
        case Sources(items):
            return "\n".join(f"- [{_plain(s.title)}]({s.url}{_preview(s.preview)})" for s in items)
        case Progress(kind, percent):
            return f"{kind}: {percent}%"
        case Reasoning(text):
            return text.strip("\n")
    raise AssertionError(event)


def _plain(text: str) -> str:
    return " ".join(text.replace("[", "(").replace("]", ")").split())


def _preview(text: str) -> str:
    short = " ".join(text.replace('"', "'").split())[:200]
    return f' "{short}"' if short else ""
