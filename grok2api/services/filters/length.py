"""`max_tokens`: the visible answer ends when its estimated tokens are used up. Thinking and tool calls are free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from grok2api.events import Event, Finish, Text
from grok2api.text_tokens import TokenCount


def limit_length(events: Iterable[Event], max_tokens: int, close: Callable[[], None]) -> Iterator[Event]:
    """Passes events on until there is more text than `max_tokens`; then calls `close`, which frees upstream, and
    finishes with `length`."""
    count = TokenCount()
    for event in events:
        if type(event) is Text:
            fitting = count.add_up_to(event.text, max_tokens)
            if fitting < len(event.text):
                close()
                if fitting:
                    yield Text(event.text[:fitting])
                yield Finish("length")
                return
        yield event
