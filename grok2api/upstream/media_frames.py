"""The pictures, videos and cards among upstream's frames: which are final, which are previews, which withheld."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import orjson

from grok2api.events import Citation, Event, Image, Moderated, Progress, Video

#: Ends of ids that are previews of what the id without them is.
_PART = re.compile(r"-part-\d+(?=/)")
_ID = re.compile(r"/generated/([^/]+)/")
#: Upstream's own hosts, which name the same files; others are no business of an account's.
_HOST = re.compile(r"(?:[\w-]+\.)*grok\.com", re.IGNORECASE | re.ASCII)


def asset_path(url: object) -> str | None:
    """The path on the assets host of what upstream names (relative, absolute, a placeholder); None for none.

    What lies on a host that is not Grok's keeps its address, which is no path of a file on the assets host.
    """
    if not isinstance(url, str):
        return None
    url = url.strip()
    if url.startswith("//") and _HOST.fullmatch(url[2:].partition("/")[0]):
        url = f"https:{url}"
    try:
        parts = urlsplit(url if "://" in url else url.lstrip("/"))
        foreign = "://" in url and not _HOST.fullmatch(parts.hostname or "")
    except ValueError:
        return None
    if foreign:
        return f"{parts.scheme}://{parts.netloc}{parts.path}"
    return parts.path.strip().lstrip("/") or None


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


def cards_of(response: dict[str, Any]) -> list[object]:
    """The cards of a frame: there is one, or a list of them."""
    several = response.get("cardAttachments")
    cards = several if isinstance(several, list) else []
    return [response["cardAttachment"], *cards] if "cardAttachment" in response else cards


def _card_data(card: object) -> dict[str, Any]:
    """What a card says: as JSON in a field of it, or it is that itself."""
    data = card.get("jsonData", card) if isinstance(card, dict) else card
    if isinstance(data, str):
        try:
            data = orjson.loads(data)
        except orjson.JSONDecodeError:
            return {}
    return data if isinstance(data, dict) else {}


class MediaReader:
    """Hands out each finished picture and video of one answer once."""

    def __init__(self, user: str = "") -> None:
        """user: whose files they are, as their paths have it; "": unknown."""
        self._user = user
        self._given: set[str] = set()
        #: ids and paths (without marks of a preview) of pictures not to be given
        self._withheld: set[str] = set()
        self._reported: set[str] = set()
        #: whether there is to be a picture
        self._expected = False
        self._attachment: str | None = None
        self._filming = False
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
            self._streaming_image(image, events)
        for card in cards_of(response):
            self._card(_card_data(card), events)
        cached = response.get("cachedImageGenerationResponse")
        if isinstance(cached, dict):
            self._streaming_image(cached | {"progress": 100}, events)
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
        if self._expected and not self._given and not self._reported:
            self._report("", events)
        if not self._video and self._video_withheld:
            self._video = True
            events.append(Moderated("video"))
        elif not self._video and self._attachment is not None:
            self._video = True
            events.append(Video(self._attachment))
        return events

    def _card(self, data: dict[str, Any], events: list[Event]) -> None:
        chunk = data.get("image_chunk", data.get("imageChunk"))
        if isinstance(chunk, dict):
            self._streaming_image(chunk, events)

    def _streaming_image(self, image: dict[str, Any], events: list[Event]) -> None:
        percent = percent_of(image.get("progress"))
        path = asset_path(image.get("imageUrl", image.get("image_url")))
        preview = path is not None and _PART.search(path) is not None
        if path is not None and not preview and image.get("progress") is None:
            percent = 100  # previews say how far they are, and have their mark
        beside = bool(image.get("sideBySideIndex"))  # of a second answer, which is nobody's to get
        if image.get("moderated") is True:
            names = _names(image, path)
            self._withheld.update(names)
            self._expected = self._expected or not beside
            if percent >= 100 and not beside:
                self._report(names[0] if names else "", events)
        elif beside:
            return
        elif percent >= 100 and path is None:
            self._expected = True  # unless another frame still brings its path
        elif percent < 100 or preview:
            events.append(Progress("image", min(percent, 99)))
        else:
            self._finished(path, events, _names(image, path))

    def _report(self, name: str, events: list[Event]) -> None:
        if name not in self._reported:
            self._reported.add(name)
            events.append(Moderated("image"))

    def _finished(self, path: str | None, events: list[Event], names: Iterable[str] = ()) -> None:
        """names: of the picture, where the path does not tell them all."""
        if path is None or _PART.search(path) or path in self._given:
            return
        if not self._withheld.isdisjoint({*names, *_names({}, path), *path.split("/")}):
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
        elif video.get("sideBySideIndex"):
            return
        elif path is None:
            self._filming = True
            events.append(Progress("video", percent_of(video.get("progress"))))
        elif not self._video:
            self._video = True
            events.append(Video(path))

    def _model_response(self, model: dict[str, Any], events: list[Event]) -> None:
        for card in _listed(model, "cardAttachmentsJson"):
            self._card(_card_data(card), events)
        for url in _listed(model, "generatedImageUrls"):
            self._finished(asset_path(url), events)
        for name in _listed(model, "fileAttachments"):
            path = asset_path(name)
            if path and path.endswith(".mp4"):
                self._attachment = path
            elif path and "/" not in path and self._filming and self._user and self._attachment is None:
                self._attachment = f"users/{self._user}/generated/{path}/generated_video.mp4"


def _names(image: dict[str, Any], path: str | None) -> list[str]:
    """What a picture is known by: its ids, its path, and the id in its path; those first that tell it best."""
    names = [image.get(key) for key in ("imageId", "imageUuid", "assetId")]
    if path is not None:
        whole = _PART.sub("", path)
        found = _ID.search(whole)
        names += [found[1] if found else None, whole]
    return [name for name in names if isinstance(name, str) and name]


def _listed(container: dict[str, Any], key: str) -> list[object]:
    found = container.get(key)
    return found if isinstance(found, list) else []
