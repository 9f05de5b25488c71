"""The pictures, videos and cards among upstream's frames: which are final, which are previews, which withheld."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import orjson

from grok2api.events import Citation, Event, Image, Moderated, Progress, Video

_PREVIEW = re.compile(r"-part-\d+/")


def asset_path(url: object) -> str | None:
    """The path on the assets host of what upstream names (relative, absolute, a placeholder); None for none."""
    if not isinstance(url, str):
        return None
    try:
        path = urlsplit(url).path if "://" in url else url
    except ValueError:
        return None
    return path.strip().lstrip("/") or None


def percent_of(value: object) -> int:
    """Progress as 0 to 100 from a number or a numeric text; 0 when it is neither."""
    try:
        return max(0, min(100, int(float(value))))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0


def citation_of(card: object) -> Citation | None:
    """The page that a citation card names."""
    data = _card_data(card)
    url = data.get("url")
    if data.get("cardType") != "citation_card" or not isinstance(url, str) or not url:
        return None
    title = data.get("title")
    return Citation(url, title if isinstance(title, str) else "")


def _card_data(card: object) -> dict[str, Any]:
    data = card.get("jsonData") if isinstance(card, dict) else None
    if isinstance(data, str):
        try:
            data = orjson.loads(data)
        except orjson.JSONDecodeError:
            return {}
    return data if isinstance(data, dict) else {}


class MediaReader:
    """Hands out each finished picture and video of one answer once."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        #: paths, or ids where there is no path, of pictures not to be given
        self._withheld: set[str] = set()
        self._reported: set[str] = set()
        self._attachment: str | None = None
        self._video = False
        self._video_withheld = False

    @property
    def found(self) -> bool:
        """Whether there was any picture or video, withheld ones included."""
        return bool(self._given or self._reported or self._video)

    def read(self, response: dict[str, Any]) -> list[Event]:
        """The media events of one frame."""
        events: list[Event] = []
        image = response.get("streamingImageGenerationResponse")
        if isinstance(image, dict):
            self._streaming_image(image, image.get("imageId"), events)
        card = response.get("cardAttachment")
        if card is not None:
            chunk = _card_data(card).get("image_chunk")
            if isinstance(chunk, dict):
                self._streaming_image(chunk, chunk.get("imageUuid"), events)
        cached = response.get("cachedImageGenerationResponse")
        if isinstance(cached, dict):
            self._streaming_image(cached | {"progress": 100}, None, events)
        video = response.get("streamingVideoGenerationResponse")
        if isinstance(video, dict):
            self._streaming_video(video, events)
        model = response.get("modelResponse")
        if isinstance(model, dict):
            self._model_response(model, events)
        return events

    def end(self) -> list[Event]:
        """What only the end makes sure of: a picture that never came, a video that only the attachments named."""
        events: list[Event] = []
        if self._withheld and not self._given and not self._reported:
            self._report("", events)
        if not self._video and self._video_withheld:
            self._video = True
            events.append(Moderated("video"))
        elif not self._video and self._attachment is not None:
            self._video = True
            events.append(Video(self._attachment))
        return events

    def _streaming_image(self, image: dict[str, Any], image_id: object, events: list[Event]) -> None:
        percent = percent_of(image.get("progress"))
        path = asset_path(image.get("imageUrl"))
        if image.get("moderated") is True:
            name = path or str(image_id)
            self._withheld.add(name)
            if percent >= 100:
                self._report(name, events)
        elif percent >= 100 and path is None:
            self._withheld.add(str(image_id))  # unless another frame still brings its path
        elif percent < 100 or (path and _PREVIEW.search(path)):
            events.append(Progress("image", min(percent, 99)))
        else:
            self._finished(image, events)

    def _report(self, name: str, events: list[Event]) -> None:
        if name not in self._reported:
            self._reported.add(name)
            events.append(Moderated("image"))

    def _finished(self, image: dict[str, Any], events: list[Event]) -> None:
        path = asset_path(image.get("imageUrl"))
        if path is None or _PREVIEW.search(path) or path in self._given:
            return
        if path in self._withheld:
            return
        self._given.add(path)
        events.append(Image(path))

    def _streaming_video(self, video: dict[str, Any], events: list[Event]) -> None:
        path = asset_path(video.get("videoUrl"))
        if video.get("moderated") is True:
            self._video_withheld = True
            if percent_of(video.get("progress")) >= 100 and not self._video:
                self._video = True
                events.append(Moderated("video"))
        elif path is None:
            events.append(Progress("video", percent_of(video.get("progress"))))
        elif not self._video:
            self._video = True
            events.append(Video(path))

    def _model_response(self, model: dict[str, Any], events: list[Event]) -> None:
        urls = model.get("generatedImageUrls")
        for url in urls if isinstance(urls, list) else ():
            self._finished({"imageUrl": url}, events)
        attachments = model.get("fileAttachments")
        for name in attachments if isinstance(attachments, list) else ():
            path = asset_path(name)
            if path and path.endswith(".mp4"):
                self._attachment = path
