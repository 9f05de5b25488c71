"""Pictures and videos as pieces of a text answer: Markdown for the one, an HTML element for the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

from grok2api.errors import MediaBusy, UpstreamError
from grok2api.events import Embedded, Event, Finish, Image, Text, Video

log = logging.getLogger(__name__)


def embed(
    events: Iterable[Event], picture_url: Callable[[str], str], video_url: Callable[[str], str]
) -> Iterator[Event]:
    """Finished media as what a client shows, with an empty line between them and text, and a line break between each
    other. picture_url, video_url: called with a path; one for which they raise an UpstreamError or MediaBusy is left
    out, and when there is no other, the error is raised at the end."""
    written = ""  # the end of what there is; an image leaves a mark that no text has
    unread: UpstreamError | MediaBusy | None = None
    shown_any = False
    for event in events:
        kind = type(event)
        if kind is Text:
            text = event.text  # type: ignore[union-attr]
            if written == _MEDIA:
                written = ""
                if gap := _gap(text):
                    yield Embedded(gap)
            written = (written + text)[-2:]
            yield event
        elif kind is Image or kind is Video:
            try:
                if kind is Image:
                    shown = f"![Generated Image]({picture_url(event.path)})"  # type: ignore[union-attr]
                else:
                    shown = f'<video src="{video_url(event.path)}" controls="controls"></video>'  # type: ignore[union-attr]
            except (UpstreamError, MediaBusy) as error:
                log.warning("a picture is left out of an answer: %s", error)
                unread = error
                continue
            yield Embedded(_before(written) + shown)
            written, shown_any = _MEDIA, True
        else:
            if kind is Finish and unread is not None and not shown_any:
                raise unread
            yield event


def left_out(events: Iterable[Event]) -> Iterator[Event]:
    """An answer that is to be a document: it could not be read with pictures in it, which are only logged."""
    count = 0
    for event in events:
        if isinstance(event, Image | Video):
            count += 1
            continue
        if count and isinstance(event, Finish):
            log.warning("%d pictures or videos were left out of an answer that is to be JSON", count)
        yield event


def video_alone(events: Iterable[Event]) -> Iterator[Event]:
    """Where a video is wanted it is the answer; words are one only when there is no video."""
    words: list[Event] = []
    made = False
    for event in events:
        if type(event) is Text:
            words.append(event)
            continue
        made = made or type(event) is Video
        if type(event) is Finish and not made:
            yield from words
        yield event


_MEDIA = "\0"


def _gap(text: str) -> str:
    """Line breaks that are missing between a picture and the text behind it."""
    return "\n" * max(0, 2 - (len(text) - len(text.lstrip("\n"))))


def _before(written: str) -> str:
    if not written:
        return ""
    if written == _MEDIA:
        return "\n"
    return "\n" * (2 - (len(written) - len(written.rstrip("\n"))))
