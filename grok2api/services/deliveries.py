"""What became of the pictures and videos of one answer: handed out, withheld, lost, or never finished."""

from __future__ import annotations

from collections.abc import Callable

from grok2api import errors
from grok2api.errors import MediaLost, NoMedia, UpstreamError, UpstreamFailed
from grok2api.events import Event, Image, Moderated, Progress, Video
from grok2api.media import Kind

#: Takes a file in: path and kind.
Keep = Callable[[str, Kind], None]


class Deliveries:
    """keep: called with each finished file before it is handed on; a file that it finds lost is left out."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._announced = ""
        self._delivered = False
        self._moderated = False
        self._lost: MediaLost | None = None

    def take(self, event: Event) -> bool:
        """Whether an event is to be handed on. Raises UpstreamFailed, StorageUnavailable."""
        if isinstance(event, Progress):
            self._announced = event.kind
        elif isinstance(event, Moderated):
            self._moderated = True
        elif isinstance(event, Image | Video):
            try:
                self._keep(event.path, Kind.IMAGE if isinstance(event, Image) else Kind.VIDEO)
            except MediaLost as error:
                self._lost = error
                return False
            self._delivered = True
        return True

    def problem(self) -> UpstreamError | None:
        """At the good end of an answer: what is wrong with it when nothing came of what was announced."""
        if self._delivered:
            return None
        if self._lost is not None:
            return NoMedia(f"Grok made a picture or video, but does not give it out. {self._lost}")
        if self._moderated:
            return errors.Moderated("Grok made a picture or video, but its moderation withheld it.")
        if self._announced:
            return UpstreamFailed(f"Grok began to make the {self._announced}, but did not finish it.")
        return None
