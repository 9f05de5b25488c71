"""Generated pictures and videos: what a path on the assets host may look like, what lies behind it, and the name of its
file in a cache. Pure.

Upstream names its media `users/<user>/generated/<id>/image.jpg`, `…/generated_video.mp4`, `…/preview_image.jpg`,
`anon-users/<id>-generated_image.jpg`; what a user uploaded is `users/<user>/<file>/content`, and is nobody's to get.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_PATH_CHARS = 200
#: As many bytes of a file tell what it is.
HEAD_BYTES = 32

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_PATH = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})+", re.ASCII)
#: Stands for a slash in a file's name; no path has it.
_SLASH = "@"
_VIDEO_NAME = re.compile(r"\.(?:mp4|webm|mov)\Z", re.IGNORECASE)


class Kind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True)
class MediaItem:
    """A picture or video that was handed out. path: see `is_media_path`. account_id: whose it is. created_at: epoch
    seconds."""

    path: str
    kind: Kind
    account_id: int
    created_at: float


def is_media_path(path: str) -> bool:
    """Whether upstream may name a generated file so: no dots that climb, no uploads, nothing to be escaped."""
    if len(path) > MAX_PATH_CHARS or not _PATH.fullmatch(path):
        return False
    return path.rpartition("/")[2].lower() != "content"


def cache_name(path: str) -> str:
    """A media path's one file name; `path_of` is its inverse."""
    return path.replace("/", _SLASH)


def path_of(name: str) -> str | None:
    """The media path with this file name; None for a name that belongs to none."""
    path = name.replace(_SLASH, "/")
    return path if "/" not in name and is_media_path(path) else None


def kind_of(path: str) -> Kind:
    """What upstream means a file of this path to be."""
    return Kind.VIDEO if _VIDEO_NAME.search(path) else Kind.IMAGE


def content_type_of(head: bytes) -> str | None:
    """The media type of a file that begins so; None for what is neither a picture nor a video we know.

    Names and upstream's headers say little: everything is called `image.jpg`.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        if head[8:12] in (b"avif", b"avis"):
            return "image/avif"
        return "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm"
    return None


def fits(kind: Kind, content_type: str) -> bool:
    """Whether a file of this type is what was to be there."""
    return content_type.startswith(f"{kind}/")
