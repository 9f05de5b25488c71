"""What an answer is made of: the small closed vocabulary between upstream frames and every output.

`upstream/frames.py` makes events, `services/` cleans them and passes them on, every output surface
(chat chunks, a chat completion, …) is a thin renderer of them. Events are immutable; text is never
stripped, and an event never carries an empty text.
"""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """A piece of the visible answer."""

    text: str


class Reasoning(NamedTuple):
    """A piece of the model's thinking. `heading`: the title of a step, whole, without line breaks."""

    text: str
    heading: bool = False


class Thought(NamedTuple):
    """Thinking as a part of the visible answer, with its tags."""

    text: str


class Source(NamedTuple):
    """One web page or post that a search found."""

    url: str
    title: str
    preview: str = ""


class Sources(NamedTuple):
    """What one search during thinking found, in upstream's order."""

    items: tuple[Source, ...]


class Citation(NamedTuple):
    """A page that the answer cites."""

    url: str
    title: str = ""


class Progress(NamedTuple):
    """How far the making of media is: `percent` 0 to 100, may repeat or step back."""

    kind: str
    percent: int


class Image(NamedTuple):
    """A finished picture. `path`: relative to the assets host, without a leading slash."""

    path: str


class Video(NamedTuple):
    """A finished video. `path`: as in `Image`."""

    path: str


class Embedded(NamedTuple):
    """A picture or video as a piece of the visible answer: Markdown or HTML, and the line breaks that part it."""

    text: str


class Moderated(NamedTuple):
    """A picture or video that upstream made and withheld."""

    kind: str


class ToolCall(NamedTuple):
    """A call of one of the client's tools, valid against its schema.

    id: ours, `call_…`. arguments: a JSON object as text; for a custom tool its free text.
    """

    id: str
    name: str
    arguments: str
    custom: bool = False


class BrokenCall(NamedTuple):
    """What looked like a call and is none. text: as the model wrote it. problem: what is wrong, for the model."""

    text: str
    problem: str


class Started(NamedTuple):
    """The answer has begun (also when what began it stays hidden): from here on there is no failover."""


class Finish(NamedTuple):
    """The good end, once and last. `reason` in OpenAI's words: `stop`, `length`, `tool_calls`."""

    reason: str = "stop"


Event = (
    Text
    | Reasoning
    | Thought
    | Sources
    | Citation
    | Progress
    | Image
    | Video
    | Embedded
    | Moderated
    | ToolCall
    | BrokenCall
    | Started
    | Finish
)
