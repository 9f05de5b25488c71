"""The items of a response whose text comes piece by piece: the answer, and the summary of the thinking before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from grok2api.events import Citation

#: Told each step: an event's type and fields.
Tell = Callable[[str, dict[str, Any]], None]


class OpenText(ABC):
    """An item whose text is still coming. prefix: of its id. step: of the events that tell of its text."""

    prefix: ClassVar[str]
    step: ClassVar[str]

    def __init__(self, id_: str, index: int) -> None:
        self.id = id_
        self.index = index
        self.pieces: list[str] = []

    @property
    @abstractmethod
    def place(self) -> dict[str, Any]:
        """Where its text is, for the steps that tell of it."""

    @abstractmethod
    def begin(self, tell: Tell) -> None:
        """Tell that the item is there."""

    @abstractmethod
    def end(self, tell: Tell, status: str) -> dict[str, Any]:
        """Tell that it is done. The whole item."""

    def add(self, text: str, tell: Tell) -> None:
        self.pieces.append(text)
        tell(f"{self.step}.delta", self.place | {"delta": text})

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class OpenAnswer(OpenText):
    prefix = "msg"
    step = "response.output_text"

    def __init__(self, id_: str, index: int) -> None:
        super().__init__(id_, index)
        self._annotations: list[dict[str, Any]] = []
        self._place = {"item_id": id_, "output_index": index, "content_index": 0}

    @property
    def place(self) -> dict[str, Any]:
        return self._place | {"logprobs": []}

    def begin(self, tell: Tell) -> None:
        item = self._item("in_progress", [])
        tell("response.output_item.added", {"output_index": self.index, "item": item})
        tell("response.content_part.added", self._place | {"part": self._part()})

    def cite(self, citation: Citation, tell: Tell) -> None:
        at = sum(map(len, self.pieces))
        annotation = {"type": "url_citation", "start_index": at, "end_index": at}
        annotation |= {"url": citation.url, "title": citation.title or citation.url}
        about = {"annotation_index": len(self._annotations), "annotation": annotation}
        self._annotations.append(annotation)
        tell("response.output_text.annotation.added", self._place | about)

    def end(self, tell: Tell, status: str) -> dict[str, Any]:
        part = self._part()
        tell("response.output_text.done", self.place | {"text": part["text"]})
        tell("response.content_part.done", self._place | {"part": part})
        item = self._item(status, [part])
        tell("response.output_item.done", {"output_index": self.index, "item": item})
        return item

    def _part(self) -> dict[str, Any]:
        annotations = list(self._annotations)
        return {"type": "output_text", "text": self.text, "annotations": annotations, "logprobs": []}

    def _item(self, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}


class OpenSummary(OpenText):
    prefix = "rs"
    step = "response.reasoning_summary_text"

    @property
    def place(self) -> dict[str, Any]:
        return {"item_id": self.id, "output_index": self.index, "summary_index": 0}

    def begin(self, tell: Tell) -> None:
        item = {"id": self.id, "type": "reasoning", "summary": []}
        tell("response.output_item.added", {"output_index": self.index, "item": item})
        part = {"type": "summary_text", "text": ""}
        tell("response.reasoning_summary_part.added", self.place | {"part": part})

    def end(self, tell: Tell, status: str) -> dict[str, Any]:
        part = {"type": "summary_text", "text": self.text}
        tell("response.reasoning_summary_text.done", self.place | {"text": part["text"]})
        tell("response.reasoning_summary_part.done", self.place | {"part": part})
        item = {"id": self.id, "type": "reasoning", "summary": [part]}
        tell("response.output_item.done", {"output_index": self.index, "item": item})
        return item
